"""From a push to what is found: a real registry tells the real service, which may be killed."""

from __future__ import annotations

import asyncio
import random
import signal
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp

from mfl_lint.core.views import FindingFilter
from mfl_lint.store import views
from mfl_lint.store.engine import Store, open_store
from tests.builders import image, index, place
from tests.conftest import StartRegistry
from tests.e2e.commands import MflLint
from tests.receiver import Receiver
from tests.servers import DockerRegistry, free_port, push
from tests.service.gated import GatedRegistry

SECRET: Final = "correct-horse-battery-staple"
GOOD: Final = index(image("linux", "amd64"), image("linux", "arm64"))
WAIT_S: Final = 60.0


def broken(number: int) -> Any:
    wrong = image("linux", "amd64", name=f"wrong {number}")
    return index(image("linux", "amd64"), wrong, annotate={1: {"platform": "linux/arm64"}})


def configured(mfl_lint: MflLint, host: str, port: int, more: str = "") -> None:
    """Write a configuration with a webhook, and nothing that is crawled by schedule."""
    (mfl_lint.folder / "secret").write_text(f"{SECRET}\n")
    mfl_lint.write_config(
        f'[serve]\nport = {port}\n[[registry]]\nname = "lab"\nhost = "{host}"\n{more}'
        '[[hook]]\nname = "lab"\nkind = "distribution"\nregistry = "lab"\nsecret_file = "secret"\n'
    )


async def found(store: Store, tag: str) -> list[str]:
    page = await views.findings_page(store, FindingFilter(states=("open",), tag=tag), limit=10)
    return [item.finding.rule for item in page.items]


async def until(holds: Callable[[], Awaitable[bool]]) -> float:
    """Return when something holds, by the monotonic clock."""
    ends = time.monotonic() + WAIT_S
    for at in iter(time.monotonic, None):
        assert at < ends
        if await holds():
            return time.monotonic()
        await asyncio.sleep(0.005)
    raise AssertionError


async def until_found(store: Store, tag: str) -> float:
    """Return when the tag's finding is stored."""

    async def is_found() -> bool:
        return "MFL101" in await found(store, tag)

    return await until(is_found)


def told_to(receiver: Receiver) -> str:
    """Return the settings by which the receiver is told of everything at once."""
    return (
        f'[[alert.channel]]\nname = "team"\nkind = "webhook"\nurl = "{receiver.url}/"\n'
        '[[alert.route]]\nname = "all"\nchannels = ["team"]\nwait = "0s"\nrate = 0\n'
    )


async def until_told(receiver: Receiver, tag: str) -> float:
    """Return when an alert about the tag was received."""

    async def is_told() -> bool:
        return any(f'"{tag}"'.encode() in got.body for got in receiver.taken)

    return await until(is_told)


async def test_what_is_pushed_broken_is_found_and_told_within_two_seconds(
    docker_registry: StartRegistry, mfl_lint: MflLint, count: Callable[[int], int]
) -> None:
    port = free_port()
    registry = docker_registry(notify=(f"http://127.0.0.1:{port}/hooks/lab", SECRET))
    for number in range(20):
        await push(registry.host, "team/app", GOOD, f"good{number}")
    took: list[float] = []
    told: list[float] = []
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(Receiver())
        configured(mfl_lint, registry.host, port, told_to(receiver))
        assert 0 == (await mfl_lint("crawl")).code
        service = await stack.enter_async_context(mfl_lint.started("serve"))
        await service.address()
        async with open_store(f"sqlite:///{mfl_lint.folder / 'mfl-lint.db'}") as store:
            for number in range(count(50)):
                began = time.monotonic()
                await push(registry.host, "team/app", broken(number), f"bad{number}")
                took.append(await until_found(store, f"bad{number}") - began)
                told.append(await until_told(receiver, f"bad{number}") - began)
        # Layers, children and pulls are told of too, and nothing is looked at for them.
        listings = [path for _, path, _ in registry.requests() if "/tags/list" in path]
        assert 0 == await service.end(20)
    median, worst = statistics.median(took), max(took)
    print(f"{len(took)} pushes: found after {median:.3f} s (median), {worst:.3f} s (worst)")
    assert median < 2
    assert worst < 20
    median, worst = statistics.median(told), max(told)
    print(f"{len(told)} pushes: told after {median:.3f} s (median), {worst:.3f} s (worst)")
    assert median < 2
    assert worst < 20
    assert 1 == len(listings)  # the first crawl's


async def test_what_is_deleted_is_only_looked_at(
    docker_registry: StartRegistry, mfl_lint: MflLint
) -> None:
    port = free_port()
    registry = docker_registry(notify=(f"http://127.0.0.1:{port}/hooks/lab", SECRET))
    configured(mfl_lint, registry.host, port)
    built = broken(0)
    await push(registry.host, "team/app", built, "bad")
    await mfl_lint("crawl")
    async with mfl_lint.started("serve") as service:
        await service.address()
        async with open_store(f"sqlite:///{mfl_lint.folder / 'mfl-lint.db'}") as store:
            await delete(registry, "team/app", built.digest)

            async def is_missed() -> bool:
                asked = registry.requests()
                return any("bad" in path and status == 404 for _, path, status in asked)

            await until(is_missed)
            assert ["MFL101"] == await found(store, "bad")


async def delete(registry: DockerRegistry, repository: str, digest: str) -> None:
    url = f"http://{registry.host}/v2/{repository}/manifests/{digest}"
    async with aiohttp.ClientSession() as client, client.delete(url) as answer:
        assert 202 == answer.status


async def tell(address: str, tag: str) -> None:
    """Tell of a push as the registry would; return when it is taken."""
    event = {"action": "push", "target": {"repository": "team/app", "tag": tag}}
    headers = {"Authorization": f"Bearer {SECRET}"}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.post(f"{address}hooks/lab", json={"events": [event]}) as answer,
    ):
        assert 202 == answer.status


async def test_what_was_taken_is_looked_at_though_the_service_was_killed_at_once(
    mfl_lint: MflLint, tmp_path: Path, seed: int, count: Callable[[int], int]
) -> None:
    chance, kills = random.Random(seed), count(30)
    async with GatedRegistry().serving() as registry:
        place(registry, "team/app", GOOD, "v1")
        configured(mfl_lint, registry.host, free_port(), 'scheme = "http"\n')
        assert 0 == (await mfl_lint("crawl")).code
        async with open_store(f"sqlite:///{mfl_lint.folder / 'mfl-lint.db'}") as store:
            for number in range(kills):
                # Until the look is begun, or right after it was asked for.
                waits = number % 3 == 0
                if waits:
                    registry.gate.clear()
                    registry.reached.clear()
                place(registry, "team/app", broken(number), f"bad{number}")
                async with mfl_lint.started("serve") as service:
                    await tell(await service.address(), f"bad{number}")
                    if waits:
                        await asyncio.wait_for(registry.reached.wait(), WAIT_S)
                    else:
                        await asyncio.sleep(chance.uniform(0, 0.05))
                    assert -signal.SIGKILL == await service.end(20, signal.SIGKILL)
                registry.gate.set()
                began = time.monotonic()
                async with mfl_lint.started("serve") as service:
                    await service.address()
                    after = await until_found(store, f"bad{number}") - began
                    assert await service.end(20) == 0
                assert after < 30, number
            page = await views.findings_page(store, FindingFilter(states=("open",)), limit=100)
            assert kills == len(page.items)
    print(f"{kills} kills after the 202: each look was made at the next start")
