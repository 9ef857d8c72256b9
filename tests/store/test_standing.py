"""Findings as news: however many, the oldest first, and those that a route wants among them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, true

from mfl_lint.alert.routing import wants
from mfl_lint.config_alert import RouteConfig
from mfl_lint.core.news import Kind, News
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.store import observations
from mfl_lint.store.engine import Store
from mfl_lint.store.standing import concerning, found
from tests.store.batches import batch, finding, later, lease, write
from tests.store.batches import found as settled


async def open_in(store: Store, repository: str, *given: Finding, hours: int = 0) -> None:
    """Open findings of a repository's tags v1 and v2."""
    held = await lease(store, repository, now=later(hours=hours))
    for tag in ("v1", "v2"):
        mine = [one for one in given if one.tag == tag]
        seen = settled(*mine, at=later(hours=hours))
        told = batch(write(tag, settlement=seen), at=later(hours=hours))
        await observations.record(store, held, told)


async def test_they_are_read_page_after_page_the_oldest_first_and_again(store: Store) -> None:
    for hours in (2, 0, 1):
        place = f"team/{hours}"
        many = (finding(repository=place, subject=f"linux/arm64/{number}") for number in range(700))
        await open_in(store, place, *many, hours=hours)

    def read(connection: Connection) -> tuple[list[News], list[News]]:
        stream = found(connection, true(), Kind.STANDING, later(days=1), "x/")
        return list(stream), list(stream)

    first, again = await store.read(read)
    assert first == again
    assert [later(hours=hours) for hours in (0, 1, 2) for _ in range(700)] == [
        one.since for one in first
    ]
    assert 2100 == len({one.id for one in first})
    assert timedelta(days=1) == first[0].at - later()


@pytest.mark.parametrize(
    "narrowed",
    [
        {},
        {"registries": ("o*", "two")},
        {"registries": ("two",)},
        {"repositories": ("team/*",)},
        {"repositories": ("[t]eam/*", "team/a_p")},
        {"repositories": ("team/?pp", "other/*")},
        {"tags": ("v1",)},
        {"tags": ("v?",), "severity": "error"},
        {"severity": "info"},
        {"rules": ("MFL101",)},
        {"rules": ("MFL101", "MFL301"), "severity": "info", "repositories": ("*/app",)},
    ],
)
async def test_the_database_lets_all_through_that_a_route_wants(
    store: Store, narrowed: dict[str, Any]
) -> None:
    kinds = (("MFL101", Severity.ERROR), ("MFL201", Severity.WARNING), ("MFL301", Severity.INFO))
    for place in ("team/app", "other/app"):
        given = (finding(tag, *kind, repository=place) for tag in ("v1", "v2") for kind in kinds)
        await open_in(store, place, *given)
    route = RouteConfig("team", ("hook",), **narrowed)

    def read(connection: Connection, *, whole: bool) -> set[str]:
        which = true() if whole else concerning(connection.dialect.name, route)
        every = found(connection, which, Kind.STANDING, later())
        return {one.fingerprint for one in every if not whole or wants(route, one)}

    assert await store.read(read, whole=True) == await store.read(read, whole=False)
