"""Signing in and out, without JavaScript, and what the cookies are like."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import ClientResponse
from sqlalchemy import text

from mfl_lint.config_serve import ProxyConfig
from mfl_lint.core.secret import form_token
from mfl_lint.store import audit, users
from mfl_lint.store.statements import all_rows
from mfl_lint.web.forms import local_path
from mfl_lint.web.links import EVENTS
from mfl_lint.web.login import network_of
from tests.web import filled_store
from tests.web.parsed import ParsedPage
from tests.web.people import EDITOR, PASSWORD, WHO, House, config_with, house

TOKEN = next(who for who in WHO if who.name == "read token")

FORM = {"Cookie": "mfl_lint_form=form"}


async def sign_in(
    full: House, name: str = "alice", password: str = PASSWORD, **more: Any
) -> ClientResponse:
    data = {"token": form_token("form"), "name": name, "password": password}
    headers = FORM | more.pop("headers", {})
    return await full.ask(None, "POST", "/login", data=data | more, headers=headers)


def cookie_of(answer: ClientResponse, name: str) -> str:
    (line,) = (one for one in answer.headers.getall("Set-Cookie") if one.startswith(f"{name}="))
    return line


async def test_a_person_signs_in_with_what_the_page_gives(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        led = await full.ask(None, "GET", "/r/internal/shop/checkout?tag=v1.*")
        assert 404 == led.status
        page = await full.ask(None, "GET", "/login?next=/r/internal/shop/checkout%3Ftag=v1.*")
        source = await page.text()
        parsed = ParsedPage(source)
        assert [] == parsed.unbalanced
        fields = {
            one["name"]: one.get("value") or "" for one in parsed.all_of("input") if one.get("name")
        }
        jar = SimpleCookie(cookie_of(page, "mfl_lint_form"))
        sent = {"Cookie": f"mfl_lint_form={jar['mfl_lint_form'].value}"}
        filled = fields | {"name": "Alice", "password": PASSWORD}
        answer = await full.ask(None, "POST", "/login", data=filled, headers=sent)
        assert (303, "/r/internal/shop/checkout?tag=v1.*") == (
            answer.status,
            answer.headers["Location"],
        )
        line = cookie_of(answer, "mfl_lint")
        assert all(part in line for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"))
        assert "Secure" not in line
        held = {"Cookie": line.partition(";")[0]}
        assert 200 == (await full.ask(None, "GET", "/r/edge/fleet/probe", headers=held)).status


async def test_who_may_read_nothing_is_led_to_the_form_and_back(
    filled_url: str, tmp_path: Path
) -> None:
    shut = config_with()
    registries = tuple(one for one in shut.registries if one.name != "hub")
    async with house(
        filled_url, tmp_path, msgspec.structs.replace(shut, registries=registries)
    ) as full:
        answer = await full.ask(None, "GET", "/findings?rule=MFL101&state=open")
        wanted = "/login?next=/findings?rule%3DMFL101%26state%3Dopen"
        assert (303, wanted) == (answer.status, answer.headers["Location"])
        assert "Content-Security-Policy" in answer.headers
        assert 401 == (await full.ask(None, "GET", "/api/v1/findings")).status


async def test_behind_https_cookies_are_sent_that_way_only(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path, config_with(https=True, hsts_s=86400.0)) as full:
        page = await full.ask(None, "GET", "/login")
        line = cookie_of(page, "__Host-mfl_lint_form")
        assert "Secure" in line
        assert "max-age=86400" == page.headers["Strict-Transport-Security"]
        assert "no-store" == page.headers["Cache-Control"]
        for path in ("/api/v1/findings.csv", EVENTS):
            stream = await full.ask(TOKEN, "GET", path)
            assert (200, "max-age=86400") == (
                stream.status,
                stream.headers["Strict-Transport-Security"],
            )
            stream.close()
        data = {"name": "alice", "password": PASSWORD, "token": form_token("form")}
        headers = {"Cookie": "__Host-mfl_lint_form=form"}
        answer = await full.ask(None, "POST", "/login", data=data, headers=headers)
        assert "Secure" in cookie_of(answer, "__Host-mfl_lint")
    async with house(filled_url, tmp_path, config_with(https=True)) as full:
        assert "Strict-Transport-Security" not in (await full.ask(None, "GET", "/login")).headers


async def test_wrong_names_passwords_and_people_look_alike(
    filled_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(filled_url, tmp_path) as full:
        await users.set_disabled(full.store, "viewer", True, who="x", now=filled_store.NOW)
        texts = set()
        for name, password in (
            ("alice", "hunter2-hunter2"),
            ("nobody-at-all", PASSWORD),
            ("viewer", PASSWORD),
            ("alice", ""),
            ("alice", "x" * 1001),
        ):
            answer = await sign_in(full, name, password)
            assert 403 == answer.status
            assert not [
                one for one in answer.headers.getall("Set-Cookie", []) if "mfl_lint=" in one
            ]
            texts.add(re.sub(r'value="[^"]*"', "", await answer.text()))
        assert 1 == len(texts)
        rows = await full.store.read(all_rows, text("SELECT * FROM audit"))
    for secret in (PASSWORD, "hunter2-hunter2", "nobody-at-all"):
        assert secret not in caplog.text + str(rows)


async def test_too_many_tries_of_a_name_wait_whatever_the_password(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        statuses = [(await sign_in(full, "alice", "wrong")).status for _ in range(11)]
        assert [403] * 10 + [429] == statuses
        answer = await sign_in(full)
        assert 429 == answer.status
        assert 0 < int(answer.headers["Retry-After"]) <= 901


async def test_too_many_tries_from_an_address_wait_whatever_the_name(
    filled_url: str, tmp_path: Path
) -> None:
    proxy = ProxyConfig("X-User", ("127.0.0.1",))
    async with house(filled_url, tmp_path, config_with(proxy=proxy)) as full:
        last = {"X-Forwarded-For": "198.51.100.9, 192.0.2.7"}
        # Of names that are known: those that nobody has cost as much as a real password.
        names = [one for one in ("alice", "viewer", "editor") for _ in range(7)]
        statuses = [(await sign_in(full, name, "", headers=last)).status for name in names]
        assert [403] * 20 + [429] == statuses
        # Whoever makes an address up before the proxy's is known by the proxy's all the same.
        made_up = {"X-Forwarded-For": "203.0.113.5, 192.0.2.7"}
        assert 429 == (await sign_in(full, headers=made_up)).status
        assert 303 == (await sign_in(full, headers={"X-Forwarded-For": "192.0.2.8"})).status


async def test_signing_out_ends_the_session(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        page = ParsedPage(await (await full.ask(EDITOR, "GET", "/account")).text())
        (token,) = (one["value"] for one in page.all_of("input") if one["name"] == "token")
        assert EDITOR.token == token
        out = await full.ask(EDITOR, "POST", "/logout", data={"token": token})
        assert (303, "/login") == (out.status, out.headers["Location"])
        assert 303 == (await full.ask(EDITOR, "GET", "/account")).status
        assert "session.end" == (await audit.deeds(full.store)).items[0].action


async def test_a_page_without_a_form_sets_no_cookie(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        for path in ("/", "/findings", "/api/v1/overview", "/healthz"):
            assert "Set-Cookie" not in (await full.ask(None, "GET", path)).headers


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/findings?rule=MFL101", "/findings?rule=MFL101"),
        ("", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("javascript:alert(1)", "/"),
        ("/é", "/"),
    ],
)
def test_who_signs_in_is_led_to_a_page_of_ours_only(text: str, path: str) -> None:
    assert path == local_path(text)


def test_a_household_has_one_network() -> None:
    assert "192.0.2.1" == network_of("192.0.2.1")
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:1") != network_of("2001:db9::1")
    assert "made up" == network_of("made up")


async def test_a_form_of_a_megabyte_and_a_file_are_refused(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        large = await full.ask(None, "POST", "/login", data={"name": "a" * 1_000_000}, headers=FORM)
        assert 413 == large.status
        form = aiohttp.FormData()
        form.add_field("token", form_token("form"))
        form.add_field("name", b"alice", filename="name.txt")
        assert 415 == (await full.ask(None, "POST", "/login", data=form, headers=FORM)).status


async def test_who_may_read_nothing_yet_is_shown_no_way_but_to_sign_in(
    filled_url: str, tmp_path: Path
) -> None:
    closed = msgspec.structs.replace(config_with(), registries=filled_store.CONFIG.registries)
    async with house(filled_url, tmp_path, closed) as full:
        page = await (await full.ask(None, "GET", "/login")).text()
        assert [] == ParsedPage(page).all_of("nav")
        assert 'action="/search"' not in page
        page = await (await full.ask(EDITOR, "GET", "/account")).text()
        assert 1 == len(ParsedPage(page).all_of("nav"))
    async with house(filled_url, tmp_path) as full:
        # What is for everyone can be read, and so can be gone to.
        page = await (await full.ask(None, "GET", "/login")).text()
        assert 1 == len(ParsedPage(page).all_of("nav"))
