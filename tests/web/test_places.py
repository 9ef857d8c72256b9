"""Lists over many repositories, readiness and changes, over a real store."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.web import filled_store
from tests.web.conftest import Client
from tests.web.people import WHO, house

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def read(reader: Client, path: str) -> Any:
    async with reader.get(f"/api/v1{path}") as answer:
        assert 200 == answer.status, await answer.text()
        return await answer.json()


async def read_all(reader: Client, path: str, limit: int) -> list[Any]:
    """Return the items of all pages."""
    items: list[Any] = []
    cursor = ""
    while True:
        joint = "&" if "?" in path else "?"
        page = await read(reader, f"{path}{joint}limit={limit}&cursor={cursor}")
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = page["next_cursor"]


@pytest.mark.parametrize(
    "path",
    [
        "/digests",
        "/digests?registry=internal",
        "/digests?repository=shop/*",
        "/matrix",
        "/matrix?tag=3.9",
        "/matrix?repository=acme/*",
        "/search?q=s",
        "/search?q=latest",
        "/search?q=sha256:",
        "/transitions",
        "/transitions?registry=internal&rule=MFL201",
        "/transitions?repository=shop/checkout&change=opened,resolved",
    ],
)
async def test_a_list_is_the_same_whatever_its_pages_hold(reader: Client, path: str) -> None:
    whole = list(map(place_of, await read_all(reader, path, 200)))

    assert whole
    assert whole == list(map(place_of, await read_all(reader, path, 3)))
    assert len(whole) == len({str(item) for item in whole})


def place_of(item: Any) -> Any:
    """Return an item without the matrix's cells: their columns are those of its page."""
    tag = item.get("tag")
    return item | {"tag": tag | {"cells": None}} if isinstance(tag, dict) else item


async def test_every_digest_below_a_watched_tag_is_named(reader: Client) -> None:
    tag = await read(reader, "/t/edge/fleet/probe:latest")
    items = await read_all(reader, "/digests?registry=edge", 200)
    (found,) = (i for i in items if (i["repository"], i["tag"]) == ("fleet/probe", "latest"))
    listed = [entry["digest"] for entry in (*tag["entries"], *tag["attachments"])]

    assert any(entry["depth"] for entry in tag["entries"])
    assert {tag["tag"]["digest"], *listed} == set(found["digests"])
    assert found["digests"][0] == tag["tag"]["digest"]


async def test_what_was_not_seen_whole_is_said_beside_the_digests(reader: Client) -> None:
    answer = await read(reader, "/digests?registry=edge&limit=200")
    complete = {(item["repository"], item["tag"]): item["complete"] for item in answer["items"]}

    assert ["edge"] == [doubt["registry"] for doubt in answer["doubts"]]
    assert (False, False, True) == (
        complete["fleet/partial", "latest"],
        complete["fleet/probe", "latest"],
        complete["fleet/probe", "1"],
    )
    assert [] == (await read(reader, "/digests?registry=hub"))["doubts"]


async def test_the_digests_say_when_tags_were_listed_and_looked_at(reader: Client) -> None:
    (item,) = (await read(reader, "/digests?repository=shop/checkout&limit=1"))["items"]
    place = await read(reader, "/registries/internal/repositories?repository=shop/checkout")
    tag = await read(reader, f"/t/internal/shop/checkout:{item['tag']}")

    assert place["items"][0]["last_crawled_at"] == item["listed_at"]
    assert tag["tag"]["verified_at"] == item["verified_at"]


NARROWED: Final[dict[str, dict[str, Any]]] = {
    "internal": {"newest": 3},
    "hub": {"tags": ("v*",)},
    "edge": {"exclude_tags": ("x",)},
}


async def test_a_registry_of_which_only_some_tags_are_watched_is_doubted(
    filled_url: str, tmp_path: Path
) -> None:
    registries = tuple(
        msgspec.structs.replace(one, **NARROWED.get(one.name, {}))
        for one in filled_store.CONFIG.registries
        if one.name != "archive"
    )
    config = msgspec.structs.replace(filled_store.CONFIG, registries=registries)
    async with house(filled_url, tmp_path, config) as full:
        admin = next(who for who in WHO if who.name == "admin")
        answer = await (await full.ask(admin, "GET", "/api/v1/digests")).json()
    why = [(one["registry"], one["why"]) for one in answer["doubts"] if "watched" in one["why"]]

    some = "only some tags of its repositories are watched"
    left = ("archive", "it is not watched any more")
    assert [left, ("edge", some), ("hub", some), ("internal", some)] == sorted(why)


async def test_a_tag_that_is_gone_protects_nothing(reader: Client) -> None:
    items = await read_all(reader, "/digests?repository=shop/legacy", 200)

    assert ["latest"] == [item["tag"] for item in items]


async def test_a_release_is_seen_across_repositories(reader: Client) -> None:
    answer = await read(reader, "/matrix?repository=shop/*")
    cells = {item["repository"]: item["tag"]["cells"] for item in answer["items"]}

    assert ["shop/catalogue", "shop/checkout", "shop/legacy", "shop/search"] == list(cells)
    assert "missing" == cells["shop/search"]["linux/arm64"]["state"]
    assert "error" == cells["shop/checkout"]["linux/arm64"]["state"]
    assert "none" == cells["shop/legacy"]["linux/s390x"]["state"]
    (row,) = (await read(reader, "/matrix?repository=shop/search&tag=3.9"))["items"]
    assert None is row["tag"]


async def csv_of(reader: Client, path: str) -> list[list[str]]:
    async with reader.get(f"/api/v1{path}") as answer:
        assert (200, "text/csv") == (answer.status, answer.content_type)
        assert "nosniff" == answer.headers["X-Content-Type-Options"]
        return list(csv.reader(io.StringIO(await answer.text(), newline="")))


async def test_the_matrix_as_csv_has_all_pages_and_all_platforms(reader: Client) -> None:
    header, *rows = await csv_of(reader, "/matrix.csv?registry=internal")
    items = await read_all(reader, "/matrix?registry=internal", 2)

    assert ["registry", "repository", "tag", "state"] == header[:4]
    assert [item["repository"] for item in items] == [row[1] for row in rows]
    (row,) = (row for row in rows if row[1] == "shop/search")
    assert ("latest", "error", "missing") == (row[2], row[3], row[header.index("linux/arm64")])
    _, row = await csv_of(reader, "/matrix.csv?repository=shop/search&tag=none")
    assert ["internal", "shop/search", "none", "no such tag"] == row


@pytest.mark.parametrize("query", ["", "?severity=warning", "?repository=shop/*&state=resolved"])
async def test_findings_as_csv_are_exactly_those_that_are_filtered(
    reader: Client, query: str
) -> None:
    header, *rows = await csv_of(reader, f"/findings.csv{query}")
    items = await read_all(reader, f"/findings{query}", 200)

    assert items
    assert [item["fingerprint"] for item in items] == [row[-1] for row in rows]
    assert all(len(header) == len(row) for row in rows)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("checkout", ("repository", "shop/checkout", "")),
        ("shop/checkout", ("repository", "shop/checkout", "")),
        ("checkout:3.1", ("tag", "shop/checkout", "3.10")),
        ("registry.internal.example:5000/shop/checkout:lat", ("tag", "shop/checkout", "latest")),
        ("old", ("tag", "shop/legacy", None)),
    ],
)
async def test_names_are_found_by_what_is_remembered_of_them(
    reader: Client, text: str, first: tuple[str, str, str | None]
) -> None:
    items = (await read(reader, f"/search?q={text}"))["items"]

    if first[2] is None:
        assert [] == items  # gone
        return
    assert first == (items[0]["kind"], items[0]["repository"], items[0]["tag"])
    assert 200 == (await reader.get(items[0]["page"])).status


async def test_a_digest_is_found_by_how_it_begins(reader: Client) -> None:
    tag = await read(reader, "/t/internal/shop/checkout:3.4")
    digest = tag["entries"][0]["digest"]

    for text in (digest, digest[:20], digest.removeprefix("sha256:")[:14]):
        items = (await read(reader, f"/search?q={text}"))["items"]
        assert [("digest", "shop/checkout", digest)] == [
            (item["kind"], item["repository"], item["digest"]) for item in items
        ]


HOST = "registry.internal.example:5000"


@pytest.mark.parametrize(
    ("reference", "platform", "answer", "why"),
    [
        (f"{HOST}/shop/checkout:3.10", "linux/arm64", "yes", "every engine finds"),
        (f"{HOST}/shop/checkout:latest", "linux/arm64", "no", "says in its config linux/amd64"),
        (f"{HOST}/shop/checkout:3.9", "linux/arm64", "no", "is not there: manifest unknown"),
        (f"{HOST}/shop/search:latest", "linux/arm64", "no", "finds none"),
        (f"{HOST}/shop/legacy:old", "linux/arm64", "no", "is gone"),
        ("cr.edge.example/fleet/probe:latest", "linux/amd64", "unknown", "no answer within"),
        ("cr.edge.example/fleet/partial", "linux/arm64", "unknown", "unreachable"),
        (f"{HOST}/shop/checkout:none", "linux/arm64", "unknown", "no crawl has seen"),
        ("elsewhere.example/app", "linux/arm64", "unknown", "no crawl has seen"),
        ("acme/tools", "linux/amd64", "yes", "1 of its layers"),
    ],
)
async def test_readiness_is_told_from_what_was_seen(
    reader: Client, reference: str, platform: str, answer: str, why: str
) -> None:
    found = await read(reader, f"/ready?reference={reference}&platform={platform}")
    (check,) = found["checks"]
    truth = {"yes": True, "no": False, "unknown": None}[answer]

    assert (answer, truth, truth) == (check["answer"], check["ready"], found["ready"])
    assert why in " ".join(check["reasons"])
    assert bool(check["digests"]) is (answer == "yes")


async def test_readiness_by_place_says_the_same_as_by_reference(reader: Client) -> None:
    asked = "platform=linux/arm64,linux/amd64&platform=windows/amd64&engine=podman"
    by_name = await read(reader, f"/ready?reference={HOST}/shop/checkout:3.10&{asked}")
    by_place = await read(reader, f"/ready/internal/shop/checkout/3.10?{asked}")

    assert by_name == by_place
    assert False is by_name["ready"]
    assert ["yes", "yes", "no"] == [check["answer"] for check in by_place["checks"]]
    nowhere = await read(reader, "/ready/nothing/shop/checkout/3.10?platform=linux/amd64")
    assert "unknown" == nowhere["checks"][0]["answer"]
