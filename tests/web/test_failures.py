"""Wrong requests get one line, as a page or as a problem document; never a traceback."""

from __future__ import annotations

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from mfl_lint.core.errors import StoreError
from mfl_lint.store.engine import open_store
from mfl_lint.web.application import create_app
from tests.web.conftest import Client, services_of
from tests.web.parsed import ParsedPage

pytestmark = pytest.mark.asyncio(loop_scope="module")
BAD = (
    "/findings?limit=0",
    "/findings?limit=201",
    "/findings?limit=-1",
    "/findings?limit=1.5",
    "/findings?limit=%C2%B2",
    "/findings?limit=99999999999999999999999",
    "/findings?severity=bad",
    "/findings?state=gone",
    "/findings?nonsense=1",
    "/findings?severity=" + "error,info,error,info,error,info,error",
    "/findings?state=" + "&state=".join(["open"] * 7),
    "/ready?platform=linux/arm64",
    "/ready?reference=app&platform=",
    "/ready?reference=app&platform=a/b/c/d/e",
    "/ready?reference=UPPER&platform=linux/arm64",
    "/ready?reference=app@sha256:1&platform=linux/arm64",
    f"/ready?reference=app@sha256:{'a' * 64}&platform=linux/arm64",
    "/ready?reference=app&platform=linux/arm64&engine=rkt",
    "/search?q=%20",
    "/digests?cursor=WyJhIiwiYiJd",
    "/matrix?cursor=WzFd",
    "/search?q=a&cursor=WyJ4IiwiYSIsImIiLCJjIl0",
    "/transitions?change=closed",
    "/findings.csv?limit=5",
    "/findings?cursor=nonsense",
    "/findings?cursor=%00",
    f"/findings?cursor={'a' * 501}",
    f"/findings?repository={'a' * 201}",
    "/findings?repository=a&repository=b",
    "/findings?rule=%00",
    "/findings?platform=%E2%80%AE",
    "/findings?" + "&".join(["severity=error"] * 21),
    "/registries/internal/repositories?repository=%0a",
    "/r/internal/shop/checkout?cursor=eyJ4IjoxfQ",
    "/crawls?limit=x",
    "/overview?x=1",
)
UNKNOWN = (
    "/nothing",
    "/registries/nothing",
    "/registries/%00",
    "/r/internal/nothing",
    "/r/internal/UPPER",
    "/r/internal/%2e%2e/%2e%2e/etc",
    "/r/nothing/shop/checkout",
    "/t/internal/shop/checkout:nothing",
    "/t/internal/shop/checkout:%F0%9F%92%A9",
    "/t/internal/shop/checkout:..",
    "/rules/MFL999",
    "/crawls/999",
    "/crawls/9999999999999999999",
    "/crawls/x",
)


@pytest.mark.parametrize("path", BAD)
async def test_a_bad_parameter_is_one_line_of_400(reader: Client, path: str) -> None:
    response = await reader.get(f"/api/v1{path}")
    problem = msgspec.json.decode(await response.read())

    assert (400, "application/problem+json") == (response.status, response.content_type)
    assert {"type", "title", "status", "detail"} == set(problem)
    assert 400 == problem["status"]
    assert "\n" not in problem["detail"]
    assert len(problem["detail"]) < 200


@pytest.mark.parametrize("path", UNKNOWN)
async def test_what_is_not_there_is_a_page_of_404(reader: Client, path: str) -> None:
    response = await reader.get(path)
    page = ParsedPage(await response.text())

    assert (404, "text/html") == (response.status, response.content_type)
    assert "Not Found" in page.text
    assert "Traceback" not in page.text
    assert [] == page.unbalanced


@pytest.mark.parametrize("path", ["/findings?limit=0", "/r/internal/shop/checkout?tag=%00"])
async def test_a_bad_parameter_of_a_page_is_a_page(reader: Client, path: str) -> None:
    response = await reader.get(path)

    assert (400, "text/html") == (response.status, response.content_type)
    assert "Bad Request" in ParsedPage(await response.text()).text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_nothing_but_reading_is_allowed(reader: Client, method: str) -> None:
    response = await reader.request(method, "/findings")

    assert 405 == response.status
    assert "GET,HEAD" == response.headers["Allow"]
    assert "no-store" == response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/scans", "GET,HEAD,POST"),
        ("DELETE", "/ignores", "GET,HEAD,POST"),
        ("GET", "/ignores/1", "DELETE"),
    ],
)
async def test_a_wrong_method_is_told_which_ones_are_answered(
    reader: Client, method: str, path: str, allowed: str
) -> None:
    response = await reader.request(method, f"/api/v1{path}")
    problem = await response.json()

    assert (405, allowed) == (response.status, response.headers["Allow"])
    assert f"only {allowed.replace(',', ', ')} can be asked for here" == problem["detail"]


async def test_a_database_that_fails_is_a_503_and_a_bug_a_500(
    filled_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store(filled_url) as store:
        services = await services_of(store)
        app = create_app(services)

        async def refuse(request: web.Request) -> web.StreamResponse:
            raise StoreError("database is locked: secret path")

        async def break_down(request: web.Request) -> web.StreamResponse:
            raise ZeroDivisionError("secret")

        app.router.add_get("/refuse", refuse)
        app.router.add_get("/api/break", break_down)
        async with TestClient(TestServer(app)) as client:
            refused, broken = await client.get("/refuse"), await client.get("/api/break")
            assert (503, 500) == (refused.status, broken.status)
            assert "secret" not in await refused.text() + await broken.text()
    assert "ZeroDivisionError" in caplog.text
