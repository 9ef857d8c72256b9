"""Signing in at an issuer: with a real one, and with ones that lie."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from aiohttp import ClientResponse

from mfl_lint import USER_AGENT
from mfl_lint.config_serve import OidcConfig
from mfl_lint.core.access import Role
from mfl_lint.store import users
from tests.oidc_issuer import CLIENT, SECRET, OidcIssuer, issuing
from tests.web.people import House, config_with, house

VARIABLE = "MFL_LINT_TEST_SECRET"


@pytest.fixture
async def issuer(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OidcIssuer]:
    """Return an issuer that lets everybody in as Bob."""
    monkeypatch.setenv(VARIABLE, SECRET)
    async with issuing() as issuer:
        yield issuer


@asynccontextmanager
async def trusting(
    issuer: OidcIssuer, filled_url: str, folder: Path, **settings: Any
) -> AsyncIterator[House]:
    """Yield an application that trusts the issuer."""
    given = {"client_secret_env": VARIABLE, "url": "http://localhost", **settings}
    oidc = OidcConfig(issuer=issuer.url, client_id=CLIENT, **given)
    now = datetime.now(UTC)
    async with house(filled_url, folder, config_with(oidc=oidc), now=lambda: now) as full:
        yield full


def cookies_of(answer: ClientResponse) -> str:
    return "; ".join(one.partition(";")[0] for one in answer.headers.getall("Set-Cookie", []))


async def there(full: House, wanted: str = "/findings") -> tuple[str, str]:
    """Return the path that the issuer leads back to, and the browser's cookies."""
    left = await full.ask(None, "GET", f"/login/oidc?next={wanted}")
    assert 303 == left.status, await left.text()
    async with (
        aiohttp.ClientSession() as session,
        session.get(left.headers["Location"], allow_redirects=False) as answer,
    ):
        assert 302 == answer.status
        back = urlsplit(answer.headers["Location"])
    assert "http://localhost/login/oidc/back" == f"{back.scheme}://{back.netloc}{back.path}"
    return f"{back.path}?{back.query}", cookies_of(left)


async def sign_in(full: House) -> ClientResponse:
    path, cookies = await there(full)
    return await full.ask(None, "GET", path, headers={"Cookie": cookies})


async def test_whom_the_issuer_vouches_for_is_signed_in(
    issuer: OidcIssuer, filled_url: str, tmp_path: Path
) -> None:
    async with trusting(issuer, filled_url, tmp_path) as full:
        page = await (await full.ask(None, "GET", "/login?next=/findings")).text()
        assert "/login/oidc?next=%2Ffindings" in page
        answer = await sign_in(full)
        assert (303, "/findings") == (answer.status, answer.headers["Location"])
        user = await users.user(full.store, "bob@example.com")
        assert user is not None
        assert (Role.VIEWER, False) == (user.role, user.has_password)
        seen = await full.ask(
            None, "GET", "/r/internal/shop/checkout", headers={"Cookie": cookies_of(answer)}
        )
        assert 200 == seen.status
        assert [SECRET] == [form["client_secret"] for form in issuer.forms]
        assert {USER_AGENT} == issuer.agents


async def test_somebody_who_is_known_keeps_their_role_and_one_who_is_shut_out_stays_out(
    issuer: OidcIssuer, filled_url: str, tmp_path: Path
) -> None:
    async with trusting(issuer, filled_url, tmp_path) as full:
        now = datetime.now(UTC)
        await users.add_user(full.store, "bob@example.com", Role.EDITOR, "", who="x", now=now)
        answer = await sign_in(full)
        headers = {"Cookie": cookies_of(answer)}
        assert 200 == (await full.ask(None, "GET", "/scans/new", headers=headers)).status
        await users.set_disabled(full.store, "bob@example.com", True, who="x", now=now)
        assert 403 == (await sign_in(full)).status


async def test_keys_that_the_issuer_changed_are_known_at_once(
    issuer: OidcIssuer, filled_url: str, tmp_path: Path
) -> None:
    async with trusting(issuer, filled_url, tmp_path) as full:
        assert 303 == (await sign_in(full)).status
        issuer.rotate()
        assert 303 == (await sign_in(full)).status


def claimed(**claims: Any) -> Callable[[OidcIssuer], None]:
    return lambda issuer: issuer.claims.update(claims)


def _other_key(issuer: OidcIssuer) -> None:
    issuer.key = type(issuer.key).generate_key(2048, {"kid": "one"}, auto_kid=False)


def _confused(issuer: OidcIssuer) -> None:
    issuer.confused = True


def _unsigned(issuer: OidcIssuer) -> None:
    issuer.token = "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFkbWluIn0."


def _nonsense(issuer: OidcIssuer) -> None:
    issuer.token = "nonsense"


LIES: dict[str, Callable[[OidcIssuer], None]] = {
    "another issuer": claimed(iss="https://evil.example"),
    "for somebody else": claimed(aud="other"),
    "for several, ours among them, by another": claimed(aud=[CLIENT, "other"], azp="other"),
    "no audience": claimed(aud=None),
    "over": claimed(exp=int(time.time()) - 120),
    "without an end": claimed(exp=None),
    "an end that is no number": claimed(exp=True),
    "of another sign-in": claimed(nonce="other"),
    "of no sign-in": claimed(nonce=None),
    "no name": claimed(email=None),
    "a name that is no text": claimed(email=["bob"]),
    "an address that nobody verified": claimed(email_verified=False),
    "an address of which nobody says": claimed(email_verified=None),
    "a name that nobody can have": claimed(email="everyone"),
    "a key that is not the issuer's": _other_key,
    "the public key as a secret": _confused,
    "no signature": _unsigned,
    "no token at all": _nonsense,
}


@pytest.mark.parametrize("lie", LIES)
async def test_a_token_that_lies_lets_nobody_in(
    lie: str, issuer: OidcIssuer, filled_url: str, tmp_path: Path
) -> None:
    LIES[lie](issuer)
    async with trusting(issuer, filled_url, tmp_path) as full:
        answer = await sign_in(full)
        assert 403 == answer.status
        assert "mfl_lint=" not in cookies_of(answer)
        assert None is await users.user(full.store, "bob@example.com")


async def test_a_code_is_worth_something_to_the_browser_that_asked_only(
    issuer: OidcIssuer, filled_url: str, tmp_path: Path
) -> None:
    async with trusting(issuer, filled_url, tmp_path) as full:
        path, cookies = await there(full)
        _, others = await there(full)
        state = parse_qs(urlsplit(path).query)["state"][0]
        attempts = [
            (path, ""),
            (path, others),
            (path, "mfl_lint_oidc=nonsense"),
            (path.replace(state, "other"), cookies),
            (f"/login/oidc/back?state={state}&error=access_denied", cookies),
            (f"/login/oidc/back?state={state}&code=guessed", cookies),
            (f"{path}&iss=https://evil.example", cookies),
        ]
        for asked, sent in attempts:
            answer = await full.ask(None, "GET", asked, headers={"Cookie": sent})
            assert 403 == answer.status, asked
        good = await full.ask(None, "GET", path, headers={"Cookie": cookies})
        assert 303 == good.status
        again = await full.ask(None, "GET", path, headers={"Cookie": cookies})
        assert 403 == again.status


async def test_nobody_is_led_to_another_site_afterwards(
    issuer: OidcIssuer, filled_url: str, tmp_path: Path
) -> None:
    async with trusting(issuer, filled_url, tmp_path) as full:
        path, cookies = await there(full, "//evil.example/")
        answer = await full.ask(None, "GET", path, headers={"Cookie": cookies})
        assert "/" == answer.headers["Location"]


async def test_an_issuer_that_is_not_what_it_is_taken_for_is_not_asked(
    issuer: OidcIssuer, filled_url: str, tmp_path: Path
) -> None:
    async with trusting(issuer, filled_url, tmp_path) as full:
        for metadata in (
            {"issuer": "https://evil.example"},
            {"token_endpoint": 1},
            {"keys": "x" * 300_000},
        ):
            issuer.metadata = metadata
            answer = await full.ask(None, "GET", "/login/oidc")
            assert 403 == answer.status


async def test_an_issuer_that_is_gone_is_a_page(
    issuer: OidcIssuer, filled_url: str, tmp_path: Path
) -> None:
    async with trusting(issuer, filled_url, tmp_path, client_secret_env="") as full:
        # Without the client's secret the issuer gives no token.
        assert 403 == (await sign_in(full)).status
    issuer.url = "http://127.0.0.1:9"
    async with trusting(issuer, filled_url, tmp_path) as full:
        answer = await full.ask(None, "GET", "/login/oidc")
        assert (403, "text/html") == (answer.status, answer.content_type)


async def test_what_stands_around_the_clients_secret_is_none_of_it(
    issuer: OidcIssuer, filled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"{SECRET}\n")
    async with trusting(issuer, filled_url, tmp_path) as full:
        assert 303 == (await sign_in(full)).status
        monkeypatch.delenv(VARIABLE)
        answer = await sign_in(full)
        assert (403, True) == (answer.status, "secret cannot be read" in await answer.text())


async def test_without_an_issuer_there_is_no_way_to_one(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        assert 404 == (await full.ask(None, "GET", "/login/oidc")).status
        assert "/login/oidc" not in await (await full.ask(None, "GET", "/login")).text()
