"""A Docker token server, and guards that make a registry demand what it gives out.

Source: distribution's token authentication specification; RFC 6750 section 3.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mfl_lint.demo.answers import error

_REPOSITORY: Final = re.compile(r"/v2/(.+)/(?:manifests|blobs|tags|referrers)/.*")
_ACTIONS: Final = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}


class TokenRequest(msgspec.Struct, frozen=True):
    """One request for a token: who asked, for what, and how it was answered."""

    user: str
    service: str
    scopes: tuple[str, ...]
    method: str
    status: int


class Grant(msgspec.Struct, frozen=True):
    """What a token is good for, and until when (seconds of the server's clock)."""

    user: str
    scopes: frozenset[str]
    expires_at: float


def basic_user(request: web.Request) -> tuple[str, str] | None:
    """Return user and password of a Basic Authorization header, None where there is none."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return user, password


class TokenServer:
    """Hands out tokens at `/token`, by GET with Basic and by POST as OAuth 2 does.

    `users` maps names to passwords, `identity_tokens` refresh tokens to names. Strangers get
    `pull` where `anonymous`. `grants` narrows what is handed out: a scope's actions go in,
    those that are granted come out. All may be changed while it runs. `expires_in_s` None
    leaves the field out (a token then lives 60 s); `token_field` names the token in the
    answer; `extra` fields go over the answer's own, None taking one away.
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        service: str = "registry.test",
        anonymous: bool = True,
        expires_in_s: int | None = 300,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.users = dict(users or {})
        self.identity_tokens: dict[str, str] = {}
        self.service = service
        self.anonymous = anonymous
        self.expires_in_s = expires_in_s
        self.clock = clock
        self.token_field = "token"
        self.extra: dict[str, Any] = {}
        self.grants: Callable[[str, frozenset[str]], frozenset[str]] = lambda _, actions: actions
        self.requests: list[TokenRequest] = []
        self._tokens: dict[str, Grant] = {}

    def app(self, middlewares: Iterable[Middleware] = ()) -> web.Application:
        """Return an application that serves tokens alone."""
        app = web.Application(middlewares=list(middlewares))
        self.add_to(app)
        return app

    def add_to(self, app: web.Application) -> None:
        """Serve tokens from an application that does other things too."""
        app.router.add_get("/token", self._get)
        app.router.add_post("/token", self._post)

    def grant_of(self, token: str) -> Grant | None:
        """Return what a token is good for, None where it is unknown or over."""
        grant = self._tokens.get(token)
        return grant if grant and self.clock() < grant.expires_at else None

    def revoke(self) -> None:
        """Make every token worthless that was handed out so far."""
        self._tokens.clear()

    async def _get(self, request: web.Request) -> web.StreamResponse:
        given = basic_user(request)
        scopes = tuple(" ".join(request.query.getall("scope", [])).split())
        service = request.query.get("service", "")
        if given is None and "Authorization" not in request.headers:
            allowed = self.anonymous
        else:
            allowed = given is not None and self.users.get(given[0]) == given[1]
        return self._answer(request.method, given[0] if given else "", service, scopes, allowed)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        form = {key: str(value) for key, value in (await request.post()).items()}
        scopes, service = tuple(form.get("scope", "").split()), form.get("service", "")
        if form.get("grant_type") == "refresh_token":
            user = self.identity_tokens.get(form.get("refresh_token", ""), "")
            allowed = bool(user)
        else:
            user = form.get("username", "")
            allowed = bool(user) and self.users.get(user) == form.get("password")
        return self._answer(request.method, user, service, scopes, allowed)

    def _answer(
        self, method: str, user: str, service: str, scopes: tuple[str, ...], allowed: bool
    ) -> web.Response:
        status = 200 if allowed else 401
        self.requests.append(TokenRequest(user, service, scopes, method, status))
        if not allowed:
            return error(401, "UNAUTHORIZED", "incorrect username or password")
        token = self.issue(user, scopes)
        issued = datetime.fromtimestamp(self.clock(), UTC).isoformat()
        field = "access_token" if method == "POST" else self.token_field
        answer = {field: token, "expires_in": self.expires_in_s, "issued_at": issued, **self.extra}
        return web.json_response({k: v for k, v in answer.items() if v is not None})

    def issue(self, user: str, scopes: Iterable[str], lives_s: float | None = None) -> str:
        """Return a new token for the scopes, as far as `grants` allows."""
        granted = set()
        for scope in scopes:
            name, _, actions = scope.rpartition(":")
            wanted = frozenset(actions.split(",")) if user else frozenset({"pull", "*"})
            for action in self.grants(name, wanted & frozenset(actions.split(","))):
                granted.add(f"{name}:{action}")
        token = secrets.token_hex(16)
        lives = lives_s if lives_s is not None else self.expires_in_s
        until = self.clock() + (60 if lives is None else lives)
        self._tokens[token] = Grant(user, frozenset(granted), until)
        return token


def wanted_scope(request: web.Request) -> str:
    """Return the scope that a request needs, "" for the version check."""
    if request.path == "/v2/_catalog":
        return "registry:catalog:*"
    found = _REPOSITORY.fullmatch(request.path)
    if found is None:
        return ""
    return f"repository:{found[1]}:{_ACTIONS.get(request.method, 'pull,push')}"


def bearer_guard(server: TokenServer, realm: str = "") -> Middleware:
    """Return a middleware that lets pass who has a token of the server for what it asks.

    `realm` is the token server's URL; without one it is `/token` on the registry's own host.
    """

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/v2/"):
            return await handler(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        grant = server.grant_of(token) if scheme.lower() == "bearer" else None
        scope = wanted_scope(request)
        name, _, actions = scope.rpartition(":")
        needed = {f"{name}:{action}" for action in actions.split(",")} if scope else set()
        if grant is not None and needed <= grant.scopes:
            return await handler(request)
        fields = {"realm": realm or f"{request.scheme}://{request.host}/token"}
        fields |= {"service": server.service, "scope": scope}
        fields["error"] = "insufficient_scope" if grant else "invalid_token" if scheme else ""
        challenge = ",".join(f'{key}="{value}"' for key, value in fields.items() if value)
        return _refuse(f"Bearer {challenge}")

    return guard


def basic_guard(users: Mapping[str, str]) -> Middleware:
    """Return a middleware that demands a user's name and password."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = basic_user(request)
        if given is not None and users.get(given[0]) == given[1]:
            return await handler(request)
        return _refuse('Basic realm="registry"')

    return guard


def _refuse(challenge: str) -> web.Response:
    response = error(401, "UNAUTHORIZED", "authentication required")
    response.headers["WWW-Authenticate"] = challenge
    return response
