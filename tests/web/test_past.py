"""What a tag pointed at, and what differs between any two of it."""

from __future__ import annotations

import pytest

from mfl_lint.web.answers import DifferenceAnswer, TagAnswer
from tests.web.conftest import Client
from tests.web.parsed import ParsedPage
from tests.web.test_inspection import page_of, read

TAG = "/t/internal/shop/checkout:latest"
DIFFERENCE = "/d/internal/shop/checkout:latest"


async def test_the_past_says_what_the_tag_offered_then(client: Client) -> None:
    now, before = (await read(client, TAG, TagAnswer)).history

    assert ("linux/amd64", "linux/arm64", "linux/s390x") == now.platforms
    assert 5 == len(before.platforms or ())
    assert before.until == now.seen_at


async def test_by_default_the_last_move_is_shown(client: Client) -> None:
    now, before = (await read(client, TAG, TagAnswer)).history
    answer = await read(client, DIFFERENCE, DifferenceAnswer)
    status = {one.platform: str(one.status) for one in answer.platforms}

    assert (before.digest, now.digest) == (answer.before, answer.after)
    assert "removed" == status["linux/arm/v7"]
    assert "changed" == status["linux/arm64"]
    assert ["linux/arm64", "linux/amd64"] == [
        text
        for one in answer.platforms
        for change in one.changes
        if change.field == "config platform"
        for text in (change.before, change.after)
    ]


async def test_any_two_digests_can_be_compared_either_way(client: Client) -> None:
    now, before = (await read(client, TAG, TagAnswer)).history
    path = f"{DIFFERENCE}?before={now.digest}&after={before.digest}"
    status = {
        one.platform: str(one.status)
        for one in (await read(client, path, DifferenceAnswer)).platforms
    }

    assert "added" == status["linux/arm/v7"]
    assert "added" in (await page_of(client, path)).text


async def test_a_tag_that_never_moved_has_nothing_to_compare(client: Client) -> None:
    path = "/d/internal/shop/checkout:3.9"
    answer = await read(client, path, DifferenceAnswer)

    assert (answer.before, True) == (answer.after, answer.same)
    assert "one and the same digest" in (await page_of(client, path)).text
    assert "Compare" not in (await page_of(client, "/t/internal/shop/checkout:3.9")).text


@pytest.mark.parametrize(
    "asked", [f"before=sha256:{'0' * 64}", "after=latest", "after=%3Cscript%3E"]
)
async def test_what_the_tag_never_pointed_at_is_not_found(client: Client, asked: str) -> None:
    for path in (f"{DIFFERENCE}?{asked}", f"/api/v1{DIFFERENCE}?{asked}"):
        response = await client.get(path)
        assert 404 == response.status
        assert "never" in (await response.text()) or "not known to have" in await response.text()


async def test_the_page_of_a_tag_offers_to_compare_without_javascript(client: Client) -> None:
    page = ParsedPage(await (await client.get(TAG)).text())
    picks = [one for one in page.all_of("input") if one.get("type") == "radio"]

    assert DIFFERENCE in [one.get("action") for one in page.all_of("form")]
    assert [("after", 0), ("before", 1)] == sorted(
        (str(one["name"]), at // 2) for at, one in enumerate(picks) if "checked" in one
    )
