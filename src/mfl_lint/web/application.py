"""The application: which reader stands behind which address, as a page and as JSON."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.errors import StoreError
from mfl_lint.resources import templates_path
from mfl_lint.store import crawls
from mfl_lint.web import inspection, overview, past, query
from mfl_lint.web.access import identified
from mfl_lint.web.answers import Answer
from mfl_lint.web.auditing import read_audit
from mfl_lint.web.failures import explained, failure
from mfl_lint.web.gate import GATE, REMEMBER_S, Gate
from mfl_lint.web.ignoring import add_ignoring, read_ignores
from mfl_lint.web.links import API
from mfl_lint.web.login import add_login
from mfl_lint.web.looking import add_looking
from mfl_lint.web.oidc import add_oidc
from mfl_lint.web.query import Query, read_query
from mfl_lint.web.rendering import PAGES, Pages
from mfl_lint.web.scanning import add_scanning, read_scans
from mfl_lint.web.security import Handler, guarded, secured
from mfl_lint.web.services import SERVICES, Services
from mfl_lint.web.viewer import VIEWER, services_for

__all__ = ["SERVICES", "Services", "create_app"]

Reader = Callable[[Services, Mapping[str, str], Query], Awaitable[Answer]]

_LARGEST_BODY: Final = 64 * 1024
_READY_TIMEOUT_S: Final = 2.0
_REPOSITORY: Final = "/r/{registry}/{repository:.+}"
_TAG: Final = "/t/{registry}/{repository:[^:]+}:{tag}"
_DIFFERENCE: Final = _TAG.replace("/t/", "/d/", 1)


class View(msgspec.Struct, frozen=True):
    """One thing to read: its page (none without a template) and its JSON, at `api`."""

    read: Reader
    api: str
    path: str = ""
    template: str = ""
    parameters: frozenset[str] = frozenset()


VIEWS: Final = (
    View(overview.read_overview, "/overview", "/", "overview.html"),
    View(overview.read_registries, "/registries"),
    View(overview.read_registry, "/registries/{registry}"),
    View(
        overview.read_repositories,
        "/registries/{registry}/repositories",
        "/registries/{registry}",
        "registry.html",
        query.PAGING | {"repository"},
    ),
    View(inspection.read_repository, _REPOSITORY, _REPOSITORY, "repository.html", query.TAGS),
    View(inspection.read_tag, _TAG, _TAG, "tag.html"),
    View(past.read_difference, _DIFFERENCE, _DIFFERENCE, "difference.html", query.DIFFERENCE),
    View(inspection.read_findings, "/findings", "/findings", "findings.html", query.FINDINGS),
    View(inspection.read_rules, "/rules", "/rules", "rules.html"),
    View(inspection.read_rule, "/rules/{id}", "/rules/{id}", "rule.html", query.PAGING),
    View(overview.read_crawls, "/crawls", "/crawls", "crawls.html", query.PAGING | {"registry"}),
    View(overview.read_crawl, r"/crawls/{id:\d{1,19}}", r"/crawls/{id:\d{1,19}}", "crawl.html"),
    View(read_scans, "/scans", "/scans", "scans.html"),
    View(read_ignores, "/ignores", "/ignores", "ignores.html"),
    View(read_audit, "/audit", "/audit", "audit.html", query.PAGING),
)


def create_app(services: Services, *, remember_s: float = REMEMBER_S) -> web.Application:
    """Return the application that shows what the services hold to whom it concerns.

    For `remember_s` it takes for granted who somebody is, and what people ignore.
    """
    app = web.Application(
        middlewares=[secured, explained, guarded, identified], client_max_size=_LARGEST_BODY
    )
    gate = app[GATE] = Gate(services, remember_s)
    app[SERVICES] = dataclasses.replace(services, config=gate.config)
    for add in (add_login, add_oidc, add_scanning, add_ignoring, add_looking):
        add(app)
    app.cleanup_ctx.append(_with_pages)
    for view in VIEWS:
        app.router.add_get(f"{API}{view.api}", _json_handler(view))
        if view.template:
            app.router.add_get(view.path, _page_handler(view))
    app.router.add_get("/static/{name}", _static)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    return app


async def _with_pages(app: web.Application) -> AsyncIterator[None]:
    app[PAGES] = await asyncio.to_thread(Pages, templates_path(), app[SERVICES].now)
    yield


def _page_handler(view: View) -> Handler:
    async def show(request: web.Request) -> web.Response:
        services, asked = services_for(request), read_query(request, view.parameters)
        answer = await view.read(services, request.match_info, asked)
        text = request.app[PAGES].render(
            view.template,
            answer=answer,
            query=asked,
            path=request.rel_url.raw_path,
            json=_json_path(view, request, asked),
            rules=services.rules,
            viewer=request[VIEWER],
        )
        headers = {"Cache-Control": "no-cache"}
        return web.Response(text=text, content_type="text/html", headers=headers)

    return show


def _json_handler(view: View) -> Handler:
    async def send(request: web.Request) -> web.Response:
        asked = read_query(request, view.parameters)
        answer = await view.read(services_for(request), request.match_info, asked)
        return _tagged(request, msgspec.json.encode(answer))

    return send


def _tagged(request: web.Request, body: bytes) -> web.Response:
    """Return the JSON with its ETag, or 304 where the client has it already."""
    tag = hashlib.sha256(body).hexdigest()[:32]
    given = request.if_none_match or ()
    response = web.Response(status=304) if any(one.value in (tag, "*") for one in given) else None
    if response is None:
        response = web.Response(body=body, content_type="application/json")
    response.etag = tag
    response.headers["Cache-Control"] = "no-cache"
    return response


def _json_path(view: View, request: web.Request, asked: Query) -> str:
    """Return where the JSON of the page that is asked for is."""
    path = request.rel_url.raw_path
    if view.api != view.path:
        path = path.rstrip("/") + view.api.removeprefix(view.path.rstrip("/"))
    return f"{API}{path}{asked.encoded()}"


async def _static(request: web.Request) -> web.Response:
    file = request.app[PAGES].static.get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    kept = request.query.get("v") == file.mark
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if kept else "no-cache"}
    return web.Response(
        body=file.body, content_type=file.content_type, charset="utf-8", headers=headers
    )


async def _healthz(request: web.Request) -> web.Response:
    return web.Response(body=b'{"status":"ok"}', content_type="application/json")


async def _readyz(request: web.Request) -> web.Response:
    try:
        async with asyncio.timeout(_READY_TIMEOUT_S):
            await crawls.crawls(request.app[SERVICES].store, None, None, 1)
    except (StoreError, TimeoutError):
        return failure(request, 503, "the database does not answer")
    return web.Response(body=b'{"status":"ready"}', content_type="application/json")
