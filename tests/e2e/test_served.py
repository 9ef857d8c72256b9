"""The same registry through `crawl`, the database, and what `serve` shows of it."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import text

from mfl_lint.store.engine import open_store
from mfl_lint.store.statements import run
from tests.builders import image, index, place
from tests.e2e.commands import MflLint
from tests.servers import DockerRegistry, free_port
from tests.service.gated import GatedRegistry

BROKEN = index(image(), image(name="other"), annotate={1: {"platform": "linux/arm64"}})
REQUIRE = """
[[policy.require]]
platforms = ["linux/amd64", "linux/arm64"]
repositories = ["lone/*"]
"""


def settings(host: str, more: str = "", *, port: int = 0) -> str:
    return f'[serve]\nport = {port}\n[[registry]]\nname = "lab"\nhost = "{host}"\n{more}'


async def items(client: aiohttp.ClientSession, url: str) -> list[Any]:
    async with client.get(url) as answer:
        assert 200 == answer.status
        said = await answer.json()
    assert said.get("next_cursor") is None
    return list(said["items"])


async def test_what_a_crawl_recorded_is_what_the_api_and_the_pages_show(
    filled_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    mfl_lint.write_config(settings(filled_registry.host, REQUIRE))
    first = await mfl_lint("crawl")
    assert 1 == first.code, first.err
    async with (
        mfl_lint.started("serve") as service,
        aiohttp.ClientSession() as client,
    ):
        address = await service.address()
        found = await items(client, f"{address}api/v1/findings")
        by_rule = {item["rule"]: item for item in found}
        assert {
            "MFL101": ("parts/app", "wrong"),
            "MFL201": ("gone/app", "v1"),
            "MFL301": ("mycool-app-ppc64le", ""),
            "MFL302": ("ppc64le/x", ""),
            "MFL303": ("tagged/app", "v1-arm64"),
            "MFL401": ("lone/app", "v1"),
            "MFL402": ("lone/app", "v1"),
        } == {rule: (item["repository"], item["tag"]) for rule, item in by_rule.items()}
        assert len(by_rule) == len(found)
        assert "linux/arm64" in by_rule["MFL101"]["message"]
        assert "linux/amd64" in by_rule["MFL101"]["message"]
        for item in found:
            async with client.get(address + item["page"].lstrip("/")) as page:
                assert 200 == page.status
                assert item["rule"] in await page.text()
        async with client.get(f"{address}api/v1/t/lab/good/app:v1") as answer:
            assert [] == (await answer.json())["findings"]
        assert 0 == await service.end(10.0)
    second = await mfl_lint("crawl")
    assert (1, True) == (second.code, "findings: 0 opened, 0 resolved" in second.out)


async def test_a_registry_that_is_down_changes_no_finding(
    mfl_lint: MflLint, tmp_path: Path
) -> None:
    async with GatedRegistry().serving() as registry:
        place(registry, "team/app", BROKEN, "v1")
        mfl_lint.write_config(settings(registry.host, "[http]\nretries = 0\n"))
        assert 1 == (await mfl_lint("crawl")).code
    down = await mfl_lint("crawl", "--fail-on", "never")
    assert (3, True) == (down.code, "findings: 0 opened, 0 resolved" in down.out)
    assert 1 == (await mfl_lint("crawl")).code


async def test_sigterm_in_the_middle_of_a_crawl_ends_cleanly_and_the_next_start_goes_on(
    mfl_lint: MflLint,
) -> None:
    async with GatedRegistry().serving() as registry, aiohttp.ClientSession() as client:
        for number in range(20):
            place(registry, f"team/app{number}", BROKEN, "v1")
        mfl_lint.write_config(settings(registry.host, 'interval = "24h"\n'))
        registry.gate.clear()
        async with mfl_lint.started("serve") as service:
            await service.address()
            await registry.reached.wait()
            assert 0 == await service.end(10.0)
        assert "Traceback" not in service.said
        registry.gate.set()
        async with mfl_lint.started("serve") as service:
            address = await service.address()
            await service.until(re.compile("crawled lab: 20 tags"))
            assert 20 == len(await items(client, f"{address}api/v1/findings"))
            states = [item["status"] for item in await items(client, f"{address}api/v1/crawls")]
            assert ["done", "interrupted"] == states
            assert 0 == await service.end(10.0, signal.SIGINT)


async def test_sighup_is_answered_on_the_standard_error(mfl_lint: MflLint) -> None:
    async with GatedRegistry().serving() as registry:
        place(registry, "team/app", BROKEN, "v1")
        mfl_lint.write_config(settings(registry.host))
        async with mfl_lint.started("serve") as service:
            await service.address()
            mfl_lint.write_config("[[registry]]\nname = 3\n")
            service.send(signal.SIGHUP)
            await service.until(re.compile(r"was not reloaded: .*registry\[0\]\.name"))
            mfl_lint.write_config(settings(registry.host, 'interval = "24h"\n'))
            service.send(signal.SIGHUP)
            await service.until(re.compile("was reloaded: 1 registry"))
            await service.until(re.compile(r"crawled lab: 1 tag\b"))
            assert 0 == await service.end(10.0)


async def test_a_service_that_cannot_start_says_why_in_one_line(mfl_lint: MflLint) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        mfl_lint.write_config(settings("127.0.0.1:1", port=port))
        done = await mfl_lint("serve")
        said = f"mfl-lint: error: serve.port: cannot listen on 127.0.0.1 port {port}: Address"
        assert (2, f"{said} already in use; --port chooses another\n") == (done.code, done.err)
    mfl_lint.write_config('[serve]\nhost = "0.0.0.0"\n')
    done = await mfl_lint("serve")
    assert (2, 1) == (done.code, done.err.count("\n"))
    assert "serve.hosts: 0.0.0.0 is every address" in done.err
    mfl_lint.write_config('[serve]\nhost = "192.0.2.1"\n')
    done = await mfl_lint("serve")
    assert (2, 1) == (done.code, done.err.count("\n"))
    assert "serve.host: 192.0.2.1 is not loopback" in done.err


@pytest.mark.parametrize("command", ["crawl", "serve"])
async def test_a_newer_database_is_refused_in_one_line(mfl_lint: MflLint, command: str) -> None:
    mfl_lint.write_config(settings("127.0.0.1:1", port=free_port()))
    assert 0 == (await mfl_lint("db", "upgrade")).code
    file = mfl_lint.folder / "mfl-lint.db"
    async with open_store(f"sqlite:///{file}") as store:
        newer = "UPDATE alembic_version SET version_num = '9999', oldest = '9998'"
        await store.write(run, text(newer))
    done = await mfl_lint(command)
    assert (3, 1) == (done.code, done.err.count("\n"))
    assert "schema 9999, newer than this release's" in done.err


async def test_an_unknown_registry_is_one_line(mfl_lint: MflLint) -> None:
    mfl_lint.write_config(settings("127.0.0.1:1"))
    done = await mfl_lint("crawl", "labb")
    said = "mfl-lint: error: no registry is called 'labb'; there are lab\n"
    assert (2, "", said) == (done.code, done.out, done.err)
