"""Findings as news, however many: the oldest first, read page after page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, or_, true

from mfl_lint.config_alert import RouteConfig
from mfl_lint.core.news import Kind, News, Stream, news_of
from mfl_lint.core.policy import Severity
from mfl_lint.store.findings import findings_in_place
from mfl_lint.store.rows import WEIGHTS, finding_value
from mfl_lint.store.statements import chunks, fetch_in, matches
from mfl_lint.store.tables import findings, registries, repositories, tags
from mfl_lint.store.view_findings import WATCHED

_WHOLE: Final = findings_in_place()
_IDS: Final = (
    _WHOLE.outerjoin(tags, tags.c.id == findings.c.tag_id)
    .with_only_columns(findings.c.id)
    .where(WATCHED)
    .order_by(findings.c.first_seen_at, findings.c.id)
)


def found(
    connection: Connection, which: ColumnElement[bool], kind: Kind, at: datetime, mark: str = ""
) -> Stream:
    """Return the findings of what is watched as news of a kind; `mark` begins their ids.

    They are read when they are asked for, in this transaction.
    """

    def read() -> Iterator[News]:
        ids = [row.id for row in connection.execute(_IDS.where(which))]
        for page in chunks(ids):
            rows = {row.id: row for row in fetch_in(connection, _WHOLE, findings.c.id, page)}
            for row in (rows[one] for one in page if one in rows):
                name = f"{mark}{row.fingerprint}"
                yield news_of(finding_value(row), kind, at, row.first_seen_at, name)

    return Stream(read)


def concerning(dialect: str, route: RouteConfig) -> ColumnElement[bool]:
    """Return the condition that lets all findings through that concern a route, and few others."""
    worst = findings.c.weight >= WEIGHTS[Severity(route.severity)]
    rules = findings.c.rule.in_(route.rules) if route.rules else true()
    places = (
        (registries.c.name, route.registries),
        (repositories.c.name, ("", *route.repositories)),
        (findings.c.tag, ("", *route.tags)),
    )
    named = (
        or_(*(matches(dialect, column, glob) for glob in globs))
        for column, globs in places
        if "*" not in globs
    )
    return and_(worst, rules, *named)
