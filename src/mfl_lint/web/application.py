"""The application: which reader stands behind which address, as a page and as JSON."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from functools import cache
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.errors import StoreError
from mfl_lint.resources import templates_path
from mfl_lint.store import crawls
from mfl_lint.web import (
    badge,
    changes,
    events,
    feed,
    inspection,
    metrics,
    overview,
    past,
    places,
    plans,
    pushed,
    query,
    readiness,
)
from mfl_lint.web.access import identified
from mfl_lint.web.again import again
from mfl_lint.web.alerting import ACTIONS as ALERTING
from mfl_lint.web.alerting import PARAMETERS as ALERTS
from mfl_lint.web.alerting import add_alerting, read_alerts
from mfl_lint.web.auditing import read_audit
from mfl_lint.web.failures import bounded, explained, failure
from mfl_lint.web.freshness import FRESH_S, FRESHNESS, Freshness
from mfl_lint.web.gate import GATE, REMEMBER_S, Gate
from mfl_lint.web.hooks import add_hooks, read_hooks
from mfl_lint.web.ignoring import ACTIONS as IGNORING
from mfl_lint.web.ignoring import add_ignoring, read_ignores
from mfl_lint.web.kept import KEPT, Body, Kept, body_of
from mfl_lint.web.links import API
from mfl_lint.web.login import add_login
from mfl_lint.web.looking import add_looking
from mfl_lint.web.oidc import add_oidc
from mfl_lint.web.openapi import describe
from mfl_lint.web.pushing import ACTIONS as PUSHING
from mfl_lint.web.pushing import add_pushing
from mfl_lint.web.rendering import PAGES, Pages
from mfl_lint.web.scanning import ACTIONS as SCANNING
from mfl_lint.web.scanning import add_scanning, read_scans
from mfl_lint.web.security import guarded, secure
from mfl_lint.web.sending import answered, json_handler, page_handler
from mfl_lint.web.services import SERVICES, Services
from mfl_lint.web.silencing import ACTIONS as SILENCING
from mfl_lint.web.silencing import add_silencing
from mfl_lint.web.tables import FINDINGS_TABLE, MATRIX_TABLE, table_handler
from mfl_lint.web.view import View

__all__ = ["ACTIONS", "SERVICES", "VIEWS", "Services", "create_app"]

_LARGEST_BODY: Final = 64 * 1024
_READY_TIMEOUT_S: Final = 2.0
_REPOSITORY: Final = "/r/{registry}/{repository:.+}"
_TAG: Final = "/t/{registry}/{repository:[^:]+}:{tag}"
_DIFFERENCE: Final = _TAG.replace("/t/", "/d/", 1)


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
    View(inspection.read_tag, _TAG, _TAG, "tag.html", walks=True),
    View(
        past.read_difference,
        _DIFFERENCE,
        _DIFFERENCE,
        "difference.html",
        query.DIFFERENCE,
        walks=True,
    ),
    View(
        inspection.read_findings,
        "/findings",
        "/findings",
        "findings.html",
        query.FINDINGS,
        table=FINDINGS_TABLE,
    ),
    View(inspection.read_rules, "/rules", "/rules", "rules.html"),
    View(inspection.read_rule, "/rules/{id}", "/rules/{id}", "rule.html", query.PAGING),
    View(overview.read_crawls, "/crawls", "/crawls", "crawls.html", query.PAGING | {"registry"}),
    View(overview.read_crawl, r"/crawls/{id:\d{1,19}}", r"/crawls/{id:\d{1,19}}", "crawl.html"),
    View(changes.read_transitions, "/transitions", parameters=query.TRANSITIONS),
    View(places.read_digests, "/digests", parameters=query.PLACES),
    View(places.read_matrix, "/matrix", "/matrix", "matrix.html", query.MATRIX, table=MATRIX_TABLE),
    View(places.read_search, "/search", "/search", "search.html", query.SEARCH, frozenset({"q"})),
    View(
        readiness.read_ready,
        "/ready",
        parameters=query.READY | {"reference"},
        required=frozenset({"reference", "platform"}),
        walks=True,
    ),
    View(
        readiness.read_ready_tag,
        "/ready/{registry}/{repository:.+}/{tag}",
        parameters=query.READY,
        required=frozenset({"platform"}),
        walks=True,
    ),
    View(read_scans, "/scans", "/scans", "scans.html", kept=False),
    View(read_hooks, "/hooks", "/hooks", "hooks.html", kept=False),
    View(read_ignores, "/ignores", "/ignores", "ignores.html", kept=False),
    View(read_alerts, "/alerts", "/alerts", "alerts.html", ALERTS, kept=False),
    View(plans.read_plan, plans.PLAN, plans.PLAN, "plan.html", kept=False, walks=True),
    View(pushed.read_pushes, "/pushes", "/pushes", "pushes.html", query.PAGING, kept=False),
    View(pushed.read_push, pushed.PUSH, pushed.PUSH, "pushed.html", kept=False),
    View(read_audit, "/audit", "/audit", "audit.html", query.PAGING, kept=False),
)
ACTIONS: Final = (*SCANNING, *IGNORING, *SILENCING, *ALERTING, *PUSHING)


def create_app(
    services: Services, *, remember_s: float = REMEMBER_S, fresh_s: float = FRESH_S
) -> web.Application:
    """Return the application that shows what the services hold to whom it concerns.

    For `remember_s` it takes for granted who somebody is, and what people ignore; an answer is
    sent again for `fresh_s` without asking whether something was written.
    """
    app = web.Application(
        middlewares=[again, explained, bounded, guarded, identified],
        client_max_size=_LARGEST_BODY,
    )
    gate = app[GATE] = Gate(services, remember_s)
    services = app[SERVICES] = dataclasses.replace(services, config=gate.config)
    fresh = app[FRESHNESS] = Freshness(services, fresh_s)
    gate.forgotten = fresh.forget
    app[KEPT] = Kept()
    for add in (
        add_login,
        add_oidc,
        add_scanning,
        add_ignoring,
        add_looking,
        add_alerting,
        add_silencing,
        add_hooks,
        add_pushing,
    ):
        add(app)
    app.cleanup_ctx.append(_with_pages)
    app.on_response_prepare.append(secure)
    app[events.STREAMS] = events.Streams()
    app.on_shutdown.append(events.end_streams)
    app.router.add_get(events.PATH, events.events)
    for view in VIEWS:
        if view.table is not None:
            app.router.add_get(f"{API}{view.api}.csv", table_handler(view, view.table))
        app.router.add_get(f"{API}{view.api}", json_handler(view))
        if view.template:
            app.router.add_get(view.path, page_handler(view))
    for action in ACTIONS:
        app.router.add_route(action.method, f"{API}{action.api}", action.act)
    app.router.add_get(f"{API}/openapi.json", _openapi)
    app.router.add_get(badge.PATH, badge.badge)
    app.router.add_get(feed.PATH, feed.feed)
    app.router.add_get(metrics.PATH, metrics.metrics)
    app.router.add_get("/static/{name}", _static)
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz)
    return app


async def _with_pages(app: web.Application) -> AsyncIterator[None]:
    app[PAGES] = await asyncio.to_thread(Pages, templates_path(), app[SERVICES].now)
    yield
    await app[KEPT].close()


async def _openapi(request: web.Request) -> web.Response:
    return answered(request, _described())


@cache
def _described() -> Body:
    return body_of(msgspec.json.encode(describe(VIEWS, ACTIONS)), "application/json")


async def _static(request: web.Request) -> web.Response:
    file = request.app[PAGES].static.get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    kept = request.query.get("v") == file.mark
    cache = "public, max-age=31536000, immutable" if kept else "no-cache"
    return answered(request, Body(file.body, file.content_type, file.mark), cache=cache)


async def _healthz(request: web.Request) -> web.Response:
    return web.Response(body=b'{"status":"ok"}', content_type="application/json")


async def _readyz(request: web.Request) -> web.Response:
    try:
        async with asyncio.timeout(_READY_TIMEOUT_S):
            await crawls.crawls(request.app[SERVICES].store, None, None, 1)
    except (StoreError, TimeoutError):
        return failure(request, 503, "the database does not answer")
    return web.Response(body=b'{"status":"ready"}', content_type="application/json")
