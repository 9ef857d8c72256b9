"""Holders of leases, and whether their processes are over."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from mfl_lint.crawl.holder import has_ended, new_holder
from mfl_lint.store import leases, registries
from tests.crawl.world import NAME, World


def test_this_process_has_not_ended_and_names_differ() -> None:
    one, other = new_holder(), new_holder()
    assert one != other
    assert not has_ended(one)
    assert not has_ended(other)


def test_a_process_that_ended_has_ended() -> None:
    code = "from mfl_lint.crawl.holder import new_holder; print(new_holder(), end='')"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert has_ended(ran.stdout.decode())


def test_a_later_process_of_the_same_number_is_another() -> None:
    assert has_ended(f"{socket.gethostname()}/{os.getpid()}/1/abc")


@pytest.mark.parametrize(
    "holder", ["", "me", "elsewhere/1/2/abc", f"{socket.gethostname()}/x/1/a", "//"]
)
def test_nothing_is_said_of_other_machines_and_of_other_names(holder: str) -> None:
    assert not has_ended(holder)


async def test_only_leases_of_ended_processes_are_freed(either_world: World) -> None:
    world, now = either_world, either_world.clock.now()
    await registries.sync_registries(world.store, [world.config], now)
    for name, holder in (("a", "alive"), ("b", "dead"), ("c", "dead")):
        await leases.acquire(world.store, NAME, name, holder, 3600.0, now)
    freed = await leases.release_ended(world.store, NAME, lambda name: name == "dead", now)
    assert 2 == freed
    taken = [
        name
        for name in ("a", "b", "c")
        if await leases.acquire(world.store, NAME, name, "me", 60.0, now) is not None
    ]
    assert ["b", "c"] == taken
