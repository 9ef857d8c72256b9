"""Two who push to one tag: nothing is overwritten that could have been seen, and it is said."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import aiohttp
from aiohttp import web

from mfl_lint.mend.outcome import End, Outcome
from mfl_lint.mend.push import push
from tests import servers
from tests.builders import DOCKER, image, index, place
from tests.fault_registry import ANYWHERE, Exchange, FaultRegistry
from tests.mend.pushing import Remembered, clients, plan_for, pushed, tag_of

AMD64, ARM64, PPC = (image("linux", arch) for arch in ("amd64", "arm64", "ppc64le"))
LIST, OLD, OTHER = index(AMD64, ARM64), index(AMD64, PPC), index(ARM64, PPC)
TAG: Final = "/app/manifests/v1"


class Race:
    """Somebody else pushes to the tag when the request of that number is answered.

    Looks while the index is put are not counted: how many there are is left to chance.
    """

    def __init__(self, registry: FaultRegistry, at: int, afterwards: bool, honours: bool) -> None:
        self.lost = False
        self._registry = registry
        self.left = at
        self._afterwards = afterwards
        self._honours = honours
        self._pushed = self._putting = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse:
        """Answer truly, and push before or after that when it is time."""
        self._putting |= exchange.request.method == "PUT" and exchange.request.path.endswith(TAG)
        due = self.left == 0
        if not (self._putting and exchange.request.method == "HEAD"):
            self.left -= 1
        else:
            due = False
        if due and not self._afterwards:
            self._compete()
        response = await self._conditional(exchange)
        if due and self._afterwards:
            self._compete()
        return response

    def _compete(self) -> None:
        place(self._registry.demo, "app", OTHER, "v1")
        self._pushed = True

    async def _conditional(self, exchange: Exchange) -> web.Response:
        """Answer as a registry that honours If-Match, where this one is to be such."""
        request, now = exchange.request, tag_of(self._registry, "app:v1")
        is_tag = request.path.endswith(TAG)
        if is_tag and request.method == "PUT":
            if self._honours and request.headers.get("If-Match") not in (None, f'"{now}"'):
                return web.Response(status=412)
            self.lost = self._pushed and now == OTHER.digest
        response = await exchange.real()
        if self._honours and is_tag and now is not None:
            response.headers["ETag"] = f'"{now}"'
        return response


async def test_races_overwrite_nothing_that_could_have_been_seen(
    count: Callable[[int], int], seed: int
) -> None:
    chance, ends = random.Random(seed), Counter[str]()
    wanted, lost = count(200), 0
    async with FaultRegistry() as registry:
        steps = await _calm(registry)
        for number in range(wanted):
            _fill(registry)
            at = number % steps if wanted >= steps else chance.randrange(steps)
            race = Race(registry, at, chance.random() < 0.5, honours=bool(number % 2))
            registry.fault(ANYWHERE, race.answer)
            outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
            registry.heal()
            _check(registry, outcome, race, honours=bool(number % 2))
            unseen = race.lost and outcome.last.end is End.PUSHED
            ends[f"{outcome.last.end}{', unseen' if unseen else ''}"] += 1
            lost += race.lost
    print(f"{wanted} races: {dict(ends)}; {lost} in the last window, which is stated")
    assert wanted == ends.total()


async def _calm(registry: FaultRegistry) -> int:
    """Return how many requests a push has that nobody disturbs, as a Race counts them."""
    _fill(registry)
    race = Race(registry, 10_000, False, honours=False)
    registry.fault(ANYWHERE, race.answer)
    await pushed(plan_for(registry.host, "app:v1", LIST, "parts", OLD.digest))
    registry.heal()
    return 10_000 - race.left


def _fill(registry: FaultRegistry) -> None:
    for name in ("app", "parts"):
        registry.demo.delete_repository(name)
    place(registry.demo, "parts", LIST, "children")
    place(registry.demo, "app", OLD, "v1")
    registry.requests.clear()


def _check(registry: FaultRegistry, outcome: Outcome, race: Race, *, honours: bool) -> None:
    seen, puts = tag_of(registry, "app:v1"), registry.count("PUT", TAG)
    match outcome.last.end:
        case End.MOVED:
            assert OTHER.digest == seen
            assert honours or puts == 0
        case End.OVERTAKEN:
            assert OTHER.digest == seen
        case End.OVERWROTE:
            assert (LIST.digest, OTHER.digest) == (seen, outcome.last.between)
            assert f"@{OTHER.digest}" in outcome.last.restore
        case _:
            assert End.PUSHED is outcome.last.end
            assert outcome.last.window_s is not None
    # What was overwritten unseen came in the last window, and only where nobody guards it.
    assert not (race.lost and honours)
    assert not race.lost or outcome.last.end in (End.PUSHED, End.OVERWROTE)


async def test_races_on_a_real_registry_lose_nothing_outside_the_window_that_is_said(
    count: Callable[[int], int], seed: int, shared_docker_registry: servers.DockerRegistry
) -> None:
    chance, ends, lost, seen = random.Random(seed), Counter[str](), 0, 0
    host = shared_docker_registry.host
    lists = [
        index(image("linux", "amd64", flavour=DOCKER), image("linux", arch, flavour=DOCKER),
              flavour=DOCKER)
        for arch in ("arm64", "ppc64le", "s390x")
    ]  # fmt: skip
    ours, old, other = lists
    await servers.push(host, "races/parts", ours, "v1")
    for built in (old, other):
        await servers.push(host, "races/app", built, "v1")
    wanted, took = count(200), 0.05
    async with clients() as found, aiohttp.ClientSession() as session:
        url = f"http://{host}/v2/races/app/manifests/v1"
        headers = {"Content-Type": other.media_type}

        async def compete(after_s: float) -> tuple[float, float]:
            await asyncio.sleep(after_s)
            began = time.monotonic()
            async with session.put(url, data=other.raw, headers=headers) as answer:
                assert 201 == answer.status
            return began, time.monotonic()

        for _ in range(wanted):
            async with session.put(url, data=old.raw, headers=headers) as answer:
                assert 201 == answer.status
            times: list[float] = []

            def clock(times: list[float] = times) -> float:
                times.append(time.monotonic())
                return times[-1]

            plan = plan_for(host, "races/app:v1", ours, "races/parts", old.digest)
            rival = asyncio.create_task(compete(chance.uniform(0, took)))
            started = time.monotonic()
            outcome = await push(plan, found, Remembered(), clock=clock)
            took = 0.9 * took + 0.1 * 1.3 * (time.monotonic() - started)
            began, ended = await rival
            document = await found(host).document("races/app", "v1")
            ends[outcome.last.end.value] += 1
            if outcome.last.end in (End.MOVED, End.OVERTAKEN):
                assert other.digest == document.digest
            elif document.digest == ours.digest:
                # The rival's push is gone: it overlapped the window, and the window was said.
                assert outcome.last.window_s is not None
                seen += outcome.last.end is End.OVERWROTE
                assert ended >= times[0]
                assert began <= times[0] + outcome.last.window_s
                lost += 1
    said = f"{lost} in the last window, {seen} of them seen"
    print(f"{wanted} races on docker-registry: {dict(ends)}; {said}")
