"""What the overview, the registries and the crawls show, and that page and JSON agree."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.policy import Ignore, Policy
from mfl_lint.core.records import CrawlStatus
from mfl_lint.core.views import Counts
from mfl_lint.store import crawls, registries
from mfl_lint.store.engine import Store, open_store
from mfl_lint.web.answers import (
    CrawlAnswer,
    CrawlsAnswer,
    FindingsAnswer,
    OverviewAnswer,
    RegistriesAnswer,
    RepositoriesAnswer,
    RulesAnswer,
)
from mfl_lint.web.application import SERVICES, create_app
from mfl_lint.web.present import counts_of, sum_counts
from tests.builders import image, index
from tests.web.conftest import Client, make_database, services_of
from tests.web.filled_store import CONFIG, NOW, USUAL, app, record_tags
from tests.web.parsed import ParsedPage
from tests.web.people import house
from tests.web.test_inspection import page_of, read


async def overview_of(client: Client) -> OverviewAnswer:
    response = await client.get("/api/v1/overview")
    return msgspec.json.decode(await response.read(), type=OverviewAnswer)


async def test_the_states_of_the_registries(client: Client) -> None:
    answer = await overview_of(client)

    assert {
        "archive": "waiting",
        "edge": "notice",
        "hub": "warning",
        "internal": "crawling",
    } == {item.name: item.state for item in answer.registries}
    assert answer.registries[1].notice.startswith("Unreachable since 07:00")


async def test_the_page_says_what_its_json_says(client: Client) -> None:
    answer = await overview_of(client)
    page = ParsedPage(await (await client.get("/")).text())

    assert f"{answer.counts.error} errors in what you publish" in page.text
    for item in answer.broken:
        assert f"{item.repository}:{item.tag}" in page.text
        assert item.page in page.links
    assert len(answer.days) == len([one for one in page.all_of("g") if one])
    assert f"{answer.crawls[0].repositories_done} of 9 repositories" in page.text


@pytest.mark.parametrize(
    ("tags", "more", "words"),
    [(14, 8, "and 8 more tags"), (124, 100, "and at least 100 more tags")],
)
async def test_broken_tags_that_are_not_listed_are_counted(
    filled_url: str, tmp_path: Path, tags: int, more: int, words: str
) -> None:
    wrong = index(image("linux", "amd64"), annotate={0: {"platform": "linux/arm64"}})
    async with house(filled_url, tmp_path, CONFIG, people=False) as full:
        names = [f"v{number}" for number in range(tags)]  # beside six that are broken already
        await record_tags(full.store, "hub", "acme/many", dict.fromkeys(names, wrong), NOW)
        answer = await overview_of(full.client)
        page = ParsedPage(await (await full.client.get("/")).text())
    assert (12, more) == (len(answer.broken), answer.more_broken)
    assert f"{words}: all findings, the worst first" in page.text


async def test_messages_that_nobody_took_are_said_and_led_to(client: Client) -> None:
    answer = await overview_of(client)
    page = ParsedPage(await (await client.get("/")).text())

    assert 2 == answer.dead_letters
    assert "2 messages that nobody took are tried no more" in page.text
    assert "/alerts?delivery=dead" in page.links


async def test_the_worst_tags_come_first_and_ignored_ones_not_at_all(client: Client) -> None:
    answer = await overview_of(client)

    assert ("shop/checkout", "3.9", 2) == (
        answer.broken[0].repository,
        answer.broken[0].tag,
        answer.broken[0].counts.error,
    )
    assert "edge/sensor" not in {item.repository for item in answer.broken}


async def test_what_is_not_known_is_said_registry_by_registry(client: Client) -> None:
    doubts = {item.registry: item.why for item in (await overview_of(client)).doubts}

    assert ["archive", "edge"] == sorted(doubts)
    assert "no crawl of it has ended yet" == doubts["archive"]
    assert doubts["edge"].startswith("Unreachable since 07:00")
    assert [
        "its last crawl failed",
        "the tags of 1 repository could not be listed",
        "2 tags are not certain",
    ] == doubts["edge"].split("; ")[1:]


class World:
    """A small store whose one tag is fine, so that nothing but doubts speaks against it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        hub = RegistryConfig("hub", "docker.io")
        self.config = Config(registries=(hub,))

    async def crawl(self, status: CrawlStatus | None = CrawlStatus.DONE, **looks: Any) -> None:
        """Crawl the one tag; the crawl runs on where no status is given."""
        number = await crawls.start_crawl(self.store, "hub", NOW)
        tags = {"latest": app("tools", USUAL)}
        await record_tags(self.store, "hub", "acme/tools", tags, NOW, crawl_id=number, **looks)
        if status is not None:
            await crawls.finish_crawl(self.store, number, status, "", NOW)

    async def overview(self) -> tuple[str, OverviewAnswer]:
        """Return the headline and the JSON."""
        services = replace(
            await services_of(self.store), config=lambda: self.config, live=lambda: ()
        )
        async with TestClient(TestServer(create_app(services))) as client:
            answer = await overview_of(client)
            page = await (await client.get("/")).text()
        return re.sub(r"\s+", " ", page.partition("<h1>")[2].partition("</h1>")[0]).strip(), answer


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    url = await asyncio.to_thread(make_database, tmp_path / "small.db", None)
    async with open_store(url) as store:
        world = World(store)
        await registries.sync_registries(store, world.config.registries, NOW)
        yield world


SEEN_ALL = ("Everything runs everywhere", ())


async def said(world: World) -> tuple[str, tuple[str, ...]]:
    headline, answer = await world.overview()
    return headline, tuple(item.why for item in answer.doubts)


async def test_everything_runs_everywhere_only_once_it_was_all_seen(world: World) -> None:
    unsure = "Nothing broken that can be seen"
    assert (unsure, ("no crawl of it has ended yet",)) == await said(world)
    await world.crawl(None)
    assert (unsure, ("no crawl of it has ended yet",)) == await said(world)
    await world.crawl(CrawlStatus.FAILED)
    assert (unsure, ("its last crawl failed",)) == await said(world)
    await world.crawl()
    assert SEEN_ALL == await said(world)
    await world.crawl(None)  # a crawl that runs takes nothing back
    assert SEEN_ALL == await said(world)
    await registries.set_notice(world.store, "hub", "throttled", NOW)
    assert (unsure, ("throttled",)) == await said(world)


async def test_a_tag_that_was_not_seen_whole_is_not_everywhere(world: World) -> None:
    unseen = Look(LookState.UNREACHABLE, "no answer within 30 s")
    await world.crawl(looks={app("tools", USUAL).children[1].digest: unseen})
    headline, answer = await world.overview()

    assert "Nothing broken that can be seen" == headline
    assert ["1 tag is not certain"] == [item.why for item in answer.doubts]
    assert ("unknown", 1) == (answer.registries[0].state, answer.registries[0].uncertain_tags)


async def test_more_ignored_tags_than_are_shown_hide_none_that_counts(world: World) -> None:
    wrong = index(image("linux", "arm"), image("linux", "amd64", name="b"))
    tags = {f"a{number:02}": wrong for number in range(40)} | {"z": wrong}
    await record_tags(world.store, "hub", "acme/board", tags, NOW)
    ignore = Ignore("*", "known", tag="a*")
    world.config = msgspec.structs.replace(world.config, policy=Policy(ignores=(ignore,)))
    _, answer = await world.overview()

    assert [("acme/board", "z")] == [(item.repository, item.tag) for item in answer.broken]
    assert 1 == answer.counts.warning
    assert (1, 40) == (answer.days[-1].counts.warning, answer.ignored.warning)


async def test_changes_of_the_last_day_only(client: Client) -> None:
    answer = await overview_of(client)

    assert ["unknown", "unknown"] == [item.change for item in answer.changes]


async def test_all_pages_count_what_is_not_ignored(client: Client) -> None:
    async def read(path: str, type_: Any) -> Any:
        response = await client.get(f"/api/v1{path}")
        return msgspec.json.decode(await response.read(), type=type_)

    listed = (await read("/findings?limit=200", FindingsAnswer)).items
    overview = await overview_of(client)
    rules = (await read("/rules", RulesAnswer)).items
    found = (await read("/registries", RegistriesAnswer)).items
    repositories: dict[str, Counts] = {}
    for item in found:
        below = await read(f"/registries/{item.name}/repositories", RepositoriesAnswer)
        assert below.registry == item
        repositories |= {f"{item.name}/{one.name}": one.counts for one in below.items}

    assert any(item.ignored for item in listed)
    assert counts_of(listed) == overview.counts == overview.days[-1].counts
    assert overview.counts == sum_counts(item.counts for item in rules)
    assert overview.registries == found
    for registry in found:
        own = (item for item in listed if item.registry == registry.name)
        assert counts_of(own) == registry.counts
    for name, counts in repositories.items():
        own = (item for item in listed if f"{item.registry}/{item.repository}" == name)
        assert (name, counts_of(own)) == (name, counts)


async def test_repositories_are_narrowed_by_a_glob(client: Client) -> None:
    path = "/registries/internal/repositories?repository=shop/*&limit=2"
    response = await client.get(f"/api/v1{path}")
    answer = msgspec.json.decode(await response.read(), type=RepositoriesAnswer)

    assert ["shop/catalogue", "shop/checkout"] == [item.name for item in answer.items]
    assert None is not answer.next_cursor


async def test_a_running_crawl_shows_how_far_it_is(client: Client) -> None:
    response = await client.get("/api/v1/crawls/19")
    crawl = msgspec.json.decode(await response.read(), type=CrawlAnswer).crawl
    page = ParsedPage(await (await client.get("/crawls/19")).text())
    (progress,) = page.all_of("progress")

    assert ("running", 5, 9) == (crawl.status, crawl.repositories_done, crawl.repositories)
    assert ("5", "9") == (progress["value"], progress["max"])
    assert "data-watch" in page.all_of("main")[0]


async def test_nobody_says_that_a_running_crawl_made_no_request(client: Client) -> None:
    shown = await crawl_page(client, 0), await crawl_page(client, 31)

    assert ["–", "31"] == [re.findall(r"Requests *(\S+?) *Opened", text)[0] for text in shown]


async def crawl_page(client: Client, requests: int) -> str:
    """Return the text of a crawl's page while it has made so many requests."""
    services = client.app[SERVICES]
    live = tuple(msgspec.structs.replace(one, requests=requests) for one in services.live())
    again = create_app(replace(services, live=lambda: live))
    async with TestClient(TestServer(again)) as other:
        return ParsedPage(await (await other.get("/crawls/19")).text()).text


async def test_a_crawl_of_some_repositories_is_marked(client: Client) -> None:
    answer = await read(client, "/crawls?registry=hub", CrawlsAnswer)

    assert [True, False] == [item.partial for item in answer.items][:2]
    for path in ("/crawls?registry=hub", "/crawls/20"):
        assert "some repositories only" in (await page_of(client, path)).text
    assert "some repositories only" not in (await page_of(client, "/crawls/16")).text


async def test_a_running_crawl_can_be_looked_at_again_without_javascript(client: Client) -> None:
    for path, expected in (("/crawls", True), ("/crawls/19", True), ("/crawls/16", False)):
        page = await page_of(client, path)
        links = {one.get("href") for one in page.all_of("a")}
        assert expected == ("Refresh" in page.text)
        assert path in links or not expected


async def test_broken_tags_name_what_is_wrong_with_them(client: Client) -> None:
    answer = await read(client, "/overview", OverviewAnswer)
    faults = {item.tag: [one.rule for one in item.faults] for item in answer.broken}

    assert ["MFL201", "MFL201"] == faults["3.9"]
    page = await page_of(client, "/")
    assert "dangling-digest" in page.text
    assert "Today" in page.text


async def test_a_crawl_that_is_due_is_next_now(filled_url: str, tmp_path: Path) -> None:
    due = NOW - timedelta(minutes=1)
    async with house(filled_url, tmp_path, CONFIG, people=False, next_crawl=lambda _: due) as full:
        for path in ("/", "/registries/hub"):
            text = await (await full.ask(None, "GET", path)).text()
            assert re.search(r"next: <time [^>]*>now</time>", text), path
