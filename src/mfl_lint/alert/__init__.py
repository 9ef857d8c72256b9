"""Who is told of what, when, and in which words; and the channels that carry it."""
