"""Who may do what at which address, and where a change may come from.

An address that is named nowhere here needs the right to read: what is new is closed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from aiohttp import web

from mfl_lint.core.access import Right
from mfl_lint.core.secret import form_token
from mfl_lint.web.forms import fields_of
from mfl_lint.web.gate import GATE
from mfl_lint.web.links import API
from mfl_lint.web.security import Handler
from mfl_lint.web.services import SERVICES
from mfl_lint.web.viewer import READING, VIEWER, Viewer, cookie_to_send

# Nobody is asked who they are. Webhooks prove that they know a secret of their own.
OPEN: Final = frozenset({"/static/{name}", "/healthz", "/readyz", "/hooks/{name}"})
# Whoever asks is known, and may.
FOR_ALL: Final = frozenset(
    {"/login", "/login/oidc", "/login/oidc/back", "/logout", "/account", "/look"}
)
RIGHTS: Final[Mapping[tuple[str, str], Right]] = {
    ("POST", f"{API}/scans"): Right.SCAN,
    ("POST", "/scans"): Right.SCAN,
    ("GET", "/scans/new"): Right.SCAN,
    ("POST", f"{API}/ignores"): Right.IGNORE,
    ("DELETE", f"{API}/ignores/{{id}}"): Right.IGNORE,
    ("POST", "/ignores"): Right.IGNORE,
    ("GET", "/ignores/new"): Right.IGNORE,
    ("GET", "/ignores/{id}/undo"): Right.IGNORE,
    ("POST", "/ignores/{id}/undo"): Right.IGNORE,
    ("POST", f"{API}/silences"): Right.IGNORE,
    ("DELETE", f"{API}/silences/{{id}}"): Right.IGNORE,
    ("GET", "/silences/new"): Right.IGNORE,
    ("POST", "/silences"): Right.IGNORE,
    ("GET", "/silences/{id}/end"): Right.IGNORE,
    ("POST", "/silences/{id}/end"): Right.IGNORE,
    ("POST", f"{API}/acknowledgements"): Right.IGNORE,
    ("DELETE", f"{API}/acknowledgements/{{fingerprint}}"): Right.IGNORE,
    ("GET", "/acknowledgements/new"): Right.IGNORE,
    ("POST", "/acknowledgements"): Right.IGNORE,
    ("GET", "/acknowledgements/{fingerprint}/undo"): Right.IGNORE,
    ("POST", "/acknowledgements/{fingerprint}/undo"): Right.IGNORE,
    ("POST", f"{API}/alerts/{{id}}/retry"): Right.AUDIT,
    ("GET", "/alerts/{id}/retry"): Right.AUDIT,
    ("POST", "/alerts/{id}/retry"): Right.AUDIT,
    ("POST", f"{API}/plans/{{registry}}/{{repository}}:{{tag}}"): Right.PUSH,
    ("GET", "/push/{registry}/{repository}:{tag}"): Right.PUSH,
    ("POST", "/push/{registry}/{repository}:{tag}"): Right.PUSH,
    ("POST", f"{API}/pushes/{{id}}/undo"): Right.PUSH,
    ("GET", "/pushes/{id}/undo"): Right.PUSH,
    ("POST", "/pushes/{id}/undo"): Right.PUSH,
    ("GET", f"{API}/audit"): Right.AUDIT,
    ("GET", "/audit"): Right.AUDIT,
}
# What counts everything is for who sees every registry.
WHOLE: Final = frozenset({"/metrics"})


@web.middleware
async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through who may do what is asked for; 404 for what they may not know of."""
    resource = request.match_info.route.resource
    if resource is None or resource.canonical in OPEN:
        return await handler(request)
    viewer = request[VIEWER] = await request.app[GATE].viewer(request)
    if resource.canonical not in FOR_ALL:
        method = "GET" if request.method == "HEAD" else request.method
        right = RIGHTS.get((method, resource.canonical), Right.READ)
        if right not in viewer.rights:
            raise _refusal(request, viewer, right)
        if resource.canonical in WHOLE and viewer.sees is not None:
            raise _refusal(request, viewer, "this counts registries that you may not see")
    registry = request.match_info.get("registry")
    if registry is not None and viewer.sees is not None and registry not in viewer.sees:
        raise web.HTTPNotFound(text=f"no registry is called {registry[:100]!a}")
    if request.method not in READING:
        await _check_source(request, viewer)
    response = await handler(request)
    _send_cookie(request, response)
    return response


def _refusal(request: web.Request, viewer: Viewer, right: Right | str) -> web.HTTPException:
    """Return the answer for who may not: the way to sign in, or that it is no use."""
    if viewer.person is not None and not isinstance(right, Right):
        return web.HTTPForbidden(text=right)
    if viewer.person is not None:
        lacking = "the token has not the scope" if viewer.person.scopes else "your role may not"
        return web.HTTPForbidden(text=f"{lacking}: {right}")
    if request.path.startswith(API):
        return web.HTTPUnauthorized(
            text="send a token: Authorization: Bearer …",
            headers={"WWW-Authenticate": "Bearer"},
        )
    if request.method in READING:
        return web.HTTPSeeOther(f"/login?next={quote(request.rel_url.raw_path_qs, safe='')}")
    return web.HTTPUnauthorized(text="sign in first, at /login")


async def _check_source(request: web.Request, viewer: Viewer) -> None:
    """Raise 403 for a change that somebody's browser was made to send, not they themselves.

    A token is sent by no browser of itself. Else a change must come from a page of ours: a form
    with what only that page could carry, or JSON, which no other site's form can send.
    """
    if viewer.person is not None and viewer.person.scopes is not None:
        return
    if not is_own_page(request):
        raise web.HTTPForbidden(text="this was sent by a page of another site")
    if request.path.startswith(API):
        if request.method != "DELETE" and request.content_type != "application/json":
            raise web.HTTPForbidden(text="send JSON, as Content-Type: application/json")
        return
    sent = (await fields_of(request)).get("token", "")
    wanted = form_token(viewer.secret) if viewer.secret else ""
    if not _is_same(sent, wanted):
        raise web.HTTPForbidden(text="the form is not of this session: go back and load it anew")


def _is_same(sent: str, wanted: str) -> bool:
    return bool(wanted) and hmac.compare_digest(sent.encode(), wanted.encode())


def is_own_page(request: web.Request) -> bool:
    """Say whether a browser that tells where a request comes from names a page of ours."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        there = urlsplit(origin)
    except ValueError:
        return False
    # A proxy may ask under another name than the browser did.
    names = map(str.lower, request.app[SERVICES].config().serve.hosts)
    return there.netloc.lower() == request.host.lower() != "" or (there.hostname or "") in names


def _send_cookie(request: web.Request, response: web.StreamResponse) -> None:
    cookie = cookie_to_send(request)
    if cookie is not None and not response.prepared:
        set_cookie(request, response, *cookie)


def set_cookie(
    request: web.Request,
    response: web.StreamResponse,
    name: str,
    value: str,
    lasts_s: float | None = None,
) -> None:
    """Put a cookie on an answer that no script reads and no other site's form sends."""
    https = request.app[SERVICES].config().serve.https
    response.set_cookie(
        name,
        value,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=https,
        max_age=None if lasts_s is None else int(lasts_s),
    )
