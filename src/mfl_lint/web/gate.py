"""Who asks: found out from a token, a trusted proxy, a session; remembered for a moment.

What is remembered spares each request its questions to the database. It is forgotten after
`remember_s`, so a token that is revoked elsewhere is worthless after that long.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar, cast

import msgspec
from aiohttp import web

from mfl_lint.config import Config
from mfl_lint.config_serve import ProxyConfig, ServeConfig
from mfl_lint.core.access import LOCAL, Person, Role, seen_by, user_name
from mfl_lint.core.errors import Refused
from mfl_lint.core.policy import Ignore
from mfl_lint.core.secret import secret_digest
from mfl_lint.store import api_tokens, ignores, sessions, users
from mfl_lint.web.security import is_own_host
from mfl_lint.web.services import Services
from mfl_lint.web.viewer import READING, Viewer, with_secret

T = TypeVar("T")
_LOG: Final = logging.getLogger(__name__)
REMEMBER_S: Final = 2.0
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_MOST: Final = 2000
_COOKIES: Final = ("mfl_lint", "mfl_lint_form")
_SECURE_COOKIES: Final = ("__Host-mfl_lint", "__Host-mfl_lint_form")
_IGNORES: Final = ("ignores", "")
_USERS: Final = ("users", "")
_OWNER: Final = Viewer(Person(LOCAL, Role.ADMIN), sees=None)
_ANYBODY: Final = Viewer(Person(LOCAL, Role.VIEWER), sees=None)
_NOBODY: Final = Viewer()
# What proxies add to what they pass on.
_PASSED_ON: Final = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
)
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


class Gate:
    """Finds out who asks, for one application. `forgotten` is called when something changed."""

    def __init__(self, services: Services, remember_s: float = REMEMBER_S) -> None:
        self._services = services
        self._remember_s = remember_s
        self._held: OrderedDict[tuple[str, str], tuple[float, object]] = OrderedDict()
        self._merged: tuple[Config, tuple[Ignore, ...], Config] | None = None
        self._ignores: tuple[Ignore, ...] = ()
        self._told = False
        self.forgotten: Callable[[], None] = lambda: None

    def config(self) -> Config:
        """Return the configuration that holds now, with what people ignore in its policy."""
        config = self._services.config()
        if not self._ignores:
            return config
        held = self._merged
        if held is None or held[0] is not config or held[1] is not self._ignores:
            both = (*config.policy.ignores, *self._ignores)
            policy = msgspec.structs.replace(config.policy, ignores=both)
            whole = msgspec.structs.replace(config, policy=policy)
            held = self._merged = config, self._ignores, whole
        return held[2]

    def forget(self) -> None:
        """Remember nothing: something was changed here."""
        self._held.clear()
        self.forgotten()

    async def viewer(self, request: web.Request) -> Viewer:
        """Return who asks; 401 for a token that is worth nothing, 403 for whom is shut out."""
        if not self._remembers(_IGNORES):
            await self._read_ignores()
        serve = self._services.config().serve
        session, form = cookie_names(serve)
        viewer = await self._known(request, serve, session)
        # What only reads needs a secret of its own only where a form is shown.
        at_once = request.method not in READING
        return with_secret(viewer, form, request.cookies.get(form, ""), at_once=at_once)

    async def _known(self, request: web.Request, serve: ServeConfig, cookie: str) -> Viewer:
        given = request.headers.get("Authorization", "")
        if given:
            scheme, _, token = given.partition(" ")
            if scheme.lower() == "bearer":
                return self._viewer(await self._bearer(token.strip()))
        vouched = await self._vouched(request, serve.proxy) if serve.proxy.user_header else None
        if vouched is not None:
            return self._viewer(vouched)
        session = request.cookies.get(cookie, "")
        person = await self._signed_in(session) if session else None
        if person is not None:
            return msgspec.structs.replace(self._viewer(person), secret=session, session=True)
        return await self._stranger(request, serve)

    async def _stranger(self, request: web.Request, serve: ServeConfig) -> Viewer:
        """Return who asks without saying who: the very owner, where nobody is known at all.

        The owner is on this machine: whom a proxy lets through is somebody, wherever it runs.
        """
        if await self.is_controlled():
            return self._viewer(None)
        if serve.host not in LOOPBACK:
            return _ANYBODY if self._services.insecure else _NOBODY
        through = passed_on_by(request)
        if not through:
            return _OWNER
        if not self._told:
            self._told = True
            _LOG.warning(
                "asked through a proxy (%s) while there are no users: only what everyone may see "
                "is shown there. `mfl-lint users add NAME --role admin`, or set "
                "serve.proxy.user_header or serve.oidc",
                through,
            )
        return self._viewer(None)

    async def is_controlled(self) -> bool:
        """Say whether people have to say who they are."""
        if is_vouched(self._services.config().serve):
            return True
        held = self._held.get(_USERS)
        if held is not None and self._remembers(_USERS):
            return bool(held[1])
        return await self._once(*_USERS, lambda: users.any_user(self._services.store))

    def _viewer(self, person: Person | None) -> Viewer:
        if person is not None and person.role is Role.ADMIN:
            return Viewer(person, sees=None)
        registries = self._services.config().registries
        return Viewer(person, seen_by(person, {one.name: one.visible_to for one in registries}))

    async def _bearer(self, token: str) -> Person:
        store, digest = self._services.store, secret_digest(token)
        person = await self._once(
            "token", digest, lambda: api_tokens.bearer(store, digest, self._services.now())
        )
        if person is None:
            raise web.HTTPUnauthorized(
                text="the token is unknown, over or revoked", headers=_CHALLENGE
            )
        return person

    async def _signed_in(self, session: str) -> Person | None:
        store, digest = self._services.store, secret_digest(session)
        return await self._once(
            "session", digest, lambda: sessions.signed_in(store, digest, self._services.now())
        )

    async def _vouched(self, request: web.Request, proxy: ProxyConfig) -> Person | None:
        """Return whom a trusted proxy says that it lets through; None where it says nothing."""
        if not is_among(request.remote, proxy.addresses):
            return None
        given = request.headers.getall(proxy.user_header, [])
        if not given:
            return None
        try:
            (text,) = given
            name = user_name(text)
        except (Refused, ValueError):
            raise web.HTTPForbidden(text="the proxy names nobody who could be a user") from None
        user = await self._once("user", name, lambda: users.user(self._services.store, name))
        if user is not None and user.disabled:
            raise web.HTTPForbidden(text=f"{name} is shut out")
        return Person(name, user.role if user is not None else Role(proxy.role))

    async def _read_ignores(self) -> None:
        services = self._services
        found = await self._once(
            *_IGNORES, lambda: ignores.standing_ignores(services.store, services.now())
        )
        # The same configuration goes on where nothing changed: what is kept goes by it.
        if found != self._ignores:
            self._ignores = found

    def _remembers(self, place: tuple[str, str]) -> bool:
        held = self._held.get(place)
        return held is not None and asyncio.get_running_loop().time() - held[0] < self._remember_s

    async def _once(self, kind: str, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what is remembered, or ask."""
        now, place = asyncio.get_running_loop().time(), (kind, key)
        if self._remembers(place):
            return cast("T", self._held[place][1])
        found = await ask()
        self._held[place] = now, found
        self._held.move_to_end(place)
        while len(self._held) > _MOST:
            self._held.popitem(last=False)
        return found


GATE: Final = web.AppKey("gate", Gate)


def is_vouched(serve: ServeConfig) -> bool:
    """Say whether somebody else says who people are: a proxy, or an issuer."""
    return bool(serve.proxy.user_header or serve.oidc.issuer)


def cookie_names(serve: ServeConfig) -> tuple[str, str]:
    """Return the names of the session's cookie and of the one that forms are made for."""
    return _SECURE_COOKIES if serve.https else _COOKIES


def is_among(address: str | None, networks: tuple[str, ...]) -> bool:
    """Say whether an address is one of these, or in one of these networks."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in ipaddress.ip_network(one, strict=False) for one in networks)


def passed_on_by(request: web.BaseRequest) -> str:
    """Return by what it shows that a proxy passed the request on, "" where nothing does."""
    found = next((name for name in _PASSED_ON if name in request.headers), "")
    return found or ("" if is_own_host(request.host) else "Host")


def client_address(request: web.BaseRequest, proxy: ProxyConfig) -> str:
    """Return from where somebody asks: what trusted proxies say, else the peer's address."""
    passed = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    address = request.remote or ""
    for before in reversed(passed):
        if not is_among(address, proxy.addresses) or not before.strip():
            break
        address = before.strip()
    return address[:100]
