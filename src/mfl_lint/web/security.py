"""What every answer carries and what every request must name: headers, and a host of ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from aiohttp import web

from mfl_lint.web.services import SERVICES

# What is made to stand on other sites' pages.
EMBEDDED: Final = web.ResponseKey("embedded", bool)
# What has its headers already.
SECURED: Final = web.ResponseKey("secured", bool)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


async def secure(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on an answer that begins: streams too.

    Nothing is kept by anybody that does not say for how long.
    """
    if response.get(SECURED, False):
        return
    headers = response.headers
    headers.update(HEADERS)
    headers.setdefault("Cache-Control", "no-store")
    if response.get(EMBEDDED, False):
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    serve = request.app[SERVICES].config().serve
    if serve.https and serve.hsts_s:
        headers["Strict-Transport-Security"] = f"max-age={int(serve.hsts_s)}"


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what is asked under a name that is not ours: another site's, led here."""
    host = request.headers.get("Host", "")
    if not host:
        raise web.HTTPBadRequest(text="the request names no host")
    serve = request.app[SERVICES].config().serve
    if not is_own_host(host, serve.host, *serve.hosts):
        raise web.HTTPForbidden(
            text="this service is not known by that host name: serve.hosts has its names, and "
            "localhost is always one"
        )
    return await handler(request)


@lru_cache(maxsize=64)
def is_own_host(host: str, *configured: str) -> bool:
    """Say whether a Host header names this machine's loopback or one of the configured names.

    A name of another site that resolves to loopback (DNS rebinding) is not ours.
    """
    name = _without_port(host).lower()
    if name in ("localhost", *map(str.lower, configured)):
        return True
    try:
        return ip_address(name.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    if host.startswith("["):
        address, bracket, _ = host.partition("]")
        return address + bracket
    return host.partition(":")[0]
