"""Mail to a real SMTP server, and a chat's receiver: what arrives, and what is said of failures."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.handlers import Message as Handler
from aiosmtpd.smtp import SMTP

from mfl_lint.alert import services
from mfl_lint.alert.services import family_of
from mfl_lint.alert.threads import Threads
from mfl_lint.config_alert import ChannelConfig
from mfl_lint.core.errors import NotDelivered
from tests.alert.test_rendering import STORIES, matches
from tests.receiver import Receiver

CHANNEL = ChannelConfig("chat", "apprise", url_env="CHAT", timeout_s=20.0)


class Mailbox(Handler):
    """Keeps the mails that arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[EmailMessage] = []

    def prepare_message(self, session: Any, envelope: Any) -> Any:
        raw = envelope.content
        self.mails.append(email.message_from_bytes(raw, policy=email.policy.default))
        return self.mails[-1]

    def handle_message(self, message: Any) -> None:
        """Do nothing more."""


@pytest.fixture
async def mailbox() -> AsyncIterator[tuple[Mailbox, str]]:
    """Return the mails of an SMTP server, and the address at which apprise finds it."""
    box = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(box), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        people = "from=lint@example.org&to=team@example.org"
        yield box, f"mailto://127.0.0.1:{port}/?{people}&mode=insecure"


@pytest.mark.parametrize("story", ["one", "report"])
async def test_a_mail_has_a_page_and_the_same_in_plain_text(
    mailbox: tuple[Mailbox, str], story: str
) -> None:
    box, url = mailbox
    assert "" == await services.notify(STORIES[story], CHANNEL, url, Threads())
    (mail,) = box.mails
    plain, page = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert page is not None
    expected = "report: 3 broken" if story == "report" else "hub/team/app:v1 linux/arm64: broken"
    assert expected in mail["Subject"]
    matches(f"{story}.html", page.get_content().replace("\r\n", "\n").strip() + "\n")
    for text in ("the entry says linux/arm64", "MFL101"):
        assert text in plain.get_content()
    assert "<td" not in plain.get_content()


async def test_a_chat_gets_markdown_as_it_always_did() -> None:
    async with Receiver(lambda _: 200) as chat:
        url = f"mmost://{chat.url.removeprefix('http://')}/{'a' * 24}"
        await services.notify(STORIES["several"], CHANNEL, url, Threads())
        (got,) = chat.taken
    matches("several.chat.json", json.dumps(json.loads(got.body), indent=1) + "\n")


@pytest.mark.parametrize("status", [500, 404])
async def test_what_a_service_does_not_take_is_tried_again(status: int) -> None:
    async with Receiver(lambda _: status) as chat:
        url = f"mmost://{chat.url.removeprefix('http://')}/{'a' * 24}"
        with pytest.raises(NotDelivered, match="did not take it") as refused:
            await services.notify(STORIES["one"], CHANNEL, url, Threads())
    assert refused.value.again


async def test_an_address_that_nobody_knows_is_said_without_it() -> None:
    with pytest.raises(NotDelivered, match="none that apprise knows") as refused:
        await services.notify(STORIES["one"], CHANNEL, "nowhere://secret@host", Threads())
    assert (False, False) == (refused.value.again, "secret" in str(refused.value))


async def test_where_a_template_cannot_be_used_ours_is() -> None:
    broken = msgspec.structs.replace(CHANNEL, body="{{ nothing }}")
    async with Receiver(lambda _: 200) as chat:
        url = f"mmost://{chat.url.removeprefix('http://')}/{'a' * 24}"
        problem = await services.notify(STORIES["one"], broken, url, Threads())
        (got,) = chat.taken
    assert problem.startswith("the template cannot be used")
    assert b"MFL101" in got.body


@asynccontextmanager
async def dribbling() -> AsyncIterator[str]:
    """Yield the address of a chat that goes on answering and never comes to an end."""

    over, answering = asyncio.Event(), asyncio.Semaphore(0)

    async def dribble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while not over.is_set():
            writer.write(b"X-More: x\r\n")
            await asyncio.sleep(0.5)
        writer.close()
        answering.release()

    asked = 0

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Any:
        nonlocal asked
        asked += 1
        return dribble(reader, writer)

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        yield f"mmost://127.0.0.1:{server.sockets[0].getsockname()[1]}/{'a' * 24}"
        over.set()
        for _ in range(asked):
            await answering.acquire()


async def test_receivers_that_never_end_keep_nothing_else_waiting() -> None:
    threads, quick = Threads(), msgspec.structs.replace(CHANNEL, name="stuck", timeout_s=0.5)
    async with dribbling() as url, Receiver(lambda _: 200) as chat:
        sends = [services.notify(STORIES["one"], quick, url, threads) for _ in range(40)]
        ended = await asyncio.gather(*sends, return_exceptions=True)
        assert {"no answer within 0.5 s"} == {str(one) for one in ended}
        names = [one.name for one in threading.enumerate()]
        assert 4 == names.count("alert stuck")
        async with asyncio.timeout(10):
            assert "done" == await asyncio.to_thread(lambda: "done")
            url = f"mmost://{chat.url.removeprefix('http://')}/{'a' * 24}"
            assert "" == await services.notify(STORIES["one"], CHANNEL, url, threads)
    assert 1 == len(chat.taken)


async def test_a_command_ends_though_a_receiver_does_not(tmp_path: Path) -> None:
    (tmp_path / "mfl-lint.toml").write_text(
        '[[alert.channel]]\nname = "chat"\nkind = "apprise"\nurl_env = "CHAT"\ntimeout = "3s"\n'
    )
    async with dribbling() as url:
        command = (sys.executable, "-m", "mfl_lint", "alerts", "test", "chat")
        ran = await asyncio.create_subprocess_exec(
            *command,
            cwd=tmp_path,
            env={**os.environ, "CHAT": url},
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            _, said = await ran.communicate()
    told = b"mfl-lint: the channel chat did not take the test message: no answer within 3 s\n"
    assert (3, told) == (ran.returncode, said)


@pytest.mark.parametrize("path", ["/hooks/", "/nowhere/"])
async def test_nothing_of_an_address_is_in_what_debugging_shows(tmp_path: Path, path: str) -> None:
    (tmp_path / "mfl-lint.toml").write_text(
        '[[alert.channel]]\nname = "chat"\nkind = "apprise"\nurl_env = "CHAT"\ntimeout = "9s"\n'
    )
    secret = "s3cr3t" * 4
    async with Receiver(lambda _: 500) as chat:
        host = chat.url.removeprefix("http://")
        url = (
            f"mmost://{host}/{secret}" if path == "/hooks/" else f"json://me:{secret}@{host}{path}"
        )
        command = (sys.executable, "-m", "mfl_lint", "alerts", "test", "chat", "--debug")
        ran = await asyncio.create_subprocess_exec(
            *command,
            cwd=tmp_path,
            env={**os.environ, "CHAT": url},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await ran.communicate()
        assert 1 == chat.asked
    assert b"chat did not take the test message: the service did not take it" in said
    for part in (secret, path, "POST"):
        assert part.encode() not in said


async def test_threads_that_send_are_called_as_the_log_knows_them() -> None:
    from mfl_lint.cli.log import THREADS

    name = await Threads().run("chat", lambda: threading.current_thread().name)
    assert f"{THREADS}chat" == name


@pytest.mark.parametrize(
    ("url", "family"),
    [
        ("mailtos://user:pass@example.org", "html"),
        ("slack://a/b/c", "markdown"),
        ("discord://a/b", "markdown"),
        ("workflows://host/a/b", "markdown"),
        ("tgram://token/chat", "short"),
        ("pagerduty://key@api", "short"),
        ("clickatell://key/number", "short"),
    ],
)
def test_each_service_gets_the_form_that_suits_it_unless_one_is_set(url: str, family: str) -> None:
    assert family == family_of(CHANNEL, url)
    assert "short" == family_of(msgspec.structs.replace(CHANNEL, format="short"), url)
