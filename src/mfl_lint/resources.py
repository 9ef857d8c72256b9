"""Files shipped beside the code: in the wheel inside the package, in a checkout at its top."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mfl_lint.core.errors import MflLintError

_PACKAGE: Final = Path(__file__).resolve().parent
_CHECKOUT: Final = _PACKAGE.parent.parent


def _found(packaged: str, checked_out: str) -> Path:
    """Return the packaged file or directory, else the checkout's."""
    for path in (_PACKAGE / packaged, _CHECKOUT / checked_out):
        if path.exists():
            return path
    raise MflLintError(f"the installation is incomplete: {packaged} is missing; install it again")


def migrations_path() -> Path:
    """Return the directory of the schema's migrations."""
    return _found("_migrations", "migrations")


def templates_path() -> Path:
    """Return the directory of the templates and static files."""
    return _found("_templates", "templates")


def example_config_path() -> Path:
    """Return the explained example of a configuration file."""
    return _found("_config.example.toml", "config.example.toml")
