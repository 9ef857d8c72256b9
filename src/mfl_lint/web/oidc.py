"""Signing in at an OpenID Connect issuer: there with a question, back with a code."""

from __future__ import annotations

import base64
import hmac
import logging
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.access import Role, user_name
from mfl_lint.core.decoding import decode
from mfl_lint.core.errors import Refused
from mfl_lint.core.secret import new_secret
from mfl_lint.store import users
from mfl_lint.web.access import set_cookie
from mfl_lint.web.forms import local_path
from mfl_lint.web.gate import GATE, cookie_names
from mfl_lint.web.issuer import BACK, Issuer, Trip
from mfl_lint.web.login import begin, wait_s
from mfl_lint.web.query import read_query
from mfl_lint.web.services import SERVICES

_LOG: Final = logging.getLogger("mfl_lint")
_LASTS_S: Final = 600.0
_LONGEST: Final = 2000
_ISSUER: Final = web.AppKey("issuer", Issuer)


def add_oidc(app: web.Application) -> None:
    """Add the way to the issuer and back, where one is configured."""
    settings = app[SERVICES].config().serve.oidc
    if settings.issuer:
        app[_ISSUER] = Issuer(settings)
        app.router.add_get("/login/oidc", _leave)
        app.router.add_get(BACK, _return)


async def _leave(request: web.Request) -> web.Response:
    asked = read_query(request, ("next",))
    wanted = local_path(asked.text("next", _LONGEST))
    trip = Trip(new_secret(), new_secret(), new_secret(), wanted)
    try:
        way = await request.app[_ISSUER].way(trip)
    except Refused as error:
        raise _failed(error) from None
    response = web.Response(status=303, headers={"Location": way, "Cache-Control": "no-store"})
    packed = base64.urlsafe_b64encode(msgspec.json.encode(trip)).decode()
    set_cookie(request, response, _cookie(request), packed, _LASTS_S)
    return response


async def _return(request: web.Request) -> web.Response:
    """Let in whom the issuer vouches for, if this browser set out to ask."""
    trip = _trip(request)
    code, state = request.query.get("code", ""), request.query.get("state", "")
    if trip is None or not hmac.compare_digest(state.encode(), trip.state.encode()):
        raise web.HTTPForbidden(text="this sign-in did not begin here: try again from /login")
    own = request.app[SERVICES].config().serve.oidc
    if request.query.get("iss", own.issuer) != own.issuer or not 0 < len(code) <= _LONGEST:
        raise web.HTTPForbidden(text="the issuer let nobody in")
    if wait_s(request, ""):
        raise web.HTTPTooManyRequests(text="too many tries: wait a quarter of an hour")
    response = web.Response(status=303, headers={"Location": local_path(trip.next)})
    await begin(request, response, await _named(request, code, trip))
    serve = request.app[SERVICES].config().serve
    response.del_cookie(_cookie(request), path="/", secure=serve.https, httponly=True)
    return response


async def _named(request: web.Request, code: str, trip: Trip) -> str:
    """Return the user whom the issuer vouches for, who is a user from now on."""
    services = request.app[SERVICES]
    settings, now = services.config().serve.oidc, services.now()
    try:
        name = user_name(await request.app[_ISSUER].vouched(code, trip, now.timestamp()))
    except Refused as error:
        raise _failed(error) from None
    await users.known_or_new(services.store, name, Role(settings.role), who=name, now=now)
    request.app[GATE].forget()
    return name


def _failed(error: Refused) -> web.HTTPForbidden:
    _LOG.warning("a sign-in at the issuer failed: %s", error)
    return web.HTTPForbidden(text=str(error))


def _cookie(request: web.Request) -> str:
    return f"{cookie_names(request.app[SERVICES].config().serve)[0]}_oidc"


def _trip(request: web.Request) -> Trip | None:
    """Return what this browser set out with, None for nothing that is known."""
    packed = request.cookies.get(_cookie(request), "")
    try:
        return decode(base64.urlsafe_b64decode(packed), Trip)
    except (ValueError, RecursionError):
        return None
