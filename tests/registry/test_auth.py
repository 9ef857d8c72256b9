import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from mfl_lint.config import CredentialsConfig, RegistryConfig, Scheme
from mfl_lint.core.errors import BodyInvalid, Denied, RateLimited, RegistryError, Unreachable
from mfl_lint.registry.auth import check_realm, parse_token
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.dockerconfig import DockerConfig
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.route import Route
from tests.builders import image, place
from tests.fault_registry import AT_TOKEN, Exchange, FaultRegistry
from tests.faults import html, redirected, status, throttled
from tests.stub_server import FakeTime, serving, transport
from tests.token_server import TokenServer, basic_guard, bearer_guard

USER = CredentialsConfig(username="reader", password_env="PASSWORD")
ANONYMOUS = CredentialsConfig()
KEYCHAIN = Keychain({"PASSWORD": "hunter2", "READY": "ready-made"})
BASIC = "Basic " + base64.b64encode(b"reader:hunter2").decode()


def config(host: str, credentials: CredentialsConfig = ANONYMOUS, **more: Any) -> RegistryConfig:
    return RegistryConfig("test", host, scheme=Scheme.HTTP, credentials=credentials, **more)


def fill(registry: FaultRegistry, *repositories: str) -> None:
    for repository in repositories or ("team/app",):
        place(registry.demo, repository, image(), "v1")


async def test_an_anonymous_token_is_fetched_once_for_a_repository() -> None:
    server = TokenServer()
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        client = RegistryClient(config(registry.host), http)
        for _ in range(5):
            await client.head("team/app", "v1")
        assert 5 + 1 == registry.count("HEAD")
        assert ["repository:team/app:pull"] == [
            scope for asked in server.requests for scope in asked.scopes
        ]
        assert "Authorization" not in registry.requests[1].headers


async def test_after_the_first_challenge_no_request_is_refused() -> None:
    server = TokenServer()
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry, "a", "b", "c")
        client = RegistryClient(config(registry.host), http)
        for repository in ("a", "b", "c"):
            await client.head(repository, "v1")
        assert 1 == http.stats.of(registry.host).requests["HEAD", "denied"]
        assert 3 == len(server.requests)


async def test_credentials_go_to_the_token_server_and_only_the_token_to_the_registry() -> None:
    server = TokenServer({"reader": "hunter2"}, anonymous=False)
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        await RegistryClient(config(registry.host, USER), http, keychain=KEYCHAIN).head(
            "team/app", "v1"
        )
        sent = {one.path.partition("?")[0]: one.headers for one in registry.requests}
        assert BASIC == sent["/token"]["authorization"]
        assert all(BASIC != one.headers.get("authorization") for one in registry.matching("HEAD"))
        assert [("reader", "registry.test")] == [(r.user, r.service) for r in server.requests]


async def test_many_at_once_wait_for_one_token() -> None:
    server = TokenServer()
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        client = RegistryClient(config(registry.host), http)
        await client.head("team/app", "v1")
        server.revoke()
        await asyncio.gather(*(client.document("team/app", "v1") for _ in range(16)))
        await asyncio.gather(*(client.head("team/app", "v1") for _ in range(16)))
        assert 2 == len(server.requests)


async def test_a_revoked_token_is_fetched_anew_once_and_then_it_is_denied() -> None:
    server = TokenServer()
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        client = RegistryClient(config(registry.host), http)
        await client.head("team/app", "v1")
        server.grants = lambda _, __: frozenset()
        server.revoke()
        with pytest.raises(Denied):
            await client.head("team/app", "v1")
        assert 2 == len(server.requests)


@pytest.mark.parametrize(
    ("expires_in_s", "fresh_s", "stale_s"), [(None, 50, 61), (5, 50, 61), (300, 260, 301)]
)
@pytest.mark.parametrize("issued_at", ["2015-01-01T00:00:00Z", "2099-01-01T00:00:00Z", 7, None])
async def test_a_tokens_life_is_counted_on_our_own_clock(
    expires_in_s: int | None, fresh_s: float, stale_s: float, issued_at: object
) -> None:
    time = FakeTime()
    server = TokenServer(expires_in_s=expires_in_s, clock=lambda: 0.0)
    server.extra = {"issued_at": issued_at}
    async with FaultRegistry(tokens=server) as registry, transport(time) as http:
        fill(registry)
        client = RegistryClient(config(registry.host), http)
        began = time.now
        for later, expected in ((0.0, 1), (fresh_s, 1), (stale_s, 2)):
            time.now = began + later
            await client.head("team/app", "v1")
            assert expected == len(server.requests)
        assert 1 == http.stats.of(registry.host).requests["HEAD", "denied"]


async def test_access_token_is_a_token_and_a_narrower_grant_is_no_error() -> None:
    server = TokenServer()
    server.token_field = "access_token"
    server.extra = {"scope": "nothing at all"}
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        head = await RegistryClient(config(registry.host), http).head("team/app", "v1")
        assert head.digest is not None
        assert 1 == http.stats.of(registry.host).requests["HEAD", "denied"]


async def test_an_identity_token_is_exchanged_by_post() -> None:
    server = TokenServer(anonymous=False)
    server.identity_tokens = {"identity": "reader"}
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        docker = DockerConfig({"auths": {registry.host: {"identitytoken": "identity"}}})
        registered = config(registry.host)
        client = RegistryClient(registered, http, keychain=Keychain({}, docker))
        await client.head("team/app", "v1")
        assert [("POST", 200)] == [(one.method, one.status) for one in server.requests]


async def test_basic_is_sent_only_after_a_challenge_and_then_always() -> None:
    async with FaultRegistry(guard=basic_guard({"reader": "hunter2"})) as registry:
        fill(registry)
        async with transport() as http:
            client = RegistryClient(config(registry.host, USER), http, keychain=KEYCHAIN)
            await client.head("team/app", "v1")
            await client.head("team/app", "v1")
        sent = [one.headers.get("authorization", "") for one in registry.requests]
        assert ["", BASIC, BASIC] == sent


@pytest.mark.parametrize("credentials", [USER, CredentialsConfig(anonymous=True)])
async def test_wrong_or_no_credentials_are_denied(credentials: CredentialsConfig) -> None:
    async with FaultRegistry(guard=basic_guard({"reader": "other"})) as registry:
        async with transport() as http:
            client = RegistryClient(config(registry.host, credentials), http, keychain=KEYCHAIN)
            with pytest.raises(Denied) as denied:
                await client.head("team/app", "v1")
        assert "hunter2" not in str(denied.value)
        assert registry.count() <= 2


async def test_a_password_that_changed_is_looked_up_again() -> None:
    environment = {"PASSWORD": "old"}
    users = {"reader": "old"}
    async with FaultRegistry(guard=basic_guard(users)) as registry, transport() as http:
        fill(registry)
        client = RegistryClient(config(registry.host, USER), http, keychain=Keychain(environment))
        before = await client.head("team/app", "v1")
        environment["PASSWORD"] = users["reader"] = "new"
        assert before == await client.head("team/app", "v1")


async def test_a_missing_secret_is_denied_by_the_name_of_its_setting() -> None:
    async with FaultRegistry(guard=basic_guard({})) as registry, transport() as http:
        client = RegistryClient(config(registry.host, USER), http, keychain=Keychain({}))
        with pytest.raises(Denied, match="the variable PASSWORD is not set"):
            await client.head("team/app", "v1")


async def test_a_ready_made_token_is_sent_from_the_first_request() -> None:
    server = TokenServer()
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        ready = server.issue("reader", ["repository:team/app:pull"])
        keychain = Keychain({"READY": ready})
        credentials = CredentialsConfig(token_env="READY")
        client = RegistryClient(config(registry.host, credentials), http, keychain=keychain)
        await client.head("team/app", "v1")
        assert [f"Bearer {ready}"] == [one.headers["authorization"] for one in registry.requests]


def challenging(realm: str, service: str = "s") -> Any:
    async def answer(_: web.Request) -> web.StreamResponse:
        challenge = f'Bearer realm="{realm}",service="{service}",scope="repository:a:pull"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    return answer


@pytest.mark.parametrize(
    "realm",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/token",
        "http://10.0.0.1/token",
        "http://[::ffff:127.0.0.1]/token",
        "http://localhost/token",
        "http://2130706433/token",
        "http://user:pass@auth.example/token",
        "ftp://auth.example/token",
        "/token",
        "https://",
        "https://[::",
    ],
)
async def test_a_realm_that_leads_astray_gets_no_request_and_no_credentials(realm: str) -> None:
    async with serving(challenging(realm)) as stub, transport() as http:
        client = RegistryClient(config(stub.host, USER), http, keychain=KEYCHAIN)
        with pytest.raises(Denied, match="token server"):
            await client.head("a", "v1")
        assert ["HEAD /v2/a/manifests/v1"] == stub.paths
        assert 1 == http.stats.requests


async def test_another_port_of_this_machine_is_asked_only_if_configured() -> None:
    server = TokenServer()

    async def tokens(request: web.Request) -> web.StreamResponse:
        return web.json_response({"token": server.issue("", request.query.getall("scope"))})

    async with serving(tokens) as stub:
        guard = bearer_guard(server, f"http://{stub.host}/token?keep=this")
        async with FaultRegistry(guard=guard) as registry, transport() as http:
            fill(registry)
            with pytest.raises(Denied, match="realm_hosts"):
                await RegistryClient(config(registry.host), http).head("team/app", "v1")
            assert [] == stub.requests
            friendly = config(registry.host, realm_hosts=(stub.host,))
            await RegistryClient(friendly, http).head("team/app", "v1")
            (asked,) = stub.requests
            assert "this" == asked.query["keep"]
            assert "repository:team/app:pull" == asked.query["scope"]


def test_a_registry_spoken_to_by_https_has_no_http_realm() -> None:
    route = Route(Origin.parse("https", "registry.example"))
    with pytest.raises(Denied, match="not https"):
        check_realm("http://auth.example/token", route)
    assert "auth.example" == check_realm("https://auth.example/token#x", route).host


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (redirected("http://127.0.0.1:1/elsewhere"), Unreachable),
        (status(401), Denied),
        (status(403), Denied),
        (status(404), Unreachable),
        (html(404), Unreachable),
        (status(500), Unreachable),
        (throttled("120"), RateLimited),
        (status(200, b"<html>"), BodyInvalid),
        (status(200, b'{"token": ""}'), BodyInvalid),
        (status(200, b'{"token": "a\\r\\nX-Evil: 1"}'), BodyInvalid),
        (status(200, b'{"token": "' + b"x" * 300_000 + b'"}'), BodyInvalid),
    ],
)
async def test_trouble_at_the_token_server_is_never_not_found(
    behaviour: Any, expected: type[RegistryError]
) -> None:
    server = TokenServer()
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        registry.fault(AT_TOKEN, behaviour)
        client = RegistryClient(config(registry.host, USER), http, keychain=KEYCHAIN)
        with pytest.raises(expected) as refused:
            await client.head("team/app", "v1")
        assert expected is type(refused.value)
        assert "hunter2" not in str(refused.value)


async def test_what_a_registry_repeats_of_our_secrets_is_not_shown() -> None:
    def said(request: web.Request) -> Mapping[str, Any]:
        return {"errors": [{"code": "DENIED", "message": request.headers["Authorization"]}]}

    async def echo(request: web.Request) -> web.StreamResponse:
        if "Authorization" in request.headers:
            return web.json_response(said(request), status=403)
        return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})

    async with serving(echo) as stub, transport() as http:
        client = RegistryClient(config(stub.host, USER), http, keychain=KEYCHAIN)
        with pytest.raises(Denied, match=r"DENIED: Basic \[redacted\]"):
            await client.tags("a")


async def test_a_token_that_was_renewed_meanwhile_is_not_shown_either() -> None:
    server, sent = TokenServer(), list[str]()
    async with FaultRegistry(tokens=server) as registry, transport() as http:
        fill(registry)
        client = RegistryClient(config(registry.host), http)
        await client.head("team/app", "v1")

        async def repeat(exchange: Exchange) -> web.StreamResponse:
            sent.append(exchange.request.headers["Authorization"].partition(" ")[2])
            said = {"code": "UNAUTHORIZED", "message": f"no more: {sent[0]}"}
            challenge = {"WWW-Authenticate": f'Bearer realm="{registry.url}/token",service="x"'}
            return web.json_response({"errors": [said]}, status=401, headers=challenge)

        registry.fault(("GET", "/manifests/"), repeat)
        with pytest.raises(Denied, match=r"no more: \[redacted\]"):
            await client.document("team/app", "v1")
        assert 2 == len(set(sent))


async def test_a_registry_that_wants_a_scope_of_its_own_gets_it() -> None:
    scopes: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            scopes.extend(request.query.getall("scope"))
            return web.json_response({"token": "for-" + request.query["scope"]})
        if request.headers.get("Authorization") == "Bearer for-aws":
            return web.Response(headers={"Content-Type": "application/json"})
        realm = f'Bearer realm="http://{request.host}/token",service="s",scope="aws"'
        return web.Response(status=401, headers={"WWW-Authenticate": realm})

    async with serving(handle) as stub, transport() as http:
        client = RegistryClient(config(stub.host), http)
        await client.head("a", "v1")
        await client.head("a", "v1")
        assert ["aws"] == scopes
        assert 2 + 1 == sum(path.startswith("HEAD") for path in stub.paths)


@pytest.mark.parametrize("body", [b'{"token": 7}', b"{}", b"[]", b"\xff", b"[" * 99_999, b'"t"'])
def test_a_token_answer_without_a_token_is_refused(body: bytes) -> None:
    with pytest.raises(BodyInvalid):
        parse_token(body)


@pytest.mark.parametrize(
    ("expires_in", "expected"),
    [("300", 300), ("59", 60), ("-1", 60), ("1e300", 86400), ('"300"', 60), ("true", 60)],
)
def test_a_lifetime_is_between_a_minute_and_a_day(expires_in: str, expected: float) -> None:
    body = f'{{"token": "t", "expires_in": {expires_in}}}'.encode()
    assert ("t", expected) == parse_token(body)
