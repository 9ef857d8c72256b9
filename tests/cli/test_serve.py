import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.cli.conftest import Command


def test_pages_are_served_until_the_signal() -> None:
    Path("mfl-lint.toml").write_text("[serve]\nport = 0\n")
    running = subprocess.Popen(
        [sys.executable, "-m", "mfl_lint", "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    address = running.stdout.readline().split()[2]
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert 200 == answer.status
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=20)
    assert (0, False) == (running.returncode, "Traceback" in err)


def test_a_mistake_is_one_line(command: Command) -> None:
    Path("mfl-lint.toml").write_text("[serve]\nhost = '0.0.0.0'\n")
    ran = command("serve")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "serve.hosts" in ran.err


def test_others_are_served_only_once_somebody_is_known_or_on_insistence(command: Command) -> None:
    Path("mfl-lint.toml").write_text("[serve]\nhost = '192.0.2.1'\nport = 0\n")
    ran = command("serve")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "mfl-lint users add" in ran.err
    # That address is no address of this machine.
    assert "cannot listen on 192.0.2.1" in command("serve", "--insecure-no-auth").err
    command("users", "add", "alice", "--no-password")
    assert "cannot listen on 192.0.2.1" in command("serve").err


def test_what_nobody_can_have_meant_is_said_when_it_starts() -> None:
    Path("mfl-lint.toml").write_text(
        '[serve]\nhosts = ["lint.example"]\n[[registry]]\nname = "a"\nhost = "127.0.0.1:1"\n'
        '[[alert.channel]]\nname = "chat"\nkind = "apprise"\nurl_env = "NO_SUCH_CHAT"\n'
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "mfl_lint", "serve", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    said = [running.stderr.readline() for _ in range(3)]
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=20)
    assert "alert.channel chat: url_env: the variable NO_SUCH_CHAT is not set; set" in said[0]
    assert "serve.hosts: there are no users" in said[1]
    assert "registry a: it has no interval and no cron" in said[2]
    assert 0 == running.returncode


def test_a_service_that_does_not_start_leaves_nothing_behind(command: Command) -> None:
    Path("mfl-lint.toml").write_text("[serve]\nhosts = ['lint.example']\n")
    assert 2 == command("serve", "--host", "0.0.0.0", "--port", "0").code
    assert 2 == command("serve", "--host", "192.0.2.1", "--insecure-no-auth").code
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = command("serve", "--port", str(taken.getsockname()[1]))
    assert (2, True) == (ran.code, "--port chooses another" in ran.err)
    assert not Path("mfl-lint.db").exists()
