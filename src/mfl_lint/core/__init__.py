"""The nouns: pure values and pure decisions; no network, no database, no clock."""
