"""`mfl-lint demo` shows what it must show, and nothing of the good images."""

from __future__ import annotations

import signal

import aiohttp
import pytest

from mfl_lint.demo.images import DemoImage, fill
from mfl_lint.demo.registry import DemoRegistry
from tests.e2e.commands import MflLint

IMAGES = fill(DemoRegistry())


def expected(image: DemoImage) -> tuple[str, ...]:
    return tuple(sorted({*image.expected, *image.expected_names}))


def shown(output: str) -> dict[str, tuple[str, ...]]:
    """Return the rules by image of the table that the demo ends with."""
    rows: list[list[str]] = []
    for line in output.partition("The demo's registry is")[2].splitlines():
        cells = [cell.strip() for cell in line.split("│")[1:-1]]
        if len(cells) == 3 and cells[1]:
            rows.append(cells)
        elif len(cells) == 3:
            rows[-1] = [rows[-1][0] + cells[0], *rows[-1][1:]]
    return {
        name: tuple(rules.split(", ")) if rules != "-" else ()
        for name, rules, _ in rows
        if name != "image"
    }


async def test_once_prints_what_is_broken_and_nothing_of_what_is_good(mfl_lint: MflLint) -> None:
    done = await mfl_lint("demo", "--once")
    assert (0, "") == (done.code, done.err)
    wanted = {f"{image.repository}:{image.tag}": expected(image) for image in IMAGES}
    assert wanted == shown(done.out)
    assert {"good/app:latest", "good/with-attestations:latest"} <= {
        name for name, rules in wanted.items() if not rules
    }
    assert len({image.repository for image in IMAGES if expected(image)}) >= 12
    report, _, rest = done.out.partition("The demo's registry is ")
    host = rest.partition(";")[0]
    for image in IMAGES:
        line = f"✓ {host}/{image.repository}:{image.tag}"
        assert (not image.expected) == (line in report), line
        assert all(rule in report for rule in expected(image))
    assert [] == [path.name for path in mfl_lint.folder.iterdir() if path.name != "home"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_until_it_is_told_to_end(mfl_lint: MflLint, how: signal.Signals) -> None:
    mfl_lint.env["TMPDIR"] = str(mfl_lint.home)
    async with (
        mfl_lint.started("demo", "--port", "0") as demo,
        aiohttp.ClientSession() as client,
    ):
        address = await demo.address()
        for path in ("", "findings", "rules", "registries/demo", "crawls"):
            async with client.get(address + path) as page:
                assert (200, "text/html") == (page.status, page.content_type)
                assert "mfl-lint" in await page.text()
        found: set[tuple[str, str, str]] = set()
        cursor: str | None = ""
        while cursor is not None:
            async with client.get(f"{address}api/v1/findings{cursor}") as answer:
                said = await answer.json()
            found |= {(item["repository"], item["tag"], item["rule"]) for item in said["items"]}
            cursor = f"?cursor={said['next_cursor']}" if said["next_cursor"] else None
        tags = {(one.repository, one.tag, rule) for one in IMAGES for rule in one.expected}
        names = {(one.repository, "", rule) for one in IMAGES for rule in one.expected_names}
        assert tags | names == found
        assert 0 == await demo.end(10.0, how)
    assert "Traceback" not in demo.said
    assert [] == list(mfl_lint.home.iterdir())
