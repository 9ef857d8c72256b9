"""From a view to what is sent: kept while it holds, with an ETag, not again to who has it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Awaitable, Callable, Hashable
from functools import lru_cache
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.store.engine import Store
from mfl_lint.web.again import REPEATABLE
from mfl_lint.web.answers import Answer
from mfl_lint.web.freshness import FRESHNESS
from mfl_lint.web.kept import KEPT, Body, body_of
from mfl_lint.web.links import API
from mfl_lint.web.query import Query, read_query
from mfl_lint.web.rendering import PAGES
from mfl_lint.web.security import Handler
from mfl_lint.web.services import SERVICES, Services, of_this_moment
from mfl_lint.web.view import View
from mfl_lint.web.viewer import VIEWER, Viewer, services_for

# Pages say ages to the second: the same page is not sent for longer.
_PAGE_TICK_S: Final = 10


def services_of(request: web.Request) -> Services:
    """Return what whoever asks may read: the one place where that is decided."""
    return services_for(request)


def asked_by(request: web.Request) -> Hashable:
    """Return all that an answer depends on of whoever asks: those alike get the same answer."""
    viewer: Viewer = request.get(VIEWER, Viewer())
    return viewer.sight


def json_handler(view: View) -> Handler:
    """Return what answers with the view's JSON."""

    async def send(request: web.Request) -> web.Response:
        asked = read_query(request, view.parameters, view.required)

        async def make() -> Body:
            answer = await _read(view, services_of(request), request, asked)
            return body_of(msgspec.json.encode(answer), "application/json")

        return answered(
            request, await kept(request, view, "json", asked, make), repeatable=view.kept
        )

    return send


def page_handler(view: View) -> Handler:
    """Return what answers with the view's page."""

    async def show(request: web.Request) -> web.Response:
        asked = read_query(request, view.parameters, view.required)

        async def make() -> Body:
            services = services_of(request)
            answer = await _read(view, services, request, asked)
            text = request.app[PAGES].render(
                view.template,
                answer=answer,
                query=asked,
                path=request.rel_url.raw_path,
                json=_json_path(view, request, asked),
                csv=_csv_path(view, asked),
                rules=services.rules,
                viewer=request[VIEWER],
            )
            return body_of(text.encode("utf-8", "replace"), "text/html")

        tick = int(request.app[SERVICES].now().timestamp() // _PAGE_TICK_S)
        return answered(request, await kept(request, view, tick, asked, make), repeatable=view.kept)

    return show


async def _read(view: View, services: Services, request: web.Request, asked: Query) -> Answer:
    """Return the view's answer; most are read in one transaction, of one state."""
    if view.walks:
        return await view.read(services, request.match_info, asked)
    given, match = of_this_moment(services), dict(request.match_info)

    async def read(store: Store) -> Answer:
        return await view.read(dataclasses.replace(given, store=store), match, asked)

    return await services.store.read_at_once(read)


async def kept(
    request: web.Request,
    view: View,
    form: Hashable,
    asked: Query,
    make: Callable[[], Awaitable[Body]],
) -> Body:
    """Return the answer that is kept for what is asked, or make it."""
    if not view.kept:
        return await make()
    return await request.app[KEPT].get(await key_of(request, view.api, form, asked), make)


async def key_of(request: web.Request, name: str, form: Hashable, asked: Query) -> Hashable:
    """Return all that an answer depends on."""
    registry, viewer = request.match_info.get("registry"), request.get(VIEWER, Viewer())
    mark = await request.app[FRESHNESS].mark(registry, viewer.sees)
    parameters = tuple(sorted(asked.values.items())) if asked.values else ()
    return name, form, request.rel_url.raw_path, parameters, mark, asked_by(request)


def answered(
    request: web.Request,
    body: Body,
    *,
    cache: str = "no-cache",
    status: int = 200,
    repeatable: bool = False,
) -> web.Response:
    """Return the answer with its ETag, or 304 where the client has it already.

    `repeatable`: it is kept by its mark, and depends on nothing but the request.
    """
    packs = _understands_gzip(request.headers.get("Accept-Encoding", ""))
    raw, headers = body.to_send(packs=packs)
    if has_it(request, body.etag):
        kept = {name: headers[name] for name in ("ETag", "Vary") if name in headers}
        response = web.Response(status=304, headers=kept)
    else:
        response = web.Response(body=raw, status=status, headers=headers)
    response.headers["Cache-Control"] = cache
    response[REPEATABLE] = repeatable and body.is_settled(packs=packs)
    return response


@lru_cache(maxsize=64)
def _understands_gzip(accepted: str) -> bool:
    """Say whether an Accept-Encoding names gzip, and not in order to refuse it."""
    for one in accepted.lower().split(","):
        name, _, weight = one.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "").removeprefix("q=").strip("0.") != "" or not weight
    return False


def has_it(request: web.Request, etag: str) -> bool:
    """Say whether the client has what this ETag marks."""
    if "If-None-Match" not in request.headers:
        return False
    return any(one.value in (etag, "*") for one in request.if_none_match or ())


def weak_mark(key: Hashable) -> str:
    """Return a mark of what an answer depends on, for answers that are made while they are sent."""
    return hashlib.sha256(repr(key).encode("utf-8", "replace")).hexdigest()[:32]


def _json_path(view: View, request: web.Request, asked: Query) -> str:
    """Return where the JSON of the page that is asked for is."""
    path = request.rel_url.raw_path
    if view.api != view.path:
        path = path.rstrip("/") + view.api.removeprefix(view.path.rstrip("/"))
    return f"{API}{path}{asked.encoded()}"


def _csv_path(view: View, asked: Query) -> str:
    """Return where all of the page's list is as CSV, "" where it is not."""
    if view.table is None:
        return ""
    return f"{API}{view.api}.csv{asked.encoded(cursor=None, limit=None)}"
