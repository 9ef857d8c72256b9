"""Look whether platforms can be pulled, and wait for it: what `mfl-lint ready` does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotObserved, RegistryError
from mfl_lint.core.observation import Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.readiness import (
    Answer,
    Readiness,
    Unready,
    children,
    gone,
    layers_of,
    together,
)
from mfl_lint.core.reference import Reference
from mfl_lint.core.scan import Place
from mfl_lint.core.selection import Engine
from mfl_lint.registry.observe import observe
from mfl_lint.registry.source import Source
from mfl_lint.registry.tree import look_of

AT_ONCE: Final = 4
_FIRST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 30.0


class Wanted(msgspec.Struct, frozen=True):
    """One reference, the platforms that must be there, and where files name it."""

    reference: Reference
    platforms: tuple[Platform, ...]
    places: tuple[Place, ...] = ()


async def readiness(
    source: Source,
    registry: str,
    wanted: Wanted,
    engines: Sequence[Engine],
    *,
    now: Callable[[], datetime],
) -> tuple[Readiness, ...]:
    """Return for each platform whether every engine can pull it; no failure to look is raised.

    List, child and config are read; of the layers only the presence is asked for.
    """
    seen = await observe(source, registry, wanted.reference, now=now)
    if not isinstance(seen, Observation):  # nothing was vouched for, so nothing is unchanged
        raise TypeError(seen)
    return tuple([await _of(source, seen, wanted, one, engines) for one in wanted.platforms])


async def _of(
    source: Source,
    seen: Observation,
    wanted: Wanted,
    platform: Platform,
    engines: Sequence[Engine],
) -> Readiness:
    digests: tuple[Digest, ...] = ()
    try:
        nodes = children(seen, platform, engines)
        digests = tuple(node.entry.digest for node in nodes if node.entry.digest is not None)
        layers = layers_of(nodes)
        await _check(source, wanted.reference.repository, layers)
        counted = "1 layer" if len(layers) == 1 else f"{len(layers)} layers"
        answer, why = Answer.YES, f"{', '.join(digests)}: its config and {counted} are there"
    except Unready as unready:
        answer, why = unready.answer, unready.why
    name = wanted.reference.familiar
    return Readiness(name, platform.full, answer, why, digests, wanted.places)


async def _check(source: Source, repository: str, layers: Sequence[Digest]) -> None:
    """Ask for all layers, AT_ONCE at a time; raise Unready for the worst answer."""
    found: list[Unready] = []
    waiting = iter(layers)

    async def work() -> None:
        for digest in waiting:
            try:
                await source.check_blob(repository, digest)
            except NotObserved as error:
                found.append(Unready(Answer.UNKNOWN, str(error)))
            except RegistryError as error:
                found.append(gone(digest, look_of(error)))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(layers))):
            group.create_task(work())
    if found:
        raise min(found, key=lambda unready: unready.answer is not Answer.NO)


def pauses() -> Iterator[float]:
    """Yield how many seconds to let pass between one look and the next."""
    pause = _FIRST_PAUSE_S
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE_S)


async def waited(
    look: Callable[[], Awaitable[tuple[Readiness, ...]]],
    *,
    wait_s: float,
    clock: Callable[[], float],
    pause: Callable[[float], Awaitable[None]],
) -> tuple[Readiness, ...]:
    """Return the first answer that is yes throughout, else the last one within `wait_s` seconds.

    `clock` gives seconds that never go back; `pause` lets seconds pass.
    """
    until = clock() + wait_s
    for seconds in pauses():
        found = await look()
        left = until - clock()
        if together(item.answer for item in found) is Answer.YES or left <= 0:
            return found
        await pause(min(seconds, left))
    raise AssertionError  # pauses do not end
