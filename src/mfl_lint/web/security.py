"""What every answer carries and what every request must be: headers, host, method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Final

from aiohttp import web

from mfl_lint.web.services import SERVICES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@web.middleware
async def secured(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the security headers on every answer."""
    response = await handler(request)
    response.headers.update(HEADERS)
    return response


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what a page of another site could send here: foreign hosts, and writing methods."""
    host = request.headers.get("Host", "")
    if not host:
        raise web.HTTPBadRequest(text="the request names no host")
    if not is_own_host(host, request.app[SERVICES].config().serve.host):
        raise web.HTTPMisdirectedRequest(text="this service is not known by that host name")
    if request.method not in ("GET", "HEAD"):
        raise web.HTTPMethodNotAllowed(
            request.method, ("GET", "HEAD"), text="only GET and HEAD are answered here"
        )
    return await handler(request)


def is_own_host(host: str, configured: str) -> bool:
    """Say whether a Host header names this machine's loopback or the configured host.

    A name of another site that resolves to loopback (DNS rebinding) is not ours.
    """
    name = _without_port(host).lower()
    if name in ("localhost", configured.lower()):
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
