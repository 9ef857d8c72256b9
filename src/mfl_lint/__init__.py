"""mfl-lint: a registry linter and inspection service for multi-arch container images."""

__version__ = "0.7.0"
# What every request that leaves says of who asks.
USER_AGENT = f"mfl-lint/{__version__}"
