"""Making lists and mending them: drafts, plans, and the pushes that carry them out."""
