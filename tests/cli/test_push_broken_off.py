"""A push that a signal breaks off says and writes down how far it was; others are told with it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.builders import image, index
from tests.cli.conftest import Command, Ran
from tests.cli.manifest_world import LIST, World
from tests.fault_registry import AT_INDEX, Behaviour, Exchange, FaultRegistry

BROKEN = index(
    image("linux", "amd64"),
    image("linux", "arm64"),
    annotate={0: {"platform": "linux/x86_64"}},
)
PUT_LIST = ("PUT", AT_INDEX[1])
SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.fixture
def world(served: FaultRegistry, command: Command) -> World:
    """Return a user with a registry."""
    return World(served, command)


class Pushing:
    """A command in a process of its own that gets a signal when it asks for something."""

    def __init__(self, world: World, number: signal.Signals) -> None:
        self._world = world
        self._number = number
        self._process: subprocess.Popen[str] | None = None

    def when_kept(self) -> Behaviour:
        """Carry out what is asked for, send the signal, and do not answer."""

        async def then(exchange: Exchange) -> web.StreamResponse:
            await exchange.real()
            assert self._process is not None
            os.kill(self._process.pid, self._number)
            transport = exchange.request.transport
            while transport is not None and not transport.is_closing():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            return web.Response()

        return then

    def run(self, *arguments: str) -> Ran:
        """Run it to its end."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mfl_lint", *map(self._world.name, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        out, err = self._process.communicate(timeout=60)
        assert "Traceback" not in err
        return Ran(self._process.returncode, out, err)


def journal(world: World) -> list[Any]:
    """Return what was written down."""
    return [json.loads(one) for one in (world.state / "pushes.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_after_the_list_was_sent_leaves_the_way_back(
    number: signal.Signals, code: int, world: World
) -> None:
    world.place(LIST, BROKEN)
    world.made()
    pushing = Pushing(world, number)
    world.registry.fault(PUT_LIST, pushing.when_kept(), 1)
    ran = pushing.run("manifest", "push", f"@{LIST}")
    begin, end = journal(world)
    new = begin["digest"]
    assert (code, "", new) == (ran.code, ran.out, world.digest(LIST))
    assert "interrupted after the list was sent: it may have been pushed" in ran.err
    back = f"mfl-lint manifest restore {world.host}/{LIST}@{BROKEN.digest} --over {new}"
    assert f"if it was, to restore that: {back}" in ran.err
    (told,) = end["ends"].values()
    assert (begin["id"], "unknown", back) == (end["id"], told["end"], told["restore"])
    assert "it may have been pushed" in end["detail"]


def test_a_signal_before_the_list_was_sent_leaves_the_tag_as_it_was(world: World) -> None:
    world.place(LIST, BROKEN)
    world.made()
    pushing = Pushing(world, signal.SIGINT)
    world.registry.fault(("POST", "/uploads/"), pushing.when_kept(), 1)
    ran = pushing.run("manifest", "push", f"@{LIST}")
    assert (130, BROKEN.digest) == (ran.code, world.digest(LIST))
    assert "failed: interrupted before the list was sent" in ran.err
    assert ["failed"] == [one["end"] for one in journal(world)[-1]["ends"].values()]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_what_fix_pushed_before_a_signal_is_told(
    number: signal.Signals, code: int, world: World
) -> None:
    for tag in ("v1", "v2", "v3"):
        world.place(f"app:{tag}", BROKEN)
    pushing = Pushing(world, number)
    world.registry.fault(("PUT", "/app/manifests/v2"), pushing.when_kept(), 1)
    ran = pushing.run("fix", "@app", "--all-tags", "--push")
    assert code == ran.code
    assert f"pushed {world.host}/app:v1" in ran.out
    assert f"unknown {world.host}/app:v2" in ran.out
    assert "app:v3" not in ran.out
    assert ["begun", "end", "begun", "end"] == [one["event"] for one in journal(world)]


def asks(process: subprocess.Popen[bytes]) -> None:
    """Return when the process has asked, and sleeps until somebody answers."""
    assert process.stderr is not None
    told, state = b"", ""
    while b"[Y/n]" not in told:
        part = os.read(process.stderr.fileno(), 4096)
        assert part, told
        told += part
    while state != "S":
        time.sleep(0.01)
        state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_question_is_ended_by_one_signal(number: signal.Signals, code: int, world: World) -> None:
    world.place("app:v1", BROKEN)
    terminal, stdin = pty.openpty()
    call = ("fix", world.name("@app:v1"), "--push", "--interactive")
    with subprocess.Popen(
        [sys.executable, "-m", "mfl_lint", *call],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            asks(process)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            os.close(terminal)
            os.close(stdin)
    assert (code, b"") == (process.returncode, out)
    assert b"Traceback" not in err
    assert BROKEN.digest == world.digest("app:v1")
