"""A repository's tags: what narrows them, what sorts them, and that indexes do the sorting."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benchmarks.recorded import recorded
from mfl_lint.core.errors import CursorInvalid
from mfl_lint.core.observation import LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Ignore, Severity
from mfl_lint.core.records import Entry, TagWrite
from mfl_lint.core.views import Page, TagFilter
from mfl_lint.store import observations
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.view_tags import Order, tags_page
from tests.store.batches import NOW, batch, entry, finding, lease, write

PLACE = ("one", "team/app")
ALL = ["latest", "2.0", "1.10", "1.9", "1.2", "edge"]
WORST = ["1.9", "edge", "2.0", "1.2", "latest", "1.10"]


def listing(*platforms: Platform) -> tuple[Entry, ...]:
    return tuple(entry(at, platform=platform) for at, platform in enumerate(platforms))


def told() -> list[TagWrite]:
    """Return tags in all states; 1.2 is not certain, 0.1 and 0.2 are not shown."""
    old, spelt = Platform("linux", "x86_64"), Platform("Linux", "AArch64")
    entries = {
        "2.0": listing(old, spelt),
        "1.10": listing(Platform("linux", "amd64", "v2"), Platform("linux", "armhf")),
        "1.9": listing(Platform("linux", "arm64", "v8")),
        "1.2": listing(Platform("windows", "amd64", "", "10.0.20348.1")),
    }
    writes = [
        write("latest"),
        write("2.0", finding("2.0", "MFL201", Severity.WARNING)),
        write("1.10", finding("1.10", "MFL201", Severity.INFO)),
        write("1.9", finding("1.9")),
        write("1.2", complete=False),
        write("edge", finding("edge")),
        write("0.1", finding("0.1"), watched=False),
        write("0.2", look=LookState.ABSENT, gone_at=NOW),
    ]
    return [msgspec.structs.replace(one, entries=entries.get(one.state.name, ())) for one in writes]


async def fill(store: Store) -> None:
    held = await lease(store)
    await observations.record(store, held, batch(*told()))


ANY = TagFilter()


async def names(store: Store, wanted: TagFilter = ANY, **asked: Any) -> list[str]:
    """Return the names of all pages of two."""
    found: list[str] = []
    cursor: str | None = None
    for _ in range(20):
        page = await tags_page(store, *PLACE, wanted, cursor=cursor, limit=2, **asked)
        found += [row.state.name for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.VERSION, ALL),
        (Order.OLDEST, ALL[::-1]),
        (Order.NAME, sorted(ALL)),
        (Order.WORST, WORST),
    ],
)
async def test_each_order_goes_on_over_its_pages(
    store: Store, order: Order, expected: list[str]
) -> None:
    await fill(store)
    assert expected == await names(store, order=order)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("error", ["1.9", "edge"]),
        ("warning", ["2.0"]),
        ("unknown", ["1.2"]),
        ("ok", ["latest", "1.10"]),
    ],
)
async def test_a_tag_is_in_exactly_one_state(store: Store, state: str, expected: list[str]) -> None:
    await fill(store)
    assert expected == await names(store, TagFilter(states=(state,)))
    assert expected == await names(store, TagFilter(states=(state,)), order=Order.WORST)


async def test_what_is_ignored_makes_no_state_worse(store: Store) -> None:
    await fill(store)
    ignores = (Ignore("MFL101", "lived with", tag="ed*"),)
    assert ["1.9"] == await names(store, TagFilter(states=("error",)), ignores=ignores)
    assert "edge" in await names(store, TagFilter(states=("ok",)), ignores=ignores)
    assert "1.9" == (await names(store, order=Order.WORST, ignores=ignores))[0]


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux/amd64", ["2.0", "1.10"]),
        ("linux/amd64/v2", ["1.10"]),
        ("linux/arm64", ["2.0", "1.9"]),
        ("linux/arm", ["1.10"]),
        ("linux/arm/v7", ["1.10"]),
        ("linux/arm/v6", []),
        ("windows/amd64", ["1.2"]),
        ("plan9/mips", []),
    ],
)
async def test_platforms_are_found_however_an_entry_spells_them(
    store: Store, platform: str, expected: list[str]
) -> None:
    await fill(store)
    wanted = Platform.parse(platform)
    assert expected == await names(store, TagFilter(offers=wanted))
    rest = [name for name in ALL if name not in expected]
    assert rest == await names(store, TagFilter(lacks=wanted))


async def test_demands_hold_together(store: Store) -> None:
    await fill(store)
    both = TagFilter("*.*", ("error", "warning"), Platform("linux", "arm64"))
    assert ["2.0", "1.9"] == await names(store, both)
    assert [] == await names(store.seeing(frozenset({"two"})), both)


@pytest.mark.parametrize("order", list(Order))
async def test_a_cursor_of_another_order_is_refused(store: Store, order: Order) -> None:
    await fill(store)
    given = {Order.NAME: Order.WORST}.get(order, Order.NAME)
    page = await tags_page(store, *PLACE, order=given, limit=1)
    with pytest.raises(CursorInvalid):
        await tags_page(store, *PLACE, order=order, cursor=page.next_cursor)


async def test_a_repository_that_is_not_there_has_no_tags(store: Store) -> None:
    assert Page(()) == await tags_page(store, "one", "team/other", order=Order.WORST)


@pytest.mark.parametrize("order", list(Order))
async def test_every_order_is_an_index_s(upgraded_file: Path, tmp_path: Path, order: Order) -> None:
    file = shutil.copyfile(upgraded_file, tmp_path / "orders.db")
    async with open_store(f"sqlite:///{file}") as store:
        await fill(store)
    plans = await plans_of(Path(file), order)
    assert [line for line in plans if "tags USING INDEX" in line]
    given = [line for line in plans if "SCAN json_each" not in line]
    assert [] == [line for line in given if "TEMP B-TREE" in line or line.startswith("SCAN")]


async def plans_of(file: Path, order: Order) -> list[str]:
    """Return how SQLite goes about the second page of tags in an order."""
    with recorded() as said:
        async with open_store(f"sqlite:///{file}") as store:
            first = await tags_page(store, *PLACE, order=order, limit=1)
            said.clear()
            await tags_page(store, *PLACE, order=order, cursor=first.next_cursor, limit=1)
            asked = [one for one in said if "ORDER BY tags." in one[0]]
    with closing(sqlite3.connect(file)) as connection:
        return [
            str(row[3])
            for statement, given in asked
            for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)
        ]
