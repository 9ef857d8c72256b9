"""Who asks: by token, by a proxy that is trusted, by session, or nobody at all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mfl_lint.config_serve import ProxyConfig
from mfl_lint.core.access import Right
from mfl_lint.core.secret import secret_digest
from mfl_lint.store import api_tokens, users
from mfl_lint.web.gate import is_among
from tests.web import filled_store
from tests.web.conftest import served
from tests.web.people import EDITOR, WHO, House, config_with, house

NOW = filled_store.NOW
OPEN = filled_store.CONFIG
LOCAL = ("127.0.0.0/8",)


def elsewhere() -> Any:
    """Return a configuration that serves on no loopback address."""
    return config_with(host="192.0.2.1")


async def seen(full: House, **headers: str) -> set[str] | int:
    """Return the registries that somebody sees, or the status where it is none."""
    answer = await full.ask(None, "GET", "/api/v1/registries", headers=headers)
    if answer.status != 200:
        return answer.status
    return {item["name"] for item in (await answer.json())["items"]}


async def test_without_users_all_is_open_on_loopback_only(filled_url: str, tmp_path: Path) -> None:
    everything = {"internal", "hub", "edge", "archive"}
    async with house(filled_url, tmp_path, people=False) as full:
        assert everything == await seen(full)
        body = {"registry": "edge", "repository": "fleet/probe"}
        asked = await full.ask(None, "POST", "/api/v1/scans", json=body)
        assert 202 == asked.status
    async with house(filled_url, tmp_path, elsewhere(), people=False) as full:
        assert 401 == await seen(full)
    async with house(filled_url, tmp_path, elsewhere(), people=False, insecure=True) as full:
        assert everything == await seen(full)
        asked = await full.ask(None, "POST", "/api/v1/scans", json=body)
        assert 403 == asked.status


PASSED_ON = (
    {"X-Forwarded-For": "203.0.113.5"},
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": ""},
    {"x-real-ip": "203.0.113.5"},
    {"Forwarded": "for=203.0.113.5;proto=https"},
    {"Via": "1.1 proxy.example"},
    {"X-Forwarded-Proto": "https"},
    {"Host": "lint.example"},
)


@pytest.mark.parametrize("trusted", [(), ("127.0.0.1",)])
async def test_who_comes_through_a_proxy_is_no_owner_of_this_machine(
    filled_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, trusted: tuple[str, ...]
) -> None:
    config = config_with(hosts=("lint.example",), proxy=ProxyConfig(addresses=trusted))
    body = {"registry": "hub", "repository": "acme/agent"}
    async with house(filled_url, tmp_path, config, people=False) as full:
        for headers in PASSED_ON:
            assert {"hub"} == await seen(full, **headers)
            asked = await full.ask(None, "POST", "/api/v1/scans", json=body, headers=headers)
            assert (401, headers) == (asked.status, headers)
            assert 401 == (await full.ask(None, "GET", "/api/v1/audit", headers=headers)).status
            assert 200 == (await full.ask(None, "GET", "/healthz", headers=headers)).status
        assert {"hub", "internal", "edge", "archive"} == await seen(full)
    (line,) = (one.getMessage() for one in caplog.records if "proxy" in one.getMessage())
    assert "(X-Forwarded-For)" in line
    assert "mfl-lint users add" in line


async def test_who_comes_through_a_proxy_reads_everything_only_where_that_is_insisted_on(
    filled_url: str, tmp_path: Path
) -> None:
    for insecure, status in ((True, 4), (False, 401)):
        config = elsewhere()
        async with house(filled_url, tmp_path, config, people=False, insecure=insecure) as full:
            found = await seen(full, Via="1.1 proxy.example")
            assert status == (found if isinstance(found, int) else len(found))


async def test_whoever_insists_on_openness_is_still_asked_once_somebody_is_known(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path, elsewhere(), insecure=True) as full:
        assert {"hub"} == await seen(full)


async def test_the_last_user_who_goes_leaves_no_door_open(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path, elsewhere()) as full:
        for one in await users.all_users(full.store):
            await users.remove_user(full.store, one.name, who="x", now=NOW)
        assert 401 == await seen(full)


async def test_a_token_that_is_unknown_over_or_revoked_is_worth_nothing(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        for number, expires in enumerate((NOW + timedelta(seconds=10), NOW + timedelta(days=1))):
            await api_tokens.add_token(
                full.store,
                "alice",
                str(number),
                secret_digest(str(number)),
                {Right.READ},
                expires=expires,
                who="x",
                now=NOW,
            )
        assert 401 == await seen(full, Authorization="Bearer 0")
        assert 401 == await seen(full, Authorization="Bearer nobody's")
        assert 401 == await seen(full, Authorization="Bearer ")
        assert {"hub", "internal", "edge"} == await seen(full, Authorization="bearer 1")
        await api_tokens.revoke_token(full.store, "1", who="x", now=NOW)
        assert 401 == await seen(full, Authorization="Bearer 1")
        # A proxy's own password is not ours.
        assert {"hub"} == await seen(full, Authorization="Basic YTpi")


async def test_what_is_remembered_is_forgotten_when_somebody_signs_out(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path, remember_s=1000.0) as full:
        cookie = EDITOR.headers["Cookie"]
        assert {"hub", "internal"} == await seen(full, Cookie=cookie)
        await users.set_disabled(full.store, "editor", True, who="x", now=NOW)
        assert {"hub", "internal"} == await seen(full, Cookie=cookie)
        viewer = WHO[1]
        await full.ask(viewer, "POST", "/logout", data={"token": viewer.token})
        assert {"hub"} == await seen(full, Cookie=cookie)
        assert {"hub"} == await seen(full, Cookie=viewer.headers["Cookie"])


async def test_a_proxy_is_believed_from_its_own_address_only(
    filled_url: str, tmp_path: Path
) -> None:
    trusted = config_with(proxy=ProxyConfig("X-User", LOCAL))
    async with house(filled_url, tmp_path, trusted) as full:
        assert {"hub", "internal", "edge"} == await seen(full, **{"X-User": "Alice"})
        assert {"hub", "internal"} == await seen(full, **{"X-User": "stranger@example.com"})
        assert 4 == len(await seen(full, **{"X-User": "admin"}) or ())  # type: ignore[arg-type]
        assert {"hub"} == await seen(full)
        for name in ("", "a b", "everyone", "alice, admin"):
            assert 403 == await seen(full, **{"X-User": name})
        await users.set_disabled(full.store, "alice", True, who="x", now=NOW)
        assert 403 == await seen(full, **{"X-User": "alice"})
    far = config_with(proxy=ProxyConfig("X-User", ("192.0.2.0/24", "::1")))
    async with house(filled_url, tmp_path, far) as full:
        assert {"hub"} == await seen(full, **{"X-User": "admin"})


async def test_a_proxy_that_names_two_names_nobody(filled_url: str, tmp_path: Path) -> None:
    trusted = config_with(proxy=ProxyConfig("X-User", LOCAL))
    async with house(filled_url, tmp_path, trusted) as full:
        two = [("X-User", "viewer"), ("X-User", "admin")]
        answer = await full.client.get("/api/v1/registries", headers=two)
        assert 403 == answer.status


async def test_who_is_vouched_for_and_unknown_has_the_configured_role(
    filled_url: str, tmp_path: Path
) -> None:
    proxy = ProxyConfig("X-User", LOCAL, "editor")
    async with house(filled_url, tmp_path, config_with(proxy=proxy), people=False) as full:
        answer = await full.ask(None, "GET", "/scans/new", headers={"X-User": "stranger"})
        assert 200 == answer.status
        assert 401 == (await full.ask(None, "POST", "/scans", data={})).status


async def test_a_name_that_is_not_among_users_is_no_way_around_a_role(
    filled_url: str, tmp_path: Path
) -> None:
    trusted = config_with(proxy=ProxyConfig("X-User", LOCAL, "admin"))
    async with house(filled_url, tmp_path, trusted) as full:
        answer = await full.ask(None, "GET", "/audit", headers={"X-User": "viewer"})
        assert 403 == answer.status


@pytest.mark.parametrize(
    ("address", "among"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("11.1.2.3", False),
        ("fe80::1", False),
        ("", False),
        (None, False),
        ("unix", False),
    ],
)
def test_networks_hold_their_addresses(address: str | None, among: bool) -> None:
    assert among is is_among(address, ("10.0.0.0/8", "fd00::/8"))


async def test_nothing_is_asked_of_who_fetches_a_style_or_a_probe(filled_url: str) -> None:
    async with served(filled_url) as client:
        for path in ("/static/app.css", "/healthz", "/readyz"):
            answer = await client.get(path, headers={"Authorization": "Bearer nobody's"})
            assert 200 == answer.status
