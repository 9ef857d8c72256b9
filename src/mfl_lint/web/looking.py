"""The page on which anybody may have an image of a public registry looked at: off by default."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from mfl_lint.core.errors import ReferenceInvalid
from mfl_lint.core.observation import LookState
from mfl_lint.core.reference import Reference
from mfl_lint.crawl.public import is_public
from mfl_lint.web.forms import form_page, typed
from mfl_lint.web.gate import client_address
from mfl_lint.web.login import network_of
from mfl_lint.web.query import read_query
from mfl_lint.web.services import SERVICES
from mfl_lint.web.throttle import Throttle

_HOUR_S: Final = 3600.0
_AT_ONCE: Final = 2
_LONGEST: Final = 800
# Not in the registry's or the network's words: nobody shall map a network by what is told here.
_NOT_SEEN: Final[Mapping[LookState, str]] = {
    LookState.ABSENT: "The registry has no such image.",
    LookState.DENIED: "The registry does not show this image to everybody.",
    LookState.THROTTLED: "The registry asks for patience. Try again later.",
    LookState.UNREACHABLE: "The registry could not be asked.",
    LookState.INVALID: "What the registry sent is no image.",
}


@dataclass(frozen=True, slots=True)
class Counter:
    """Where strangers are served: so many an hour, and two at once."""

    quota: Throttle
    turns: asyncio.Semaphore


_COUNTER: Final = web.AppKey("counter", Counter)


def add_looking(app: web.Application) -> None:
    """Add the page where the configuration asks for it."""
    services = app[SERVICES]
    form = services.config().serve.form
    if not form.enabled or services.look is None:
        return
    app[_COUNTER] = Counter(Throttle(form.per_hour, _HOUR_S), asyncio.Semaphore(_AT_ONCE))
    app.router.add_get("/look", _form)
    app.router.add_post("/look", _look)


async def _form(request: web.Request) -> web.Response:
    read_query(request, ())
    return _page(request)


async def _look(request: web.Request) -> web.Response:
    """Look, or say in one line why not; nothing is asked of anybody before all is checked."""
    text = (await typed(request, "reference"))["reference"]
    try:
        reference = Reference.parse(text) if len(text) <= _LONGEST else None
    except ReferenceInvalid:
        reference = None
    if reference is None:
        return _page(request, 400, "That is no image's name.", text)
    if not is_public(reference):
        return _page(request, 400, "Only public registries are asked, by https.", text)
    counter, services = request.app[_COUNTER], request.app[SERVICES]
    if counter.turns.locked():
        return _page(request, 503, "Others are being served. Try again in a moment.", text)
    address = network_of(client_address(request, services.config().serve.proxy))
    wait_s = counter.quota.wait_s(address, asyncio.get_running_loop().time())
    if wait_s:
        answer = _page(request, 429, "That was enough for this hour.", text)
        answer.headers["Retry-After"] = str(int(wait_s) + 1)
        return answer
    async with counter.turns:
        return await _looked(request, reference, text)


async def _looked(request: web.Request, reference: Reference, text: str) -> web.Response:
    look = request.app[SERVICES].look
    if look is None:
        raise web.HTTPNotFound
    try:
        found = await look(reference)
    except TimeoutError:
        return _page(request, 400, "The registry takes too long.", text)
    (target,) = found.targets
    if target.state is not LookState.VERIFIED:
        return _page(request, 400, _NOT_SEEN[target.state], text)
    return form_page(
        request,
        "look.html",
        problem="",
        reference=text,
        target=target,
        findings=found.findings,
    )


def _page(
    request: web.Request, status: int = 200, problem: str = "", text: str = ""
) -> web.Response:
    return form_page(
        request,
        "look.html",
        status=status,
        problem=problem,
        reference=text[:_LONGEST],
        target=None,
        findings=(),
    )
