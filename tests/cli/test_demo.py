import re
import socket
import subprocess
import sys

from tests.cli.conftest import Command


def test_the_demo_finds_what_was_put_there_and_ends(process: Command) -> None:
    ran = process("demo", "--once")
    assert (0, "") == (ran.code, ran.err)
    assert "broken/dangling:latest" in ran.out
    (row,) = (line for line in ran.out.splitlines() if line.startswith("│ broken/dangling:latest"))
    assert "MFL201" in row
    (good,) = (line for line in ran.out.splitlines() if line.startswith("│ good/docker-list"))
    assert "│ - " in good


def test_a_port_that_is_taken_is_said_before_anything_is_done(process: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = process("demo", "--port", str(port))
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert f"port {port}: Address already in use" in ran.err
    assert 'make demo ARGS="--port N"' in ran.err


def test_the_demos_registry_is_there_for_other_commands_too(command: Command) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "mfl_lint", "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    with running:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        host = next(
            found[1] for line in lines if (found := re.match("The demo's .* is (.*) until", line))
        )
        ran = command("scan", f"{host}/good/*", "--all-tags")
        running.terminate()
    assert 0 == ran.code
