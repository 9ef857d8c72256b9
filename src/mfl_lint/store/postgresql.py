"""Connections to PostgreSQL. Each end gives up one that the other end is silent on.

A program that is stopped, or a machine that cannot be reached any more, keeps what it has locked
until its connection ends. By themselves the two ends would wait for hours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import URL, Engine, create_engine, event

# How long a program may say nothing in the middle of a transaction: it does so for milliseconds.
SILENCE_S: Final = 10.0
# For what people carry out: files of any size are written meanwhile.
PATIENT_S: Final = 900.0
_CONNECT_S: Final = 10
# What was broken off for others is carried out so often.
MOST_TRIES: Final = 5
# serialization_failure, deadlock_detected
_GAVE_WAY: Final = ("40001", "40P01")


def gave_way(error: object) -> bool:
    """Say whether the database broke a transaction off so that others go on: it may come again."""
    return getattr(error, "sqlstate", None) in _GAVE_WAY


def connecting(address: URL, name: str, silence_s: float = SILENCE_S) -> dict[str, Any]:
    """Return what libpq is told of a connection that the database calls by that name.

    What the address says itself goes first.
    """
    told = {
        "application_name": name,
        "connect_timeout": _CONNECT_S,
        "keepalives": 1,
        "keepalives_idle": max(1, round(silence_s / 2)),
        "keepalives_interval": max(1, round(silence_s / 4)),
        "keepalives_count": 2,
        "tcp_user_timeout": round(silence_s * 1000),
    }
    return {setting: value for setting, value in told.items() if setting not in address.query}


def keeping(silence_s: float = SILENCE_S) -> dict[str, str]:
    """Return the settings by which the database does the same."""
    return {
        "idle_in_transaction_session_timeout": f"{round(silence_s * 1000)}",
        "tcp_keepalives_idle": f"{max(1, round(silence_s / 2))}",
        "tcp_keepalives_interval": f"{max(1, round(silence_s / 4))}",
        "tcp_keepalives_count": "2",
        "tcp_user_timeout": f"{round(silence_s * 1000)}",
    }


def postgresql_engine(
    address: URL,
    name: str,
    *,
    silence_s: float = SILENCE_S,
    settings: Mapping[str, str] | None = None,
    **options: Any,
) -> Engine:
    """Return an engine whose connections have these settings; what the address says goes first."""
    told = connecting(address, name, silence_s)
    engine = create_engine(address, connect_args=told, hide_parameters=True, **options)
    kept = keeping(silence_s) | dict(settings or {})
    each = ", ".join(
        f"set_config('{setting}', '{value}', false)" for setting, value in kept.items()
    )

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.execute(f"SELECT {each}")
        connection.commit()

    return engine
