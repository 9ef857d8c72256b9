"""What the overview, the registries and the crawls show, and that page and JSON agree."""

from __future__ import annotations

import msgspec

from mfl_lint.web.answers import CrawlAnswer, OverviewAnswer, RepositoriesAnswer
from tests.web.conftest import Client
from tests.web.parsed import ParsedPage


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


async def test_the_worst_tags_come_first_and_ignored_ones_not_at_all(client: Client) -> None:
    answer = await overview_of(client)

    assert ("shop/checkout", "3.9", 2) == (
        answer.broken[0].repository,
        answer.broken[0].tag,
        answer.broken[0].counts.error,
    )
    assert "edge/sensor" not in {item.repository for item in answer.broken}


async def test_changes_of_the_last_day_only(client: Client) -> None:
    answer = await overview_of(client)

    assert ["unknown", "unknown"] == [item.change for item in answer.changes]


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
    assert "/api/v1/crawls/19" == page.all_of("main")[0]["data-watch"]
