"""What alerts remember between messages, and since when registries are known."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, false, func, select

from mfl_lint.core.news import Mark, News
from mfl_lint.core.records import CrawlStatus
from mfl_lint.store.columns import from_json, to_json
from mfl_lint.store.inserts import upsert
from mfl_lint.store.tables import alert_marks, crawls, registries

_LOG: Final = logging.getLogger("mfl_lint")
_KEY: Final = ("kind", "route", "registry", "repository", "tag")


def all_marks(connection: Connection) -> tuple[Mark, ...]:
    """Return every mark."""
    rows = connection.execute(select(alert_marks).order_by(*(alert_marks.c[n] for n in _KEY)))
    return tuple(_mark(row) for row in rows)


def _mark(row: Any) -> Mark:
    try:
        last = tuple(from_json(row.last, list[News])) if row.last else ()
    except msgspec.DecodeError as error:
        # Without them it is not said how a tag is once it is calm; all else goes on.
        _LOG.warning("what is remembered of a tag that flaps cannot be read: %s", error)
        last = ()
    place = (row.kind, row.route, row.registry, row.repository, row.tag)
    return Mark(*place, row.since, row.at, row.number, last)


def write_marks(connection: Connection, marks: Sequence[Mark], gone: Sequence[Mark] = ()) -> None:
    """Write marks over those of the same place, and take others away."""
    for mark in gone:
        here = [alert_marks.c[name] == value for name, value in zip(_KEY, mark.key, strict=True)]
        connection.execute(delete(alert_marks).where(*here))
    rows: list[dict[str, Any]] = [
        {
            **dict(zip(_KEY, mark.key, strict=True)),
            "since": mark.since,
            "at": mark.at,
            "number": mark.number,
            "last": to_json(mark.last) if mark.last else "",
        }
        for mark in marks
    ]
    upsert(connection, alert_marks, rows, unique=_KEY)


def introduced(connection: Connection) -> dict[str, datetime | None]:
    """Return when the first whole crawl of each registry ended that saw anything."""
    ended = crawls.c.status.in_((CrawlStatus.DONE.value, CrawlStatus.FAILED.value))
    query = (
        select(registries.c.name, func.min(crawls.c.finished_at).label("at"))
        .join(crawls, crawls.c.registry_id == registries.c.id)
        .where(ended, crawls.c.partial.is_(false()), crawls.c.tags > 0)
        .group_by(registries.c.name)
    )
    return {row.name: row.at for row in connection.execute(query)}
