"""Reports over a time: what is broken, new and mended of what a route is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection

from mfl_lint.core.messages import Draft, Handling
from mfl_lint.core.news import Kind, Mark, News, news_of
from mfl_lint.core.truth import FindingState
from mfl_lint.store.engine import Store
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.handling import handled
from mfl_lint.store.marks import all_marks, write_marks
from mfl_lint.store.messages import write_drafts
from mfl_lint.store.news import alone
from mfl_lint.store.rows import finding_value
from mfl_lint.store.tables import findings, tags
from mfl_lint.store.view_findings import WATCHED

_MOST: Final = 5_000
_OPEN: Final = findings.c.state == FindingState.OPEN.value


async def report(
    store: Store,
    route: str,
    due: datetime,
    compose: Callable[[Sequence[News], Handling], Sequence[Draft]],
    now: datetime,
) -> bool:
    """Write the report that was due at `due`, once; say whether that was now.

    The first one is due when the route is known: before that nothing is reported.
    """
    return await store.write(_report, route, due, compose, now)


def _report(
    connection: Connection,
    route: str,
    due: datetime,
    compose: Callable[[Sequence[News], Handling], Sequence[Draft]],
    now: datetime,
) -> bool:
    alone(connection)
    mark = Mark("digest", route, "", at=due)
    held = {one.key: one for one in all_marks(connection)}.get(mark.key)
    since = held.at if held is not None else None
    if since is not None and since >= due:
        return False
    write_marks(connection, [mark])
    if since is None:
        return False
    write_drafts(
        connection, compose(since_then(connection, since, due), handled(connection, now)), now
    )
    return True


def since_then(connection: Connection, since: datetime, until: datetime) -> list[News]:
    """Return what is broken, the oldest first, and what is new and mended; 5,000 of each."""
    new = _OPEN & (findings.c.first_seen_at > since) & (findings.c.first_seen_at <= until)
    mended = (
        (findings.c.state == FindingState.RESOLVED.value)
        & (findings.c.resolved_at > since)
        & (findings.c.resolved_at <= until)
    )
    kinds = ((Kind.STANDING, _OPEN), (Kind.OPENED, new), (Kind.RESOLVED, mended))
    return [news for kind, which in kinds for news in _found(connection, kind, which, until)]


def _found(
    connection: Connection, kind: Kind, which: ColumnElement[bool], until: datetime
) -> list[News]:
    query = findings_in_place().outerjoin(tags, tags.c.id == findings.c.tag_id)
    query = query.where(which, WATCHED).order_by(findings.c.first_seen_at, findings.c.id)
    rows: Sequence[Any] = connection.execute(query.limit(_MOST)).all()
    return [
        news_of(finding_value(row), kind, until, row.first_seen_at, f"{kind}/{row.fingerprint}")
        for row in rows
    ]
