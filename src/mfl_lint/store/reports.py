"""Reports over a time: what is broken, new and mended of what a route is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import chain
from typing import Final

from sqlalchemy import Connection

from mfl_lint.config_alert import RouteConfig
from mfl_lint.core.messages import Draft, Handling
from mfl_lint.core.news import Kind, Mark, Stream
from mfl_lint.core.truth import FindingState
from mfl_lint.store.engine import Store
from mfl_lint.store.handling import handled
from mfl_lint.store.marks import all_marks, write_marks
from mfl_lint.store.messages import write_drafts
from mfl_lint.store.news import alone
from mfl_lint.store.standing import concerning, found
from mfl_lint.store.tables import findings

Compose = Callable[[Stream, Handling], Iterable[Draft]]
_OPEN: Final = findings.c.state == FindingState.OPEN.value


async def report(
    store: Store,
    route: RouteConfig,
    due: datetime,
    compose: Compose,
    now: datetime,
) -> bool:
    """Write the report that was due at `due`, once; say whether that was now.

    The first one is due when the route is known: before that nothing is reported.
    """
    return await store.write(_report, route, due, compose, now)


def _report(
    connection: Connection,
    route: RouteConfig,
    due: datetime,
    compose: Compose,
    now: datetime,
) -> bool:
    alone(connection)
    mark = Mark("digest", route.name, "", at=due)
    held = {one.key: one for one in all_marks(connection)}.get(mark.key)
    since = held.at if held is not None else None
    if since is not None and since >= due:
        return False
    write_marks(connection, [mark])
    if since is None:
        return False
    write_drafts(
        connection,
        compose(since_then(connection, route, since, due), handled(connection, now)),
        now,
    )
    return True


def since_then(
    connection: Connection, route: RouteConfig, since: datetime, until: datetime
) -> Stream:
    """Return what is new and what was mended, and after that what is broken, the oldest first.

    There may be some among it that does not concern the route.
    """
    wanted = concerning(connection.dialect.name, route)
    new = _OPEN & (findings.c.first_seen_at > since) & (findings.c.first_seen_at <= until)
    mended = (
        (findings.c.state == FindingState.RESOLVED.value)
        & (findings.c.resolved_at > since)
        & (findings.c.resolved_at <= until)
    )
    kinds = ((Kind.OPENED, new), (Kind.RESOLVED, mended), (Kind.STANDING, _OPEN))
    every = [found(connection, which & wanted, kind, until, f"{kind}/") for kind, which in kinds]
    return Stream(lambda: chain.from_iterable(every))
