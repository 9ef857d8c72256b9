"""Debian's docker-registry, filled with skopeo and `docker manifest`, through the command."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from mfl_lint.demo.registry import running
from tests.builders import image, index
from tests.e2e.commands import MflLint
from tests.e2e.filling import Filling
from tests.servers import HTPASSWD_PASSWORD, HTPASSWD_USER, DockerRegistry
from tests.token_server import TokenServer, bearer_guard

CLEAN = index(image("linux", "amd64"), image("linux", "arm64"))
StartRegistry = Callable[..., DockerRegistry]


async def test_a_wrong_annotation_names_both_platforms(
    filled_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    name = f"{filled_registry.host}/parts/app:wrong"
    done = await mfl_lint.scan(name)
    assert [("MFL101", name)] == [(rule, where) for rule, where, _ in done.findings]
    assert "linux/arm64" in done.findings[0][2]
    assert "linux/amd64" in done.findings[0][2]
    assert 1 == done.code


async def test_a_child_that_was_deleted_by_digest_dangles(
    filled_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    name = f"{filled_registry.host}/gone/app:v1"
    done = await mfl_lint.scan(name)
    assert [("MFL201", name)] == [(rule, where) for rule, where, _ in done.findings]
    assert "linux/arm64" in done.findings[0][2]
    assert 1 == done.code


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("mycool-app-ppc64le:v1", "MFL301"),
        ("ppc64le/x:v1", "MFL302"),
        ("tagged/app:v1-arm64", "MFL303"),
    ],
)
async def test_a_platform_in_a_name_is_found(
    filled_registry: DockerRegistry, mfl_lint: MflLint, name: str, rule: str
) -> None:
    done = await mfl_lint.scan(f"{filled_registry.host}/{name}")
    assert [rule] == [found for found, _, _ in done.findings]


async def test_a_required_platform_that_is_missing_is_an_error(
    filled_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    name = f"{filled_registry.host}/lone/app:v1"
    done = await mfl_lint.scan("--require", "linux/amd64,linux/arm64", name)
    found = {rule: message for rule, _, message in done.findings}
    assert {"MFL401", "MFL402"} == found.keys()
    assert "linux/arm64" in found["MFL401"]
    assert 1 == done.code
    assert 0 == (await mfl_lint.scan(name)).code


@pytest.mark.parametrize("name", ["good/app:v1", "parts/app:good"])
async def test_a_clean_list_has_no_findings(
    filled_registry: DockerRegistry, mfl_lint: MflLint, name: str
) -> None:
    wanted = f"{filled_registry.host}/{name}"
    done = await mfl_lint.scan("--require", "linux/amd64,linux/arm64", wanted)
    assert [] == done.findings
    assert 0 == done.code
    (target,) = done.json["targets"]
    assert ("verified", 2) == (target["state"], len(target["platforms"]))


async def test_a_whole_registry_is_scanned_by_a_pattern(
    filled_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    done = await mfl_lint.scan("--all-tags", f"{filled_registry.host}/*")
    host = filled_registry.host
    assert {
        ("MFL101", f"{host}/parts/app:wrong"),
        ("MFL201", f"{host}/gone/app:v1"),
        ("MFL301", f"{host}/mycool-app-ppc64le"),
        ("MFL302", f"{host}/ppc64le/x"),
        ("MFL303", f"{host}/tagged/app:v1-arm64"),
    } == {(rule, where) for rule, where, _ in done.findings}
    assert 1 == done.code


async def test_a_registry_that_is_stopped_is_no_finding(
    docker_registry: StartRegistry, mfl_lint: MflLint, tmp_path: Path, skopeo: str, docker: str
) -> None:
    registry = docker_registry()
    filling = Filling(registry, tmp_path, skopeo, docker)
    await filling.copy(CLEAN, "app:v1")
    assert 0 == (await mfl_lint.scan(f"{registry.host}/app:v1")).code
    registry.stop()
    mfl_lint.write_config("[http]\nretries = 1\n")
    done = await mfl_lint.scan("--require", "linux/s390x", f"{registry.host}/app:v1")
    assert [] == done.findings
    assert ["unreachable"] == [target["state"] for target in done.json["targets"]]
    assert 3 == done.code


async def test_a_tag_that_is_not_there_was_not_looked_at(
    filled_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    done = await mfl_lint.scan(f"{filled_registry.host}/good/app:never")
    assert [] == done.findings
    assert ["absent"] == [target["state"] for target in done.json["targets"]]
    assert 3 == done.code


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", "--no-such-option", "app"),
        ("scan",),
        ("scan", "app/CASE:v1"),
        ("scan", "app@sha256:short"),
        ("scan", "--require", "no/such/platform/at/all", "app"),
        ("scan", "--config", "not-there.toml", "app"),
        ("scna", "app"),
    ],
)
async def test_a_mistake_in_the_call_is_one_line(
    mfl_lint: MflLint, arguments: tuple[str, ...]
) -> None:
    done = await mfl_lint(*arguments)
    assert (2, "", 1) == (done.code, done.out, done.err.count("\n")), done.err
    assert done.err.startswith("mfl-lint: error: ")


async def test_a_password_comes_from_the_environment_that_our_configuration_names(
    docker_registry: StartRegistry, mfl_lint: MflLint, tmp_path: Path, skopeo: str, docker: str
) -> None:
    registry = docker_registry(htpasswd=True)
    await Filling(registry, tmp_path, skopeo, docker).copy(CLEAN, "app:v1")
    name = f"{registry.host}/app:v1"
    stranger = await mfl_lint.scan(name)
    assert (3, ["denied"]) == (stranger.code, [x["state"] for x in stranger.json["targets"]])
    mfl_lint.write_config(
        f'[[registry]]\nname = "lab"\nhost = "{registry.host}"\n'
        f'credentials = {{ username = "{HTPASSWD_USER}", password_env = "LAB_PASSWORD" }}\n'
    )
    unset = await mfl_lint.scan(name)
    assert (3, []) == (unset.code, unset.findings)
    assert "LAB_PASSWORD" in unset.out
    mfl_lint.env["LAB_PASSWORD"] = HTPASSWD_PASSWORD
    known = await mfl_lint.scan(name)
    assert (0, ["verified"]) == (known.code, [x["state"] for x in known.json["targets"]])
    mfl_lint.env["LAB_PASSWORD"] = "another one"
    wrong = await mfl_lint.scan(name)
    assert (3, ["denied"]) == (wrong.code, [x["state"] for x in wrong.json["targets"]])
    assert "another one" not in wrong.out + wrong.err


async def test_a_password_comes_from_docker_login(
    docker_registry: StartRegistry, mfl_lint: MflLint, tmp_path: Path, skopeo: str, docker: str
) -> None:
    registry = docker_registry(htpasswd=True)
    await Filling(registry, tmp_path, skopeo, docker).copy(CLEAN, "app:v1")
    pair = base64.b64encode(f"{HTPASSWD_USER}:{HTPASSWD_PASSWORD}".encode()).decode()
    (mfl_lint.home / ".docker").mkdir()
    login = {"auths": {registry.host: {"auth": pair}}}
    (mfl_lint.home / ".docker" / "config.json").write_text(json.dumps(login))
    name = f"{registry.host}/app:v1"
    done = await mfl_lint.scan(name)
    assert (0, ["verified"]) == (done.code, [x["state"] for x in done.json["targets"]])
    assert 3 == (await mfl_lint.scan("--anonymous", name)).code


@pytest.fixture
async def tokens() -> TokenServer:
    """Return a token server that gives nothing to strangers."""
    return TokenServer({HTPASSWD_USER: HTPASSWD_PASSWORD}, anonymous=False)


@pytest.fixture
async def guarded(filled_registry: DockerRegistry, tokens: TokenServer) -> AsyncIterator[str]:
    """Return the host of the filled registry behind a guard that demands tokens."""
    async with aiohttp.ClientSession(auto_decompress=False) as client:

        async def forward(request: web.Request) -> web.StreamResponse:
            url = f"http://{filled_registry.host}{request.path_qs}"
            headers = {"Accept": request.headers.get("Accept", "*/*")}
            async with client.request(request.method, url, headers=headers) as answer:
                kept = ("Content-Type", "Docker-Content-Digest", "Content-Length", "Link")
                passed = {name: answer.headers[name] for name in kept if name in answer.headers}
                body = await answer.read()
                return web.Response(status=answer.status, body=body or None, headers=passed)

        app = web.Application(middlewares=[bearer_guard(tokens)])
        tokens.add_to(app)
        app.router.add_route("*", "/v2/{rest:.*}", forward)
        async with running(app) as host:
            yield host


async def test_a_token_server_gives_tokens_to_who_has_a_password(
    guarded: str, tokens: TokenServer, mfl_lint: MflLint
) -> None:
    name = f"{guarded}/parts/app:wrong"
    stranger = await mfl_lint.scan(name)
    assert (3, []) == (stranger.code, stranger.findings)
    mfl_lint.write_config(
        f'[[registry]]\nname = "lab"\nhost = "{guarded}"\n'
        f'credentials = {{ username = "{HTPASSWD_USER}", password_env = "LAB_PASSWORD" }}\n'
    )
    mfl_lint.env["LAB_PASSWORD"] = HTPASSWD_PASSWORD
    tokens.requests.clear()
    done = await mfl_lint.scan(name)
    assert (1, ["MFL101"]) == (done.code, [rule for rule, _, _ in done.findings])
    granted = [(asked.user, asked.scopes, asked.status) for asked in tokens.requests]
    assert [(HTPASSWD_USER, ("repository:parts/app:pull",), 200)] == granted
