"""A push that is killed at any step leaves the old tag or the new, and is written down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

from mfl_lint.mend.audits import JOURNAL
from tests import servers
from tests.builders import place
from tests.fault_registry import Exchange, FaultRegistry
from tests.mend.push_process import LIST, OLD
from tests.mend.pushing import tag_of

ROOT: Final = Path(__file__).parents[2]
WRITES: Final = "POST|PUT|PATCH"
# Looks change nothing, and how many there are while the index is put is left to chance: HEADs,
# and a GET of the tag that is not there yet. With one look less the last step may not come.
STEPS: Final = ("GET|POST|PUT|PATCH", "")
TRIES: Final = 10


class Pushes:
    """Pushes in processes of their own, one after the other."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.child = 0

    async def start(
        self, host: str, folder: Path, target: str = "app", source: str = "parts"
    ) -> None:
        """Begin a push."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{host} {folder} {target} {source}\n".encode())
        self.child = await self.ended()

    async def ended(self) -> int:
        """Return how the last push ended."""
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())

    def kill(self) -> None:
        """Kill the child that pushes, if it still does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child, signal.SIGKILL)


@asynccontextmanager
async def pushes() -> AsyncIterator[Pushes]:
    """Yield what pushes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.mend.push_process"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Pushes(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def fill(registry: FaultRegistry) -> None:
    """Let the children lie in another repository, and the old list under the tag."""
    for name in ("app", "parts"):
        registry.demo.delete_repository(name)
    place(registry.demo, "parts", LIST, "children")
    place(registry.demo, "app", OLD, "v1")
    registry.heal()
    registry.requests.clear()


def lines(folder: Path) -> list[Any]:
    path = folder / JOURNAL
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


async def test_kills_at_each_step_leave_the_old_tag_or_the_new(
    count: Callable[[int], int], seed: int, tmp_path: Path
) -> None:
    chance, found = random.Random(seed), Counter[str]()
    wanted = count(120)
    async with FaultRegistry() as registry, pushes() as pushing:
        fill(registry)
        await pushing.start(registry.host, tmp_path / "calm")
        assert 0 == await pushing.ended()
        steps = [(at, when) for at in range(registry.count(*STEPS)) for when in (False, True)]
        chosen = [steps[number % len(steps)] for number in range(max(wanted, len(steps)))]
        chance.shuffle(chosen)
        for number, (at, afterwards) in enumerate(chosen[:wanted]):

            async def die(exchange: Exchange, afterwards: bool = afterwards) -> web.StreamResponse:
                if afterwards:
                    response = await exchange.real()
                    pushing.kill()
                    return response
                pushing.kill()
                return web.Response(status=500)

            for again in range(TRIES):
                folder = tmp_path / f"{number}-{again}"
                fill(registry)
                fault = registry.fault(STEPS, die, 1, at)
                await pushing.start(registry.host, folder)
                code = await pushing.ended()
                if fault.met:
                    break
                assert code == 0, (at, afterwards)
            assert code == -signal.SIGKILL, (at, afterwards)
            found[check(registry, folder)] += 1
            registry.heal()
            await mend(registry, pushing, folder)
    print(f"{wanted} kills at {len(steps)} moments: {dict(found)}")
    assert wanted == found.total()


def check(registry: FaultRegistry, folder: Path) -> str:
    """Demand a whole tag, and a line in the journal before whatever was written."""
    seen = tag_of(registry, "app:v1")
    assert seen in (OLD.digest, LIST.digest)
    if seen == LIST.digest:
        assert [] == registry.demo.missing("app", LIST.raw)
        for child in LIST.children:
            assert [] == registry.demo.missing("app", child.raw)
    written = registry.count(WRITES)
    assert not written or [LIST.digest] == [one["digest"] for one in lines(folder)[:1]]
    if not written:
        assert seen == OLD.digest
    return "new" if seen == LIST.digest else "old"


async def mend(registry: FaultRegistry, pushing: Pushes, folder: Path) -> None:
    """Demand that the same push can be made again, to its end."""
    await pushing.start(registry.host, folder)
    assert 0 == await pushing.ended()
    assert LIST.digest == tag_of(registry, "app:v1") == tag_of(registry, "app:latest")
    assert "end" == lines(folder)[-1]["event"]


async def test_kills_at_random_moments_of_a_push_to_a_real_registry(
    count: Callable[[int], int],
    seed: int,
    tmp_path: Path,
    shared_docker_registry: servers.DockerRegistry,
) -> None:
    chance, found, killed = random.Random(seed), Counter[str](), 0
    host, wanted, took = shared_docker_registry.host, count(120), 0.3
    await servers.push(host, "kills/parts", LIST, "children")
    async with pushes() as pushing, aiohttp.ClientSession() as session:
        for number in range(wanted):
            folder, name = tmp_path / str(number), f"kills/app{number}"
            await servers.push(host, name, OLD, "v1")
            began = time.monotonic()
            await pushing.start(host, folder, name, "kills/parts")
            ended = asyncio.ensure_future(pushing.ended())
            await asyncio.wait([ended], timeout=chance.uniform(0, took))
            if not ended.done():
                pushing.kill()
            code = await ended
            assert code in (0, -signal.SIGKILL)
            killed += code != 0
            if code == 0:
                took = time.monotonic() - began
            url = f"http://{host}/v2/{name}/manifests/"
            seen = await digest_at(session, f"{url}v1")
            assert seen in (OLD.digest, LIST.digest)
            if seen == LIST.digest:
                for child in LIST.children:
                    assert child.digest == await digest_at(session, f"{url}{child.digest}")
                assert [LIST.digest] == [one["digest"] for one in lines(folder)[:1]]
            found["new" if seen == LIST.digest else "old"] += 1
    print(f"{wanted} pushes to docker-registry, {killed} killed: {dict(found)}")
    assert killed > wanted // 4


async def digest_at(session: aiohttp.ClientSession, url: str) -> str | None:
    """Return what a registry has there.

    docker-registry empties the file that a tag is before it writes it: whoever asks in that
    moment gets an error, and has to ask again.
    """
    accept = f"{LIST.media_type}, {LIST.children[0].media_type}"
    for _ in range(50):
        async with session.head(url, headers={"Accept": accept}) as answer:
            if answer.status == 200:
                return answer.headers["Docker-Content-Digest"]
            print(f"HEAD {url}: {answer.status}")
        await asyncio.sleep(0.02)
    return None
