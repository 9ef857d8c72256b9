"""mfl-lint: a registry linter and inspection service for multi-arch container images."""

__version__ = "0.6.0"
