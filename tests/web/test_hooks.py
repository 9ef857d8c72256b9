"""Webhooks: who is believed, what is kept, and what a flood of them comes to."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
import io
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from aiohttp import ClientResponse

from mfl_lint.config import HookConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.store import dump, looks
from mfl_lint.web.hook_bodies import MAX_BYTES
from mfl_lint.web.hook_proof import secret_of
from tests.web.parsed import ParsedPage
from tests.web.people import House, config_with, house

SECRET: Final = "correct horse battery staple"
VARIABLE: Final = "HOOK_SECRET_OF_A_TEST"
PUSH: Final = b'{"repository": "shop/checkout", "tag": "3.9"}'
HOOKS: Final = (
    HookConfig("signed", "generic", "internal", proof="hmac", secret_env=VARIABLE),
    HookConfig("carried", "generic", "internal", secret_env=VARIABLE),
    HookConfig("named", "generic", "internal", header="X-Token", secret_env=VARIABLE),
    HookConfig("addressed", "generic", "internal", proof="url", secret_env=VARIABLE),
    HookConfig("hub", "dockerhub", "internal", secret_env=VARIABLE),
    HookConfig("slow", "generic", "internal", secret_env=VARIABLE, per_minute=3),
    HookConfig("registry", "distribution", "internal", secret_env=VARIABLE, per_minute=10**6),
)
NOTHING: Final[Mapping[str, str]] = {}
GOOD: Final = {"Authorization": f"Bearer {SECRET}"}


def signature(body: bytes = PUSH, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture
async def full(
    filled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Yield an application with webhooks that nobody is signed in at."""
    monkeypatch.setenv(VARIABLE, SECRET)
    config = msgspec.structs.replace(config_with(), hooks=HOOKS)
    async with house(filled_url, tmp_path, config) as full:
        yield full


async def send(
    full: House,
    name: str,
    body: bytes = PUSH,
    *,
    query: str = "",
    headers: Mapping[str, str] = NOTHING,
) -> ClientResponse:
    path = f"/hooks/{name}{query}"
    return await full.ask(None, "POST", path, data=io.BytesIO(body), headers=headers)


async def waiting(full: House) -> list[str]:
    return [f"{one.repository}:{one.tag}" for one in await looks.pending_looks(full.store)]


async def shown(full: House, name: str) -> dict[str, Any]:
    answer = await full.ask(None, "GET", "/api/v1/hooks", headers={"Cookie": ADMIN})
    (item,) = (one for one in (await answer.json())["items"] if one["name"] == name)
    return dict(item)


ADMIN: Final = "mfl_lint=session-of-admin"


async def test_the_log_says_which_webhook_asks_for_what(
    full: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mfl_lint")
    assert 202 == (await send(full, "carried", headers=GOOD)).status
    assert "webhook carried asks for a look at internal/shop/checkout:3.9" in caplog.text


async def test_whoever_knows_the_secret_is_believed_in_each_way(full: House) -> None:
    for name, query, headers in (
        ("signed", "", {"X-Hub-Signature-256": signature()}),
        ("carried", "", {"Authorization": SECRET}),
        ("carried", "", GOOD),
        ("named", "", {"X-Token": SECRET}),
        ("addressed", "?secret=correct%20horse+battery%20staple", {}),
    ):
        answer = await send(full, name, query=query, headers=headers)
        assert 202 == answer.status, name
        assert "application/json" == answer.content_type
    assert ["shop/checkout:3.9"] == await waiting(full)


async def test_a_look_is_asked_for_once_and_made_at_once(
    filled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    hurried: list[bool] = []
    config = msgspec.structs.replace(config_with(), hooks=HOOKS)
    async with house(filled_url, tmp_path, config, hurry=lambda: hurried.append(True)) as full:
        first, again = [await send(full, "carried", headers=GOOD) for _ in range(2)]
        assert {"queued": 1, "waiting": 0, "ignored": 0, "invalid": 0, "outside": 0} == (
            await first.json()
        )
        assert (0, 1) == ((await again.json())["queued"], (await again.json())["waiting"])
        assert [True] == hurried
        (one,) = await looks.pending_looks(full.store)
        assert ("internal", "webhook") == (one.registry, one.reason)


def wrong(chance: random.Random) -> tuple[str, str, dict[str, str]]:
    """Return a webhook, a query and headers that prove nothing."""
    digits = signature()
    cut, more = chance.randrange(len(digits)), chance.choice("0123456789abcdefé\u20ac")
    given = chance.choice(
        [
            "", digits[:cut], digits + more, digits.upper(), digits.replace("sha256", "sha1"),
            digits[:cut] + more + digits[cut + 1 :] if digits[cut] != more else "x",
            signature(PUSH + b" "), signature(secret="x" * 20), "sha256=" + "é" * 64,
            SECRET, "sha256=", "sha256=sha256=" + digits[7:], digits + "," + digits,
        ]
    )  # fmt: skip
    short = SECRET[: chance.randrange(len(SECRET))]
    plain = chance.choice([short, SECRET + more, SECRET.title(), "Bearer " + short, "é", digits])
    kind = chance.randrange(4)
    if kind == 0:
        return "signed", "", {"X-Hub-Signature-256": given}
    if kind == 1:
        return "carried", "", {"Authorization": plain}
    if kind == 2:
        return "named", "", chance.choice([{"X-Token": plain}, {"Authorization": SECRET}, {}])
    query = chance.choice(["", "?secret=", f"?secret={short}", "?secret=%ff%00", "?other=x"])
    return "addressed", query, {}


async def test_whoever_does_not_is_refused_and_nothing_is_stored(
    full: House, seed: int, count: Callable[[int], int]
) -> None:
    chance, before = random.Random(seed), await dump.canonical_dump(full.store)
    tries = count(500)
    for _ in range(tries):
        name, query, headers = wrong(chance)
        answer = await full.ask(None, "POST", f"/hooks/{name}{query}", data=PUSH, headers=headers)
        assert 401 == answer.status, (name, query, headers)
        assert SECRET not in await answer.text()
    doubled = [("Authorization", SECRET), ("Authorization", SECRET)]
    twice = await full.client.post("/hooks/carried", data=PUSH, headers=doubled)
    unknown = await send(full, "nobody", headers=GOOD)
    assert (401, 401) == (twice.status, unknown.status)
    assert before == await dump.canonical_dump(full.store)
    assert [] == await waiting(full)
    names = ("signed", "carried", "named", "addressed")
    refused = [(await shown(full, name))["refused"] for name in names]
    print(f"{tries} without proof: all 401, nothing stored")
    assert tries + 1 == sum(refused)


async def test_the_signature_is_over_the_very_bytes(full: House) -> None:
    spaced = msgspec.json.format(PUSH)
    assert spaced != PUSH
    right, wrongly = signature(spaced), signature(PUSH)
    assert (
        202 == (await send(full, "signed", spaced, headers={"X-Hub-Signature-256": right})).status
    )
    assert (
        401 == (await send(full, "signed", spaced, headers={"X-Hub-Signature-256": wrongly})).status
    )


OUTSIDE: Final = {
    b'{"repository": "elsewhere/app", "tag": "v1"}': "outside",
    b'{"repository": "shop/checkout", "tag": "a b"}': "invalid",
    b'{"repository": "shop/checkout\\n", "tag": "v1"}': "invalid",
    b'{"repository": "../checkout", "tag": "v1"}': "invalid",
    b'{"repository": "", "tag": "v1"}': "invalid",
    b'{"repository": "shop/checkout", "tag": "v1\\u0000"}': "invalid",
}


async def test_what_is_not_watched_is_counted_and_dropped(
    filled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, SECRET)
    base = config_with()
    narrow = tuple(
        msgspec.structs.replace(one, repositories=("shop/*",)) for one in base.registries
    )
    config = msgspec.structs.replace(base, hooks=HOOKS, registries=narrow)
    async with house(filled_url, tmp_path, config) as full:
        for body, outcome in OUTSIDE.items():
            answer = await send(full, "carried", body, headers=GOOD)
            assert (202, 1) == (answer.status, (await answer.json())[outcome]), body
        assert [] == await waiting(full)
        item = await shown(full, "carried")
        assert (6, 0, 1, 5) == (
            item["accepted"], item["refused"], item["events"]["outside"], item["events"]["invalid"]
        )  # fmt: skip


async def test_a_body_is_read_up_to_a_bound_and_as_it_is_sent(full: House) -> None:
    padded = PUSH[:-1] + b', "x": "' + b"x" * (MAX_BYTES - len(PUSH) - 9) + b'"}'
    assert 202 == (await send(full, "carried", padded, headers=GOOD)).status
    assert 413 == (await send(full, "carried", padded + b" " * 9, headers=GOOD)).status

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 65536

    answer = await full.client.post("/hooks/carried", data=chunks(), headers=GOOD)
    assert 413 == answer.status
    packed = gzip.compress(PUSH)
    assert (
        415
        == (
            await send(full, "carried", packed, headers={**GOOD, "Content-Encoding": "gzip"})
        ).status
    )
    assert 400 == (await send(full, "carried", b'{"tag": "v1"}', headers=GOOD)).status
    many = {"events": [event("shop/checkout", f"v{number}") for number in range(1001)]}
    answer = await send(full, "registry", msgspec.json.encode(many), headers=GOOD)
    assert 413 == answer.status
    assert ["shop/checkout:3.9"] == await waiting(full)


async def test_each_webhook_is_taken_so_often_a_minute(full: House) -> None:
    answers = [await send(full, "slow", headers=GOOD) for _ in range(4)]
    assert [202, 202, 202, 429] == [one.status for one in answers]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    # Who does not know the secret uses none of it up.
    for _ in range(5):
        assert 401 == (await send(full, "slow", headers={"Authorization": "x"})).status
    assert 202 == (await send(full, "carried", headers=GOOD)).status


def event(repository: str, tag: str, action: str = "push") -> dict[str, Any]:
    return {"action": action, "target": {"repository": repository, "tag": tag}}


async def test_ten_thousand_events_in_any_order_are_one_look(
    full: House, seed: int, count: Callable[[int], int]
) -> None:
    chance, number = random.Random(seed), count(10_000)
    events = [event("shop/checkout", "3.9", chance.choice(("push", "delete")))] * number
    bodies = []
    while events:
        size = chance.choice((1, 1, 1, 2, 100))
        bodies.append(msgspec.json.encode({"events": events[:size]}))
        del events[:size]
    # Each is sent a second time, by whoever listened.
    bodies += bodies[: len(bodies) // 2]
    chance.shuffle(bodies)
    turns = asyncio.Semaphore(20)

    async def deliver(body: bytes) -> int:
        async with turns:
            return (await send(full, "registry", body, headers=GOOD)).status

    assert {202} == set(await asyncio.gather(*map(deliver, bodies)))
    assert ["shop/checkout:3.9"] == await waiting(full)
    assert 1 == (await dump.figures(full.store)).rows["look_requests"]
    told = (await shown(full, "registry"))["events"]
    print(f"{number} events and their replays in {len(bodies)} requests: {told}")
    assert 1 == told["queued"]
    (taken,) = await looks.take_looks(full.store, 10, now=full.services.now())
    for body in bodies[:20]:
        await deliver(body)
    assert 1 == len(await waiting(full))
    await looks.done_looks(full.store, [taken.id])


async def test_nothing_is_believed_of_a_payload_but_names_and_nobody_is_called(
    full: House,
) -> None:
    called: list[bool] = []

    async def hear(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(True)
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        lies = {
            "callback_url": f"http://127.0.0.1:{port}/called",
            "push_data": {"tag": "latest", "digest": "sha256:" + "0" * 64},
            "repository": {"repo_name": "shop/checkout", "repo_url": f"http://127.0.0.1:{port}/"},
        }
        before = (await dump.canonical_dump(full.store))["tags"]
        query = "?secret=correct+horse+battery+staple"
        assert 202 == (await send(full, "hub", msgspec.json.encode(lies), query=query)).status
        await asyncio.sleep(0)
    assert [] == called
    assert ["shop/checkout:latest"] == await waiting(full)
    assert before == (await dump.canonical_dump(full.store))["tags"]


async def test_what_came_of_them_is_shown_and_measured(full: House) -> None:
    for name in ("carried", "nobody"):
        await send(full, name)
    await send(full, "carried", headers=GOOD)
    item = await shown(full, "carried")
    assert (1, 1) == (item["accepted"], item["refused"])
    assert item["last_event_at"] is not None
    page = ParsedPage(
        await (await full.ask(None, "GET", "/hooks", headers={"Cookie": ADMIN})).text()
    )
    assert "/hooks/carried" in page.text
    assert SECRET not in page.text
    answer = await full.ask(None, "GET", "/metrics", headers={"Cookie": ADMIN})
    lines = (await answer.text()).splitlines()
    for line in (
        'mfl_lint_hook_requests_total{hook="carried",outcome="accepted"} 1.0',
        'mfl_lint_hook_requests_total{hook="carried",outcome="unauthorized"} 1.0',
        'mfl_lint_hook_requests_total{hook="(unknown)",outcome="unauthorized"} 1.0',
        'mfl_lint_hook_events_total{hook="carried",outcome="queued"} 1.0',
    ):
        assert line in lines


async def test_webhooks_of_a_hidden_registry_are_not_shown(full: House) -> None:
    answer = await full.ask(None, "GET", "/api/v1/hooks")
    assert [] == (await answer.json())["items"]


def test_a_secret_is_read_from_where_it_is_named_and_must_be_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    in_file = HookConfig("x", "generic", "r", secret_file=str(file))
    assert SECRET.encode() == secret_of(in_file)
    file.write_text("short\n")
    with pytest.raises(ConfigInvalid, match=r"hook\.x\.secret_file: .* 16 characters or more"):
        secret_of(in_file)
    file.unlink()
    with pytest.raises(ConfigInvalid, match=r"No such file.*: `openssl rand -hex 32 > .*secret`"):
        secret_of(in_file)
    monkeypatch.setenv(VARIABLE, f" {SECRET}\n")
    assert SECRET.encode() == secret_of(HookConfig("x", "generic", "r", secret_env=VARIABLE))
    monkeypatch.delenv(VARIABLE, raising=False)
    unset = rf"hook\.x\.secret_env: {VARIABLE}: the variable is not set: `export {VARIABLE}="
    with pytest.raises(ConfigInvalid, match=unset):
        secret_of(HookConfig("x", "generic", "r", secret_env=VARIABLE))
