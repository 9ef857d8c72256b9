"""What repositories, tags, rules and findings show, and that page and JSON agree."""

from __future__ import annotations

import re
from typing import TypeVar
from urllib.parse import quote

import msgspec
import pytest

from mfl_lint.rules import FAMILIES
from mfl_lint.web.answers import (
    Answer,
    FindingsAnswer,
    RepositoryAnswer,
    RuleAnswer,
    RulesAnswer,
    TagAnswer,
)
from tests.web.conftest import Client
from tests.web.filled_store import RULES
from tests.web.parsed import ParsedPage

pytestmark = pytest.mark.asyncio(loop_scope="module")
A = TypeVar("A", bound=Answer)


async def read(reader: Client, path: str, type: type[A]) -> A:  # noqa: A002
    response = await reader.get(f"/api/v1{path}")
    return msgspec.json.decode(await response.read(), type=type)


async def page_of(reader: Client, path: str) -> ParsedPage:
    return ParsedPage(await (await reader.get(path)).text())


async def test_the_matrix_of_a_repository(reader: Client) -> None:
    answer = await read(reader, "/r/internal/shop/checkout", RepositoryAnswer)
    rows = {item.tag: item for item in answer.items}

    assert ("linux/amd64", "linux/arm64", "linux/arm/v7") == answer.platforms[:3]
    assert ["latest", "3.11", "3.10", "3.9"] == [item.tag for item in answer.items][:4]
    assert "error" == rows["latest"].cells["linux/arm64"].state
    assert "none" == rows["latest"].cells["linux/arm/v7"].state
    assert "absent" == rows["3.9"].cells["linux/arm64"].state
    assert {"ok"} == {cell.state for cell in rows["3.11"].cells.values()}


async def test_each_cell_says_in_words_what_its_colour_says(reader: Client) -> None:
    page = await page_of(reader, "/r/internal/shop/checkout")
    boxes = [one for one in page.all_of("span") if (one.get("class") or "").startswith("box ")]
    titled = [one["title"] or "" for one in boxes if "title" in one]

    assert 9 * 5 == len(titled)
    assert any("linux/arm64: MFL101 the index says" in title for title in titled)
    assert "error: MFL101 the index says" in page.text


async def test_a_repository_shows_what_is_wrong_with_its_name(reader: Client) -> None:
    answer = await read(reader, "/r/hub/acme/agent-arm64", RepositoryAnswer)

    assert ["MFL301"] == [item.rule for item in answer.findings]
    assert "About the repository itself" in (await page_of(reader, "/r/hub/acme/agent-arm64")).text


async def test_tags_are_narrowed_by_a_glob(reader: Client) -> None:
    answer = await read(reader, "/r/internal/shop/checkout?tag=3.1*", RepositoryAnswer)

    assert ["3.11", "3.10"] == [item.tag for item in answer.items]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("is=error", ["latest", "3.9"]),
        ("is=error&sort=oldest", ["3.9", "latest"]),
        ("lacks=linux/arm/v7", ["latest"]),
        ("offers=linux/arm/v7&tag=3.1*&sort=name", ["3.10", "3.11"]),
        ("sort=worst&limit=3", ["latest", "3.9", "3.11"]),
        ("is=unknown", []),
    ],
)
async def test_tags_are_narrowed_and_sorted(
    reader: Client, asked: str, expected: list[str]
) -> None:
    answer = await read(reader, f"/r/internal/shop/checkout?{asked}", RepositoryAnswer)

    assert expected == [item.tag for item in answer.items]


async def test_the_platform_that_is_lacking_has_a_column(reader: Client) -> None:
    answer = await read(
        reader, "/r/internal/shop/checkout?lacks=linux/riscv64&tag=3.9", RepositoryAnswer
    )

    assert "linux/riscv64" in answer.platforms
    assert "none" == answer.items[0].cells["linux/riscv64"].state


@pytest.mark.parametrize("asked", ["offers=arm64", "sort=size", "is=broken", "lacks=%3Cb%3E/x"])
async def test_what_is_no_platform_order_or_state_is_said(reader: Client, asked: str) -> None:
    response = await reader.get(f"/r/internal/shop/checkout?{asked}")

    assert 400 == response.status
    assert asked.partition("=")[0] in await response.text()


async def test_each_demand_can_be_taken_away(reader: Client) -> None:
    page = await page_of(reader, "/findings?severity=error,warning&rule=MFL101&cursor=&limit=9")
    chips = [one["href"] for one in page.all_of("a") if one.get("class") == "demand"]

    assert [
        "/findings?rule=MFL101&limit=9&severity=warning",
        "/findings?rule=MFL101&limit=9&severity=error",
        "/findings?severity=error%2Cwarning&limit=9",
    ] == chips
    assert [] == [
        one
        for one in (await page_of(reader, "/findings")).all_of("a")
        if one.get("class") == "demand"
    ]


@pytest.mark.parametrize(
    ("age", "expected"),
    [("<4d", {"MFL401", "MFL402"}), (">10d", {"MFL301", "MFL302", "MFL303"}), ("<1h", set())],
)
async def test_findings_are_narrowed_by_their_age(
    reader: Client, age: str, expected: set[str]
) -> None:
    answer = await read(reader, f"/findings?age={quote(age)}&state=open", FindingsAnswer)

    assert expected == {item.rule for item in answer.items if item.ignored is None}


async def test_an_age_that_is_none_is_said(reader: Client) -> None:
    for age in ("7d", ">week", "<99999d"):
        assert 400 == (await reader.get(f"/findings?age={quote(age)}")).status


async def test_a_tag_shows_entries_findings_fix_and_history(reader: Client) -> None:
    answer = await read(reader, "/t/internal/shop/checkout:latest", TagAnswer)
    page = await page_of(reader, "/t/internal/shop/checkout:latest")

    assert "registry.internal.example:5000/shop/checkout:latest" == answer.reference
    assert [False, True, False] == [entry.contradicts for entry in answer.entries]
    (finding,) = answer.findings
    assert "MFL101" == finding.rule
    assert "\n" in finding.fix
    assert finding.fix in page.words
    assert 2 == len(answer.history)
    assert answer.tag.digest in [one.get("title") for one in page.all_of("code")]


async def test_attestations_are_folded_under_the_entry_they_speak_of(reader: Client) -> None:
    answer = await read(reader, "/t/internal/platform/gateway:latest", TagAnswer)
    page = await page_of(reader, "/t/internal/platform/gateway:latest")

    assert (5, 5) == (len(answer.entries), len(answer.attachments))
    assert [one.path for one in answer.entries] == [one.attests for one in answer.attachments]
    assert 5 == page.text.count("1 attestation")
    assert "of no entry in the list" not in page.text


async def test_ignored_findings_stand_apart_with_their_reason(reader: Client) -> None:
    path = "/t/internal/edge/sensor:latest"
    answer = await read(reader, path, TagAnswer)
    page = await page_of(reader, path)

    assert () == answer.findings
    assert 0 == answer.tag.counts.warning
    assert ["the appliance only ever runs v7"] == [
        item.ignored.reason for item in answer.ignored if item.ignored
    ]
    assert "1 ignored finding" in page.text
    assert "Ignored: the appliance only ever runs v7 (until 2026-05-01)" in page.text


async def test_the_list_of_findings_does_not_count_ignored_ones(reader: Client) -> None:
    answer = await read(reader, "/findings?repository=edge/*", FindingsAnswer)
    page = await page_of(reader, "/findings?repository=edge/*")

    assert [True, True] == [item.ignored is not None for item in answer.items]
    assert "No finding matches" in page.text
    assert "2 ignored findings" in page.text


async def test_filters_are_in_the_form_as_they_are_in_the_address(reader: Client) -> None:
    page = await page_of(reader, "/findings?severity=error&state=open&repository=shop/*")
    checked = {one["value"] for one in page.all_of("input") if "checked" in one}
    (repository,) = (one for one in page.all_of("input") if one.get("name") == "repository")

    assert {"error", "open"} == checked
    assert "shop/*" == repository["value"]


async def test_a_tag_that_was_not_seen_whole_is_not_called_fine(reader: Client) -> None:
    path = "/t/edge/fleet/partial:latest"
    tag = (await read(reader, path, TagAnswer)).tag
    row = (await read(reader, "/r/edge/fleet/partial", RepositoryAnswer)).items[0]
    page, matrix = await page_of(reader, path), await page_of(reader, "/r/edge/fleet/partial")

    said = "not all of it was seen: linux/arm64 unreachable"
    assert ("unknown", said) == (tag.state, tag.detail) == (row.state, row.detail)
    assert f"Not all is certain: {said}." in page.text
    assert "Nothing wrong was found, but not all could be seen or decided" in page.text
    assert "passed" not in page.text
    assert ["not certain"] * 3 == re.findall("not certain", matrix.text.partition("latest")[2])[:3]
    for shown in (page, matrix):
        assert "nothing found" not in shown.text


async def test_a_rule_says_how_to_live_with_one_finding(reader: Client) -> None:
    assert "[[policy.ignore]]" in (await page_of(reader, "/rules/MFL101")).text


async def test_rules_stand_under_the_families_of_the_documentation(reader: Client) -> None:
    answer = await read(reader, "/rules", RulesAnswer)
    page = await page_of(reader, "/rules")

    assert [FAMILIES[item.id[3]] for item in answer.items] == [item.family for item in answer.items]
    for item in answer.items:
        assert item.family in page.text


async def test_a_tag_that_is_gone_is_still_shown_as_it_was(reader: Client) -> None:
    page = await page_of(reader, "/t/internal/shop/legacy:old")

    assert "This tag is gone since" in page.text


async def test_every_rule_has_a_page(reader: Client) -> None:
    answer = await read(reader, "/rules", RulesAnswer)
    listed = await page_of(reader, "/rules")

    assert [rule.id for rule in RULES] == [item.id for item in answer.items]
    for rule in RULES:
        assert f"/rules/{rule.id}" in listed.links
        page = await page_of(reader, f"/rules/{rule.slug}")
        assert {"Why", "Fix", "Source"} <= set(page.text.split())
        assert rule.slug in page.text
        said = "".join(page.text.split()).lower()
        for text in (rule.what, *rule.sections.values()):
            assert "".join(text.replace("`", "").lower().split()) in said


async def test_a_rule_lists_what_it_found(reader: Client) -> None:
    answer = await read(reader, "/rules/MFL201", RuleAnswer)

    assert ["3.9", "3.9"] == [item.tag for item in answer.items]
    assert 2 == answer.rule.counts.error
