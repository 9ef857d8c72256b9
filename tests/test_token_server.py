from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, encode_basic_auth

from mfl_lint.core.manifest import OCI_MANIFEST
from tests.builders import image, place
from tests.fault_registry import AT_TOKEN, FaultRegistry
from tests.faults import status
from tests.token_server import TokenRequest, TokenServer, basic_guard

PULL = "repository:app:pull"
PATH = "/v2/app/manifests/v1"
LOGIN = {"Authorization": encode_basic_auth("writer", "secret")}


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> TokenServer:
    return TokenServer({"writer": "secret"}, clock=clock)


@pytest.fixture
async def registry(tokens: TokenServer) -> AsyncIterator[FaultRegistry]:
    async with FaultRegistry(tokens=tokens) as registry:
        place(registry.demo, "app", image(), "v1")
        yield registry


@pytest.fixture
async def client(registry: FaultRegistry) -> AsyncIterator[ClientSession]:
    async with ClientSession(registry.url) as session:
        yield session


async def token(client: ClientSession, scope: str = PULL, **headers: str) -> str:
    async with client.get("/token", params={"scope": scope}, headers=headers) as answer:
        return str((await answer.json())["token"])


async def status_with(client: ClientSession, bearer: str, method: str = "GET") -> int:
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": OCI_MANIFEST}
    async with client.request(method, PATH, headers=headers) as answer:
        return answer.status


async def test_without_a_token_the_challenge_names_realm_service_and_scope(
    registry: FaultRegistry, client: ClientSession
) -> None:
    async with client.get(PATH) as answer:
        expected = f'Bearer realm="{registry.url}/token",service="registry.test",scope="{PULL}"'
        assert (401, expected) == (answer.status, answer.headers["WWW-Authenticate"])
    async with client.get("/v2/") as answer:
        assert "scope" not in answer.headers["WWW-Authenticate"]


async def test_a_token_opens_what_it_is_for_and_nothing_else(client: ClientSession) -> None:
    anonymous = await token(client, "repository:app:pull,push")
    writer = await token(client, "repository:app:pull,push", **LOGIN)
    other = await token(client, "repository:other:pull")
    assert 200 == await status_with(client, anonymous)
    assert 401 == await status_with(client, anonymous, "PUT")
    assert 201 == await status_with(client, writer, "PUT")
    assert 401 == await status_with(client, other)
    assert 401 == await status_with(client, "nonsense")


async def test_a_token_ends_with_its_time_or_is_revoked(
    client: ClientSession, clock: Clock, tokens: TokenServer
) -> None:
    first = await token(client)
    clock.now += 299
    assert 200 == await status_with(client, first)
    clock.now += 2
    assert 401 == await status_with(client, first)
    second = await token(client)
    tokens.revoke()
    assert 401 == await status_with(client, second)


async def test_strangers_and_wrong_passwords_are_refused(
    client: ClientSession, tokens: TokenServer
) -> None:
    tokens.anonymous = False
    wrong = {"Authorization": encode_basic_auth("writer", "wrong")}
    for headers in ({}, wrong, {"Authorization": "Basic !"}):
        async with client.get("/token", params={"scope": PULL}, headers=headers) as answer:
            assert 401 == answer.status
    assert await token(client, **LOGIN)


async def test_tokens_can_be_narrower_and_answers_odd(
    client: ClientSession, tokens: TokenServer
) -> None:
    tokens.grants = lambda _, actions: actions - {"pull"}
    tokens.token_field, tokens.extra = "access_token", {"expires_in": None, "issued_at": "2099"}
    async with client.get("/token", params={"scope": PULL}) as answer:
        body = await answer.json()
    assert {"access_token", "issued_at"} == set(body)
    assert "2099" == body["issued_at"]
    assert 401 == await status_with(client, body["access_token"])


async def test_refresh_tokens_and_passwords_are_taken_by_post(
    client: ClientSession, tokens: TokenServer
) -> None:
    tokens.identity_tokens["identity"] = "writer"
    refresh = {"grant_type": "refresh_token", "refresh_token": "identity"}
    password = {"grant_type": "password", "username": "writer", "password": "secret"}
    for form in (refresh, password):
        data = form | {"scope": "repository:app:pull,push", "service": "s"}
        async with client.post("/token", data=data) as answer:
            bearer = (await answer.json())["access_token"]
        assert 201 == await status_with(client, bearer, "PUT")
    async with client.post("/token", data=refresh | {"refresh_token": "no"}) as answer:
        assert 401 == answer.status


async def test_requests_are_recorded_and_may_meet_faults(
    registry: FaultRegistry, client: ClientSession, tokens: TokenServer
) -> None:
    registry.fault(AT_TOKEN, status(500), times=1)
    async with client.get("/token") as answer:
        assert 500 == answer.status
    params = {"scope": PULL, "service": "registry.test"}
    async with client.get("/token", params=params, headers=LOGIN):
        expected = [TokenRequest("writer", "registry.test", (PULL,), "GET", 200)]
        assert expected == tokens.requests


async def test_a_registry_can_demand_basic_instead() -> None:
    guard = basic_guard({"reader": "open sesame"})
    async with FaultRegistry(guard=guard) as registry, ClientSession(registry.url) as client:
        async with client.get("/v2/") as answer:
            assert 'Basic realm="registry"' == answer.headers["WWW-Authenticate"]
        async with client.get(
            "/v2/", headers={"Authorization": encode_basic_auth("reader", "open sesame")}
        ) as answer:
            assert 200 == answer.status
