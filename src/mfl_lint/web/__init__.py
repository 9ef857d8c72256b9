"""Pages a person reads and the JSON beside them."""
