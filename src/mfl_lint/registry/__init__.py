"""The only code that speaks to registries."""
