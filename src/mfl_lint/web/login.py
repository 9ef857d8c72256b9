"""Signing in with a password, and out again."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from mfl_lint.core.access import LOCAL
from mfl_lint.core.errors import Refused
from mfl_lint.core.password import LONGEST, NOBODYS, verifies
from mfl_lint.core.secret import new_secret, secret_digest
from mfl_lint.store import sessions, users
from mfl_lint.web.access import set_cookie
from mfl_lint.web.forms import form_page, local_path, typed
from mfl_lint.web.gate import GATE, client_address, cookie_names
from mfl_lint.web.query import read_query
from mfl_lint.web.services import SERVICES
from mfl_lint.web.throttle import Throttle
from mfl_lint.web.viewer import VIEWER

_LOG: Final = logging.getLogger("mfl_lint")
_WINDOW_S: Final = 900.0
_PREFIX: Final = 64
_TOO_MANY: Final = "Too many tries. Wait a quarter of an hour."
_REFUSED: Final = "That name and password do not belong together."


@dataclass(frozen=True, slots=True)
class Door:
    """How often somebody may try, by address and by name, and one password at a time.

    A try costs 32 MiB and a part of a second: more at once would be a way to stop the service.
    """

    addresses: Throttle = field(default_factory=lambda: Throttle(20, _WINDOW_S))
    names: Throttle = field(default_factory=lambda: Throttle(10, _WINDOW_S))
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))


_DOOR: Final = web.AppKey("door", Door)


def add_login(app: web.Application) -> None:
    """Add the pages for signing in and out."""
    app[_DOOR] = Door()
    app.router.add_get("/login", _ask)
    app.router.add_post("/login", _sign_in)
    app.router.add_get("/account", _account)
    app.router.add_post("/logout", _sign_out)


async def _ask(request: web.Request) -> web.Response:
    """Show the form; who is known already goes on."""
    asked = read_query(request, ("next",))
    wanted = local_path(asked.text("next", 2000))
    if request[VIEWER].person is not None:
        raise web.HTTPSeeOther(wanted)
    return _login_page(request, wanted)


def _login_page(
    request: web.Request, wanted: str, status: int = 200, problem: str = "", name: str = ""
) -> web.Response:
    issuer = request.app[SERVICES].config().serve.oidc.issuer
    return form_page(
        request,
        "login.html",
        status=status,
        next=wanted,
        name=name,
        problem=problem,
        issuer=urlsplit(issuer).hostname,
    )


async def _sign_in(request: web.Request) -> web.Response:
    """Let in whoever knows the password. What was typed is told to nobody and logged nowhere."""
    fields = await typed(request, "name", "password", "next")
    wanted, name = local_path(fields["next"]), fields["name"].lower()
    patience_s = wait_s(request, name)
    if patience_s:
        answer = _login_page(request, wanted, 429, _TOO_MANY)
        answer.headers["Retry-After"] = str(int(patience_s) + 1)
        return answer
    if not await _is_password(request, name, fields["password"]):
        address = client_address(request, request.app[SERVICES].config().serve.proxy)
        _LOG.warning("a sign-in from %s was refused", address)
        return _login_page(request, wanted, 403, _REFUSED, name)
    request.app[_DOOR].names.forgive(name)
    response = web.Response(status=303, headers={"Location": wanted})
    await begin(request, response, name)
    return response


def wait_s(request: web.Request, name: str) -> float:
    """Count a try, of a name ("" for none); return how many seconds to wait, 0 for none."""
    door, now = request.app[_DOOR], asyncio.get_running_loop().time()
    address = client_address(request, request.app[SERVICES].config().serve.proxy)
    waits = [door.addresses.wait_s(network_of(address), now)]
    if name:
        waits.append(door.names.wait_s(name, now))
    return max(waits)


def network_of(address: str) -> str:
    """Return what one person has of addresses: an IPv4 address, or 64 bits of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((int(found) >> _PREFIX << _PREFIX, _PREFIX)))


async def _is_password(request: web.Request, name: str, password: str) -> bool:
    """Check a password; a name that nobody has takes as long."""
    if len(password) > LONGEST:
        return False
    kept = await users.kept_password(request.app[SERVICES].store, name)
    async with request.app[_DOOR].turn:
        right = await asyncio.to_thread(verifies, password, kept or NOBODYS)
    return right and bool(kept)


async def begin(request: web.Request, response: web.Response, name: str) -> None:
    """Begin a session with the answer; 403 for a user who is shut out."""
    services = request.app[SERVICES]
    serve, secret, now = services.config().serve, new_secret(), services.now()
    expires = now + timedelta(seconds=serve.session_s)
    try:
        await sessions.begin_session(
            services.store, name, secret_digest(secret), now=now, expires=expires
        )
    except Refused as error:
        raise web.HTTPForbidden(text=str(error)) from None
    set_cookie(request, response, cookie_names(serve)[0], secret, serve.session_s)


async def _account(request: web.Request) -> web.Response:
    """Show who somebody is here, and the way out."""
    viewer = request[VIEWER]
    if viewer.person is None:
        raise web.HTTPSeeOther("/login")
    return form_page(request, "account.html", local=viewer.name == LOCAL)


async def _sign_out(request: web.Request) -> web.Response:
    viewer, services = request[VIEWER], request.app[SERVICES]
    response = web.Response(status=303, headers={"Location": "/login"})
    if viewer.session:
        digest = secret_digest(viewer.secret)
        await sessions.end_session(services.store, digest, who=viewer.name, now=services.now())
        request.app[GATE].forget()
        serve = services.config().serve
        response.del_cookie(cookie_names(serve)[0], path="/", secure=serve.https, httponly=True)
    return response
