"""What alerts remember between messages, and since when registries are known."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, false, func, select, update

from mfl_lint.core.news import GRACE, Mark, News
from mfl_lint.core.records import CrawlStatus
from mfl_lint.store.columns import from_json, to_json
from mfl_lint.store.inserts import upsert
from mfl_lint.store.tables import alert_groups, alert_marks, crawls, registries

_LOG: Final = logging.getLogger("mfl_lint")
_LONGEST_CRAWL: Final = timedelta(days=7)
# A group's route, registry, repository and rule.
GroupKey = tuple[str, str, str, str]
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


def held_mark(group: GroupKey) -> Mark:
    """Return the mark of a group of which something is held back, without what it says."""
    return Mark("held", *group)


def held_marks(marks: Iterable[Mark]) -> dict[GroupKey, Mark]:
    """Return those of groups of which something is held back."""
    return {one.key[1:]: one for one in marks if one.kind == "held"}


def free_held(connection: Connection, now: datetime) -> None:
    """Have all that is held back looked at again now."""
    held, group = alert_marks.c, alert_groups.c
    same = (held.route == group.route) & (held.registry == group.registry)
    same &= (held.repository == group.repository) & (held.tag == group.rule)
    one = select(held.kind).where(same, held.kind == "held").exists()
    connection.execute(update(alert_groups).where(one).values(due_at=now))
    connection.execute(update(alert_marks).where(held.kind == "held").values(at=now))


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


def introduced(connection: Connection, now: datetime) -> dict[str, datetime | None]:
    """Return until when what is found in each registry is its introduction, None while it is.

    That is the end of the first whole crawl that saw anything; before there was one, of the last
    one, and of a registry that was never crawled as a whole when it was first heard of.
    """
    begun = dict(_first_ends(connection))
    newest = select(func.max(crawls.c.id)).where(crawls.c.partial.is_(false()))
    query = select(
        registries.c.name,
        registries.c.first_seen_at,
        crawls.c.status,
        crawls.c.started_at,
        crawls.c.finished_at,
    ).outerjoin(
        crawls,
        (crawls.c.registry_id == registries.c.id)
        & crawls.c.id.in_(newest.group_by(crawls.c.registry_id)),
    )
    for row in connection.execute(query.where(registries.c.name.not_in(begun))):
        # One that was killed counts as running until there is another one.
        going_on = (
            row.status == CrawlStatus.RUNNING.value and now - row.started_at < _LONGEST_CRAWL
        ) or (row.status == CrawlStatus.INTERRUPTED.value and now - row.finished_at < GRACE)
        begun[row.name] = None if going_on else row.finished_at or row.first_seen_at
    return begun


def _first_ends(connection: Connection) -> Iterator[tuple[str, datetime | None]]:
    """Yield registries, and when the first whole crawl of each ended that saw anything."""
    ended = crawls.c.status.in_((CrawlStatus.DONE.value, CrawlStatus.FAILED.value))
    query = (
        select(registries.c.name, func.min(crawls.c.finished_at).label("at"))
        .join(crawls, crawls.c.registry_id == registries.c.id)
        .where(ended, crawls.c.partial.is_(false()), crawls.c.tags > 0)
        .group_by(registries.c.name)
    )
    for row in connection.execute(query):
        yield row.name, row.at
