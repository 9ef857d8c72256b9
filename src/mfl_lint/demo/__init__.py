"""A small real registry and its images."""
