"""What the processes of one crawl say to one another, and how it goes through a pipe.

Both ends are this program, started by itself: what comes is trusted, and pickled.
"""

from __future__ import annotations

import asyncio
import pickle
from datetime import datetime
from typing import Any, Final

import msgspec

from mfl_lint.config import Config
from mfl_lint.crawl.job import RepositoryResult
from mfl_lint.registry.traffic import Carried

_LENGTH_BYTES: Final = 4


class Start(msgspec.Struct, frozen=True):
    """The crawl that a mate helps with: `concurrency` requests at once are lent to it."""

    config: Config
    url: str
    registry: str
    concurrency: int
    crawl_id: int
    round_since: datetime | None
    partial: bool


class Order(msgspec.Struct, frozen=True):
    """A repository to crawl."""

    repository: str


class Answer(msgspec.Struct, frozen=True):
    """How an order ended. `traffic` and `layers` are what was asked for and read since the last."""

    repository: str
    result: RepositoryResult | None = None
    error: Exception | None = None
    traffic: tuple[Carried, ...] = ()
    layers: int = 0


class Note(msgspec.Struct, frozen=True):
    """A line of the mate's log; `trace` is an exception's, "" without one."""

    logger: str
    level: int
    text: str
    trace: str = ""


def framed(message: object) -> bytes:
    """Return a message as it goes through the pipe."""
    body = pickle.dumps(message)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


async def next_message(reader: asyncio.StreamReader) -> Any:
    """Return the next message, None where the other end is gone."""
    try:
        length = await reader.readexactly(_LENGTH_BYTES)
        body = await reader.readexactly(int.from_bytes(length, "big"))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return pickle.loads(body)  # noqa: S301  # our own process wrote it
