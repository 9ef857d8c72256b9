"""What all tables share: names of constraints, and the usual columns."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Boolean, Column, ForeignKey, MetaData, true

from mfl_lint.store.columns import Id, Token, Words

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def own_id() -> Column[Any]:
    """Return the primary key that the database gives."""
    return Column("id", Id, primary_key=True, autoincrement=True)


def words(name: str, **options: Any) -> Column[Any]:
    """Return a text that is always given."""
    return Column(name, Words, nullable=False, **options)


def token(name: str, **options: Any) -> Column[Any]:
    """Return a digest, a state, or whatever else cannot hold just anything."""
    return Column(name, Token, nullable=False, **options)


def optional_text(name: str) -> Column[Any]:
    """Return a text that may be empty."""
    return words(name, server_default="")


def number(name: str) -> Column[Any]:
    """Return a counter from 0."""
    return Column(name, Id, nullable=False, server_default="0")


def link(name: str, target: str, **options: Any) -> Column[Any]:
    """Return a foreign key; the row goes with the one that it points at."""
    options.setdefault("nullable", bool(options.pop("optional", False)))
    return Column(name, Id, ForeignKey(f"{target}.id", ondelete="CASCADE"), **options)


def watched() -> Column[Any]:
    """Return whether the configuration names it now."""
    return Column("watched", Boolean, nullable=False, server_default=true())


def counters() -> tuple[Column[Any], ...]:
    """Return the counters of findings."""
    return tuple(number(name) for name in ("error", "warning", "info", "unknown"))
