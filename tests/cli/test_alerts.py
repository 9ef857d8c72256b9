"""The commands for alerts, and a crawl that sends them."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfl_lint import __version__
from mfl_lint.cli.alerts import STATES
from mfl_lint.core.messages import MessageState
from tests.builders import place
from tests.cli.conftest import QUICK, Command
from tests.cli.test_crawl import GOOD, WRONG
from tests.fault_registry import FaultRegistry
from tests.receiver import Receiver
from tests.servers import free_port

ALERTS = """
[alert]
url = "https://lint.example"
[[alert.channel]]
name = "hook"
kind = "webhook"
url = "{receiver}/hook"
timeout = "30s"
[[alert.channel]]
name = "chat"
kind = "apprise"
url_env = "NO_SUCH_CHAT"
[[alert.route]]
name = "team"
channels = ["hook"]
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver that another thread serves."""
    heard, ready, loop = Receiver(), threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        async with heard:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(10)
    yield heard
    loop.call_soon_threadsafe(over.set)
    thread.join(10)
    loop.close()


@pytest.fixture
def broken(served: FaultRegistry, receiver: Receiver, command: Command) -> FaultRegistry:
    """Return a registry of which a tag broke after its first crawl, and settings for it."""
    registry = f'[[registry]]\nname = "team"\nhost = "{served.host}"\n'
    settings = QUICK + registry + ALERTS.format(receiver=receiver.url)
    Path("mfl-lint.toml").write_text(settings)
    place(served.demo, "team/app", GOOD, "v1")
    assert 0 == command("crawl").code
    place(served.demo, "team/app", WRONG, "v1")
    return served


def test_the_states_are_those_of_messages() -> None:
    assert list(STATES) == list(MessageState)


def test_a_crawl_sends_where_it_is_asked_to_and_once(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    assert 1 == command("crawl").code
    assert [] == receiver.taken
    assert 1 == command("crawl", "--alert").code
    assert 1 == command("crawl", "--alert").code
    (got,) = receiver.taken
    assert b"MFL101" in got.body
    listed = command("alerts", "list")
    assert (0, True) == (listed.code, "sent" in listed.out)


@pytest.mark.parametrize("options", [(), ("--alert",)])
def test_a_crawl_without_routes_leaves_news_to_whoever_tells(
    broken: FaultRegistry, receiver: Receiver, command: Command, options: tuple[str, ...]
) -> None:
    settings = Path("mfl-lint.toml")
    whole = settings.read_text()
    settings.write_text(whole.partition("[alert]")[0])
    assert 1 == command("crawl", *options).code
    assert 1 == command("crawl", *options).code
    assert [] == receiver.taken
    settings.write_text(whole)
    assert 1 == command("crawl", "--alert").code
    (got,) = receiver.taken
    assert b"MFL101" in got.body


def test_a_first_crawl_that_sends_is_summed_up(
    served: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    registry = f'[[registry]]\nname = "team"\nhost = "{served.host}"\n'
    Path("mfl-lint.toml").write_text(QUICK + registry + ALERTS.format(receiver=receiver.url))
    place(served.demo, "team/app", WRONG, "v1")
    assert 1 == command("crawl", "--alert").code
    (got,) = receiver.taken
    assert b"looked at for the first time" in got.body


@pytest.mark.parametrize("what", ["retry", "end-silence", "undo-ignore"])
@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 99999999999999999999])
def test_an_id_that_no_database_gives_is_one_clear_line(
    broken: FaultRegistry, command: Command, what: str, number: int
) -> None:
    ran = command("alerts", what, str(number))
    assert (2, 1, True) == (ran.code, ran.err.count("\n"), str(number) in ran.err)
    assert "bug" not in ran.err


def test_a_preview_sends_nothing(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    none = "No message would be sent: of the last 50 changes none is for a route, "
    assert command("alerts", "preview").out.startswith(none)
    command("crawl")
    shown = command("alerts", "preview")
    assert (0, True) == (shown.code, shown.out.startswith("hook by team: team/team/app:v1"))
    report = '[[alert.route]]\nname = "all"\nchannels = ["hook"]\ndigest = { every = "daily" }\n'
    with Path("mfl-lint.toml").open("a") as settings:
        settings.write(report)
    assert command("alerts", "preview").out.endswith("Reports are not shown here: all.\n")
    whole = command("alerts", "preview", "--body", "--last", "1")
    assert '"specversion":"1.0"' in whole.out
    assert [] == receiver.taken


def test_a_preview_of_a_first_crawl_is_the_one_message_that_is_sent(
    served: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    for name in ("team/app", "team/other"):
        place(served.demo, name, WRONG, "v1")
    registry = f'[[registry]]\nname = "team"\nhost = "{served.host}"\n'
    Path("mfl-lint.toml").write_text(QUICK + registry + ALERTS.format(receiver=receiver.url))
    assert 1 == command("crawl").code
    shown = command("alerts", "preview")
    assert "hook by team: team: looked at for the first time\n" == shown.out
    body = command("alerts", "preview", "--body").out
    assert [] == receiver.taken
    assert 1 == command("crawl", "--alert").code
    (got,) = receiver.taken
    said = re.search(rb'"message":"([^"]*)"', got.body)
    assert said
    assert said[1].decode() in body


def test_a_preview_shows_the_title_that_the_settings_give_a_channel(
    broken: FaultRegistry, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_SUCH_CHAT", "json://127.0.0.1:1/")
    text = Path("mfl-lint.toml").read_text().replace('channels = ["hook"]', 'channels = ["chat"]')
    titled = text.replace('"NO_SUCH_CHAT"', '"NO_SUCH_CHAT"\ntitle = "Look: {{ summary }}"')
    Path("mfl-lint.toml").write_text(titled)
    command("crawl")
    assert command("alerts", "preview").out.startswith("chat by team: Look: ")


def test_a_preview_says_why_there_is_nothing_to_be_sent(
    served: FaultRegistry, command: Command
) -> None:
    settings = f'{QUICK}[[registry]]\nname = "team"\nhost = "{served.host}"\n'
    Path("mfl-lint.toml").write_text(settings)
    ran = command("alerts", "preview")
    assert (0, "") == (ran.code, ran.err)
    assert "no route is configured" in ran.out
    assert re.search(
        r"Add \[\[alert.channel\]\] and \[\[alert.route\]\] to \S*mfl-lint.toml", ran.out
    )
    channel = '[[alert.channel]]\nname = "a"\nkind = "webhook"\nurl = "https://example.org"\n'
    Path("mfl-lint.toml").write_text(settings + channel)
    assert "Add [[alert.route]] to" in command("alerts", "preview").out
    route = '[[alert.route]]\nname = "a"\nchannels = ["a"]\ndigest = { every = "daily" }\n'
    Path("mfl-lint.toml").write_text(settings + channel + route)
    command("db", "upgrade")
    assert "every route sends reports" in command("alerts", "preview").out


def test_what_only_reads_or_changes_what_is_there_creates_no_database(command: Command) -> None:
    Path("mfl-lint.toml").write_text(QUICK + ALERTS.format(receiver="http://127.0.0.1:1"))
    for arguments in (
        ("preview",),
        ("list",),
        ("retry", "1"),
        ("end-silence", "1"),
        ("undo-ignore", "1"),
        ("handled",),
        ("acknowledge", "f" * 64, "--reason", "x"),
    ):
        ran = command("alerts", *arguments)
        assert (3, "", 1) == (ran.code, ran.out, ran.err.count("\n")), arguments
        assert "there is no database" in ran.err
        assert "mfl-lint db upgrade" in ran.err
    assert [] == list(Path.cwd().glob("*.db*"))


@pytest.mark.parametrize("what", [("silence", "--for", "2h"), ("ignore", "--rule", "MFL101")])
def test_only_what_is_configured_is_silenced_or_ignored(
    what: tuple[str, ...], command: Command
) -> None:
    registry = '[[registry]]\nname = "{0}"\nhost = "127.0.0.1:1"\n'
    Path("mfl-lint.toml").write_text(QUICK + registry.format("team") + registry.format("other"))
    ran = command("alerts", *what, "--registry", "taem", "--reason", "x")
    assert (2, "", 1) == (ran.code, ran.out, ran.err.count("\n"))
    assert "--registry: no registry is called 'taem'; configured are team, other" in ran.err
    assert [] == list(Path.cwd().glob("*.db*"))
    ran = command("alerts", *what, "--registry", "lab-*", "--reason", "x")
    told = "mfl-lint: note: --registry lab-* matches no registry: configured are team, other\n"
    assert (0, told) == (ran.code, ran.err)
    for pattern in ("team", "t*", "*"):
        assert "" == command("alerts", *what, "--registry", pattern, "--reason", "x").err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--rule", "MFL9*"), "nothing matched --rule MFL9*; `mfl-lint rules` lists the rules"),
        (("--repository", "taem/*"), "nothing matched --repository taem/* yet"),
        (("--repository", "team/app", "--tag", "w*"), "nothing matched --tag w* yet"),
        (("--repository", "team/*", "--tag", "v?"), ""),
        ((), ""),
    ],
)
def test_patterns_that_match_nothing_so_far_are_said(
    given: tuple[str, ...], told: str, broken: FaultRegistry, command: Command
) -> None:
    rest = ("--registry", "team", "--for", "2h", "--reason", "x")
    for what in ("silence", "ignore"):
        ran = command("alerts", what, "--rule", "MFL1*", *given, *rest)
        assert (0, bool(told)) == (ran.code, bool(ran.err))
        assert told in ran.err
    assert re.fullmatch(r"Ignore 1 of MFL\S+ on team/\S+:\S+ holds until .* UTC.\n", ran.out)


def test_a_channel_that_is_not_there_is_said_in_words(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    port = free_port()
    text = Path("mfl-lint.toml").read_text()
    gone = text.replace(receiver.url, f"http://127.0.0.1:{port}")
    Path("mfl-lint.toml").write_text(gone)
    ran = command("alerts", "test", "hook")
    told = "the channel hook did not take the test message: could not connect to"
    assert 3 == ran.code
    assert f"mfl-lint: {told} 127.0.0.1:{port}: connection refused\n" == ran.err


def test_a_channel_is_tried(broken: FaultRegistry, receiver: Receiver, command: Command) -> None:
    ran = command("alerts", "test", "hook")
    assert (0, "The channel hook took the test message.\n", "") == (ran.code, ran.out, ran.err)
    (taken,) = receiver.taken
    event = json.loads(taken.body)
    assert "mfl-lint.test.v1" == event["type"]
    assert ("mfl-lint: test message", "1 test message") == (
        event["data"]["title"],
        event["data"]["summary"],
    )
    assert "`mfl-lint alerts test hook`" in event["data"]["items"][0]["message"]
    assert "https://lint.example" == event["data"]["items"][0]["page"]
    assert f"mfl-lint/{__version__} (+https://lint.example)" == taken.headers["user-agent"]
    receiver.answer = lambda _: 410
    refused = command("alerts", "test", "hook")
    assert (3, "did not take the test message: the receiver answered 410\n") == (
        refused.code,
        refused.err.partition("the channel hook ")[2],
    )
    unknown = command("alerts", "test", "other")
    assert (2, True) == (unknown.code, "configured: hook, chat" in unknown.err)
    secret = command("alerts", "test", "chat")
    assert (3, True) == (secret.code, "NO_SUCH_CHAT is not set" in secret.err)


def test_a_channel_that_no_route_leads_to_is_said(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    text = Path("mfl-lint.toml").read_text()
    lone = f'[[alert.channel]]\nname = "spare"\nkind = "webhook"\nurl = "{receiver.url}"\n'
    Path("mfl-lint.toml").write_text(text + lone)
    ran = command("alerts", "test", "spare")
    assert (0, "The channel spare took the test message.\n") == (ran.code, ran.out)
    assert "note: no [[alert.route]] sends to spare" in ran.err


def test_a_dead_letter_is_listed_and_tried_again(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    receiver.answer = lambda _: 410
    command("crawl", "--alert")
    assert [] == receiver.taken
    listed = command("alerts", "list", "--state", "dead")
    assert "the receiver answered 410" in " ".join(re.sub(r"[│|]", " ", listed.out).split())
    number = re.search(r"^\W*(\d+) ", listed.out, re.MULTILINE)
    assert number
    receiver.answer = lambda _: 204
    assert 0 == command("alerts", "retry", number[1]).code
    again = command("alerts", "retry", number[1])
    assert 2 == again.code
    assert f"message {number[1]} is no dead letter: it is pending" in again.err
    assert "there is no message 4711" in command("alerts", "retry", "4711").err
    assert "ID: 'x' is no whole number" in command("alerts", "retry", "x").err
    command("crawl", "--alert")
    assert 1 == len(receiver.taken)


def test_a_crawl_says_what_was_not_taken_and_what_happens_next(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    settings = Path("mfl-lint.toml").read_text()
    receiver.answer = lambda _: 410
    dead = command("crawl", "--alert")
    assert (1, 1) == (dead.code, dead.err.count("\n"))
    said = "mfl-lint: alert.channel hook: 1 message was not taken: the receiver answered 410; "
    assert dead.err.startswith(f"{said}dead letters are tried no more, but by `mfl-lint alerts")
    number = re.search(r"alerts retry (\d+)`", dead.err)
    assert number
    assert 0 == command("alerts", "retry", number[1]).code
    receiver.answer = lambda _: 503
    later = command("crawl", "--alert")
    assert (
        "mfl-lint: alert.channel hook: 1 message was not taken: the receiver answered 503; "
        "`mfl-lint serve` or the next `mfl-lint crawl --alert` tries again\n"
    ) == later.err
    # Whoever knows no such channel leaves what waits for it alone.
    Path("mfl-lint.toml").write_text(settings.replace('"hook"', '"other"'))
    assert (1, "") == (command("crawl", "--alert").code, command("crawl", "--alert").err)
    assert "pending" in command("alerts", "list").out


def test_a_dead_letter_of_what_is_mended_is_refused_in_one_line(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    receiver.answer = lambda _: 410
    number = re.search(r"alerts retry (\d+)`", command("crawl", "--alert").err)
    assert number
    place(broken.demo, "team/app", GOOD, "v1")
    assert 0 == command("crawl").code
    refused = command("alerts", "retry", number[1])
    assert (2, "", 1) == (refused.code, refused.out, refused.err.count("\n"))
    assert "is out of date: nothing of it is so any more" in refused.err


def test_what_is_silenced_is_not_sent(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    said = ("--registry", "team", "--reason", "the farm moves")
    made = command("alerts", "silence", *said, "--for", "2h")
    assert (0, True) == (made.code, made.out.startswith("Silence 1 of all rules on team/*:* "))
    command("crawl", "--alert")
    assert [] == receiver.taken
    shown = command("alerts", "preview").out
    assert "nor ignored. 1 silence holds; see `mfl-lint alerts handled`." in shown
    assert 0 == command("alerts", "end-silence", "1").code
    assert 2 == command("alerts", "end-silence", "1").code


def test_nonsense_is_2_with_one_line(broken: FaultRegistry, command: Command) -> None:
    said = ("--registry", "team", "--reason", "x")
    for arguments in (
        ("silence", *said, "--for", "soon"),
        ("silence", *said, "--for", "0s"),
        ("silence", *said, "--for", "2h", "--rule", "MFL999"),
        ("ignore", *said, "--rule", "nonsense"),
        ("acknowledge", "f" * 64, "--reason", "x"),
        ("acknowledge", "f" * 64),
    ):
        ran = command("alerts", *arguments)
        assert (2, "") == (ran.code, ran.out), arguments
        assert "Traceback" not in ran.err


def test_a_finding_is_acknowledged_and_ignored(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    command("crawl", "--alert")
    mark = re.search(rb'"fingerprint":"([0-9a-f]{64})"', receiver.taken[0].body)
    assert mark
    fingerprint = mark[1].decode()
    assert 0 == command("alerts", "acknowledge", fingerprint, "--reason", "on it").code
    assert 0 == command("alerts", "acknowledge", fingerprint, "--undo").code
    assert 2 == command("alerts", "acknowledge", fingerprint, "--undo").code
    said = ("--registry", "team", "--rule", "MFL101", "--reason", "known")
    assert 0 == command("alerts", "ignore", *said).code
    assert 0 == command("crawl").code


def test_what_people_handle_is_listed_with_the_ids_that_undo_it(
    broken: FaultRegistry, receiver: Receiver, command: Command
) -> None:
    command("crawl", "--alert")
    mark = re.search(rb'"fingerprint":"([0-9a-f]{64})"', receiver.taken[0].body)
    assert mark
    start = mark[1].decode()[:8]
    said = ("--registry", "team", "--reason")
    assert "Nothing is silenced" in command("alerts", "handled").out
    assert 0 == command("alerts", "silence", *said, "the farm moves", "--for", "2h").code
    assert 0 == command("alerts", "ignore", *said, "old names", "--rule", "MFL301").code
    assert 0 == command("alerts", "acknowledge", start, "--reason", "on it").code
    listed = command("alerts", "handled").out
    for words in (
        r"silence +1 +\* team/\*:\* .* the farm moves",
        rf"acknowledged +{start}[0-9a-f]{{4}} +MFL101 .*mended .* on it",
        r"ignore +1 +MFL301 team/\*:\* +undone .* old names",
    ):
        assert re.search(words, re.sub(r"[│|]", "", listed)), listed
    assert 0 == command("alerts", "acknowledge", start, "--undo").code
    assert 0 == command("alerts", "undo-ignore", "1").code
    assert 2 == command("alerts", "undo-ignore", "1").code
    assert 0 == command("alerts", "end-silence", "1").code
    assert "Nothing is silenced" in command("alerts", "handled").out


def test_what_names_no_finding_is_said_with_where_fingerprints_are(
    broken: FaultRegistry, command: Command
) -> None:
    command("crawl")
    short = command("alerts", "acknowledge", "deadbee", "--reason", "x")
    assert "is no fingerprint: 64 hex digits, or the first eight or more of them" in short.err
    wrong = command("alerts", "acknowledge", "deadbeef", "--reason", "x")
    assert "no finding that stands has the fingerprint 'deadbeef'; " in wrong.err
    undone = command("alerts", "acknowledge", "deadbeef", "--undo")
    assert "nothing acknowledged has the fingerprint 'deadbeef'; " in undone.err
    assert (2, 2, 2) == (short.code, wrong.code, undone.code)


def test_help_says_that_an_acknowledgement_needs_a_reason(command: Command) -> None:
    assert "needed but for --undo" in " ".join(
        command("alerts", "acknowledge", "--help").out.split()
    )
