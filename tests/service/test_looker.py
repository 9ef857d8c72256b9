"""Looks that were asked for: together where that is cheaper, again where they failed."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from mfl_lint.config import Config, HttpConfig, RegistryConfig, Scheme
from mfl_lint.core.records import ASKED, WEBHOOK, CrawlStatus
from mfl_lint.core.views import FindingFilter
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.registry.transport import Transport
from mfl_lint.service.looker import Looker
from mfl_lint.store import crawls, dump, looks, migrate, registries, views
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.looks import Wanted
from mfl_lint.store.statements import all_rows
from mfl_lint.store.tables import look_requests
from tests.builders import image, index, place
from tests.cli.test_crawl import WRONG
from tests.fault_registry import FaultRegistry
from tests.faults import status
from tests.servers import free_port
from tests.service.gated import GatedRegistry, config_of

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
THOROUGH = looks.again(looks.AGAIN, thoroughly=True)


class Looks:
    """A looker at work, whose clock is moved by hand."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = datetime.now(UTC)
        self.looker: Looker | None = None

    async def ask(self, repository: str, *tags: str, reason: str = WEBHOOK) -> None:
        wanted = [Wanted("lab", repository, tag) for tag in tags]
        await looks.request_looks(self.store, wanted, self.now, reason)
        self.hurry()

    def hurry(self) -> None:
        """Have looks made now."""
        assert self.looker is not None
        self.looker.hurry()

    async def kept(self) -> int:
        """Return how many requests are kept, taken or not."""
        return (await dump.figures(self.store)).rows["look_requests"]

    async def reasons(self) -> list[str]:
        """Return why looks are kept, taken or not."""
        rows = await self.store.read(all_rows, select(look_requests.c.reason))
        return [row.reason for row in rows]

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(30):
            while not await holds():
                pass

    async def until_kept(self, number: int) -> None:
        async def are() -> bool:
            return await self.kept() == number

        await self.until(are)


@asynccontextmanager
async def looking(folder: Path, host: str) -> AsyncIterator[Looks]:
    """Yield a looker over an empty store and a registry that nobody crawled."""
    config: Config = config_of(folder, RegistryConfig(name="lab", host=host, scheme=Scheme.HTTP))
    migrate.upgrade(config.database.url)
    http = HttpConfig(retries=0, timeout_s=5.0)
    async with open_store(config.database.url) as store, Transport(http) as transport:
        made = Looks(store)
        crawler = Crawler(store, transport, config, lambda: datetime.now(UTC))
        await registries.sync_registries(store, config.registries, made.now)
        made.looker = Looker(store, crawler, lambda: made.now, 0.2)
        work = asyncio.create_task(made.looker.run())
        try:
            yield made
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)


@pytest.fixture
async def registry() -> AsyncIterator[GatedRegistry]:
    async with GatedRegistry().serving() as registry:
        for number in range(60):
            place(registry, "team/app", GOOD, f"v{number}")
        yield registry


async def test_few_tags_are_looked_at_alone_and_many_with_their_repository(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    async with looking(tmp_path, registry.host) as made:
        await made.ask("team/app", *(f"v{number}" for number in range(50)))
        await made.until_kept(0)
        assert [] == registry.asked("tags/list")
        await made.ask("team/app", *(f"v{number}" for number in range(51)))
        await made.until_kept(0)
        assert 1 == len(registry.asked("tags/list"))


async def test_the_log_names_the_tags_and_what_asked_for_them(
    tmp_path: Path, registry: GatedRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mfl_lint")
    async with looking(tmp_path, registry.host) as made:
        await made.ask("team/app", "v2", "v1")
        await made.until_kept(0)
        await made.ask("team/app", "v3", reason=looks.HOT)
        await made.until_kept(0)
        await made.ask("team/app", "", reason=ASKED)
        await made.until_kept(0)
    said = [one.getMessage() for one in caplog.records if "looked at" in one.getMessage()]
    assert [
        "looked at lab/team/app: v1, v2 (a webhook told of it)",
        "looked at lab/team/app: 60 tags (somebody asked)",
    ] == said


async def test_what_is_asked_for_during_a_look_is_one_more_look_after_it(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    async with looking(tmp_path, registry.host) as made:
        registry.gate.clear()
        await made.ask("team/app", "v1")
        await asyncio.wait_for(registry.reached.wait(), 30)
        for _ in range(20):
            await made.ask("team/app", "v1")
        assert 2 == await made.kept()
        registry.gate.set()
        await made.until_kept(0)
    heads = [one for one in registry.access_log if one.path.endswith("v1")]
    assert 2 == len([one for one in heads if one.method == "HEAD"])


async def test_a_repository_that_takes_long_keeps_no_other_waiting(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    place(registry, "team/slow", GOOD, "v1")
    registry.shut = ("team/slow",)
    registry.gate.clear()
    async with looking(tmp_path, registry.host) as made:
        await made.ask("team/slow", "v1")
        await asyncio.wait_for(registry.reached.wait(), 30)
        for number in range(10):
            await made.ask("team/app", f"v{number}")
        await made.until_kept(1)
        registry.gate.set()
        await made.until_kept(0)


@pytest.mark.parametrize(
    ("reason", "again"),
    [(WEBHOOK, looks.AGAIN), (ASKED, THOROUGH)],
)
async def test_a_look_that_failed_is_made_again_ten_minutes_later_and_then_left_to_crawls(
    tmp_path: Path, reason: str, again: str
) -> None:
    async with looking(tmp_path, f"127.0.0.1:{free_port()}") as made:
        await made.ask("team/app", "v1", reason=reason)

        async def is_put_off() -> bool:
            found = await looks.asked_tags(made.store, "lab", "team/app", after=0)
            return [again] == [one.reason for one in found]

        await made.until(is_put_off)
        for _ in range(5):
            await asyncio.sleep(0.1)
            assert 1 == await made.kept()
        made.now += timedelta(minutes=21)
        await made.until_kept(0)


@pytest.mark.parametrize("number", [0, 51])
async def test_a_look_at_a_repository_that_failed_is_seen_as_failed_and_made_again(
    tmp_path: Path, number: int
) -> None:
    tags = [f"v{one}" for one in range(number)] or [""]
    async with looking(tmp_path, f"127.0.0.1:{free_port()}") as made:
        await made.ask("team/app", *tags, reason=ASKED)

        async def is_put_off() -> bool:
            return [THOROUGH] * len(tags) == await made.reasons()

        await made.until(is_put_off)
        (seen,) = (await crawls.crawls(made.store)).items
        assert CrawlStatus.FAILED is seen.status
        assert "connection refused" in seen.problem
        made.now += timedelta(minutes=21)
        await made.until_kept(0)


async def test_a_look_at_a_repository_of_which_a_tag_failed_is_made_again_and_resolves_nothing(
    tmp_path: Path,
) -> None:
    async with FaultRegistry() as registry:
        place(registry.demo, "team/app", WRONG, "v1")
        place(registry.demo, "team/app", GOOD, "v2")
        async with looking(tmp_path, registry.host) as made:
            await made.ask("team/app", "")
            await made.until_kept(0)
            place(registry.demo, "team/app", GOOD, "v1")
            registry.fault(("*", "/manifests/v1"), status(503))
            await made.ask("team/app", "")

            async def is_put_off() -> bool:
                return [THOROUGH] == await made.reasons()

            await made.until(is_put_off)
            assert ["MFL101"] == await open_rules(made.store)
            registry.heal()
            made.now += timedelta(minutes=21)
            await made.until_kept(0)
            assert [] == await open_rules(made.store)


async def test_what_is_not_configured_any_more_is_forgotten(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    async with looking(tmp_path, registry.host) as made:
        gone = Wanted("removed", "team/app", "v1")
        await looks.request_looks(made.store, [gone], made.now, "webhook")
        await made.until_kept(0)
    assert [] == registry.access_log


async def test_what_breaks_while_looks_are_taken_puts_them_off_and_ends_nothing(
    tmp_path: Path, registry: GatedRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    async with looking(tmp_path, registry.host) as made:
        broken = "UPDATE look_requests SET requested_at = 'no time at all'"
        changed(tmp_path, "INSERT INTO look_requests " + SOMETHING, broken)
        made.hurry()

        async def is_said() -> bool:
            kept = await made.kept()
            return kept == 1 and "taking the looks that were asked for broke" in caplog.text

        await made.until(is_said)
        changed(tmp_path, "UPDATE look_requests SET requested_at = 0")
        await made.until_kept(0)
    assert registry.asked("/manifests/v1")


SOMETHING = (
    "(registry, repository, tag, state, reason, requested_at) "
    "VALUES ('lab', 'team/app', 'v1', 'pending', 'webhook', 0)"
)


def changed(folder: Path, *statements: str) -> None:
    """Change the database in one transaction, as nobody but a fault would."""
    with closing(sqlite3.connect(folder / "mfl-lint.db", timeout=30)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(("reason", "tag"), [(ASKED, "v1"), (ASKED, ""), (WEBHOOK, "")])
async def test_what_a_person_or_a_deletion_asks_for_sees_a_child_that_is_gone(
    tmp_path: Path, registry: GatedRegistry, reason: str, tag: str
) -> None:
    async with looking(tmp_path, registry.host) as made:
        await made.ask("team/app", "v1")
        await made.until_kept(0)
        registry.delete_manifest("team/app", GOOD.children[1].digest)
        await made.ask("team/app", "v1")
        await made.until_kept(0)
        assert [] == await open_rules(made.store)
        await made.ask("team/app", tag, reason="hot")
        await made.ask("team/app", tag, reason=reason)
        await made.until_kept(0)
        assert "MFL201" in await open_rules(made.store)


async def open_rules(store: Store) -> list[str]:
    page = await views.findings_page(store, FindingFilter(states=("open",)), limit=100)
    return [item.finding.rule for item in page.items]
