"""Credentials on the wire: anonymous, Basic and Bearer.

After a registry's first challenge its tokens are fetched before they are asked for, so that
an ordinary request is one request. Lifetimes are counted on the local monotonic clock from
the moment of asking: what a token server thinks the time is does not matter.
Source: distribution's token specification ("Requesting a Token"); RFC 6749 section 6.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import yarl

from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import (
    BodyInvalid,
    ConfigInvalid,
    Denied,
    NotFound,
    Unreachable,
)
from mfl_lint.registry.addresses import allows_host
from mfl_lint.registry.answer import Answer, error_of, place, plain
from mfl_lint.registry.challenge import Challenge, choose, clean_scopes
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.dockerconfig import Credentials
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.politeness import Flights
from mfl_lint.registry.route import Request, Route
from mfl_lint.registry.transport import Transport

SHORTEST_LIFE_S: Final = 60.0
_LONGEST_LIFE_S: Final = 24 * 3600.0
_USED_SHARE: Final = 0.9
_REMEMBERED: Final = 32
_MAX_TOKEN_BYTES: Final = 256 * 1024
_CLIENT_ID: Final = "mfl-lint"
_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: +[\x21\x23-\x5b\x5d-\x7e]+)*")


class Token(msgspec.Struct, frozen=True):
    """A bearer token as an Authorization header, and when it is no longer used."""

    header: str
    until: float

    def __repr__(self) -> str:
        return "Token(…)"


class Authorizer:
    """The authorization of one registry's requests.

    `ready` is the quick way; `prepare` fetches what is missing; `renew` answers a 401.
    """

    def __init__(self, registry: RegistryConfig, transport: Transport, keychain: Keychain) -> None:
        self._registry = registry
        self._transport = transport
        self._keychain = keychain
        self._flights = Flights()
        self._credentials: Credentials | None = None
        self._basic = ""
        self._bearer: tuple[str, str] | None = None
        self._scopes: dict[str, str] = {}
        self._tokens: dict[tuple[str, str, str], Token] = {}
        # Answers may hold what was sent before it was renewed.
        self._spent: deque[str] = deque(maxlen=_REMEMBERED)
        own = registry.credentials
        self._untried = bool(own.token_env or own.token_file) and not own.anonymous

    def ready(self, scope: str) -> str | None:
        """Return the header for a scope ("" for none), None where `prepare` must fetch it."""
        if self._untried:
            return None
        if self._bearer is None or not scope:
            return self._basic
        token = self._tokens.get((*self._bearer, self._scopes.get(scope, scope)))
        if token is None or token.until <= self._transport.clock():
            return None
        return token.header

    async def prepare(self, scope: str, route: Route) -> str:
        """Return the header for a scope, fetching a token if needed."""
        if self._untried:
            found = await self._found()
            self._basic = f"Bearer {found.registry_token}" if found else ""
            self._untried = False
        header = self.ready(scope)
        if header is None and self._bearer is not None:
            header = await self._token(*self._bearer, self._scopes.get(scope, scope), route)
        return header or ""

    async def renew(self, answer: Answer, scope: str, used: str, route: Route) -> str:
        """Return the header to try once more with after a 401; raise Denied if there is none."""
        challenge = choose(answer.headers.getall("WWW-Authenticate", []))
        if challenge is None:
            raise error_of(answer, self._transport.wall, self.secrets())
        if challenge.scheme == "basic":
            return await self._renew_basic(answer, used)
        found = await self._found()
        if found and found.registry_token and not used:
            self._basic = f"Bearer {found.registry_token}"
            return self._basic
        return await self._renew_bearer(challenge, scope, used, route)

    async def _renew_basic(self, answer: Answer, used: str) -> str:
        found = await self._found(again=bool(used))
        header = found.basic if found else ""
        if not header or header == used:
            raise error_of(answer, self._transport.wall, self.secrets())
        self._basic, self._bearer = header, None
        return header

    async def _renew_bearer(self, challenge: Challenge, scope: str, used: str, route: Route) -> str:
        realm = challenge.parameters["realm"]
        service = challenge.parameters.get("service", "")
        check_realm(realm, route)
        asked = challenge.parameters.get("scope", "")
        if not _SCOPE.fullmatch(asked) or len(asked) > 4096:
            asked = scope
        if "push" in scope:
            # Some name what reading needs only; what is to be written is known here.
            asked = f"{asked} {scope}"
        asked = " ".join(clean_scopes(asked.split()))
        self._bearer = (realm, service)
        if scope:
            self._scopes[scope] = asked
        key = (realm, service, asked)
        known = self._tokens.get(key)
        if known is not None and known.header == used:
            del self._tokens[key]
        elif known is not None and known.until > self._transport.clock():
            return known.header
        return await self._token(realm, service, asked, route)

    async def _token(self, realm: str, service: str, scope: str, route: Route) -> str:
        """Return a fresh token's header; all who need the same one wait for one request."""

        async def fetch() -> str:
            began = self._transport.clock()
            text, lifetime_s = await self._fetch(realm, service, scope, route)
            header = f"Bearer {text}"
            self._tokens[realm, service, scope] = Token(header, began + _USED_SHARE * lifetime_s)
            self._spent.append(text)
            return header

        return await self._flights.join((realm, service, scope), fetch)

    async def _fetch(self, realm: str, service: str, scope: str, route: Route) -> tuple[str, float]:
        """Return a token and its lifetime in seconds from the token server."""
        url = check_realm(realm, route)
        found = await self._found() or Credentials()
        request = _token_request(url, service, scope, found, route)
        try:
            answer = await self._transport.fetch(request)
            if answer.status >= 300:
                raise error_of(answer, self._transport.wall, self.secrets())
            return parse_token(answer.body)
        except NotFound as error:
            raise Unreachable(str(error)) from None
        except BodyInvalid as error:
            raise BodyInvalid(f"token server {place(url)}: {error}") from None

    async def _found(self, *, again: bool = False) -> Credentials | None:
        """Return the registry's credentials, looked up once, or once more; raise Denied."""
        if self._credentials is None or again:
            try:
                found = await self._flights.join(
                    "credentials", lambda: self._keychain.find(self._registry)
                )
            except ConfigInvalid as error:
                raise Denied(f"{self._registry.host}: no credentials: {error}") from None
            if self._credentials is not None:
                self._spent.extend(self._credentials.secrets())
            self._credentials = found or Credentials()
        return self._credentials if self._credentials != Credentials() else None

    def secrets(self) -> tuple[str, ...]:
        """Return what must not be shown though an answer holds it."""
        tokens = tuple(token.header.partition(" ")[2] for token in self._tokens.values())
        known = self._credentials.secrets() if self._credentials else ()
        return (*known, *tokens, *self._spent)


def check_realm(realm: str, route: Route) -> yarl.URL:
    """Return the token server's URL; raise Denied where no credentials may go.

    It must be https (http only if the registry itself is spoken to so), without user info,
    and public, unless it is the registry's own host and port or among its `realm_hosts`.
    """
    try:
        url = yarl.URL(realm).with_fragment(None)
        origin = Origin.of(url)
        fine = url.raw_user is None and url.raw_password is None
    except (ValueError, TypeError):
        fine = False
    where = f"token server {plain(realm.partition('?')[0].rpartition('@')[2])}"
    if not fine:
        raise Denied(f"{where}: not an http(s) URL without user info")
    if origin.scheme == "http" and route.origin.scheme != "http":
        raise Denied(f"{where}: not https, and the registry is")
    if not allows_host(route.reach_of(origin, strict=True), origin.host):
        raise Denied(f"{where}: a private address; if it is yours, name it in realm_hosts")
    return url


def _token_request(
    url: yarl.URL, service: str, scope: str, found: Credentials, route: Route
) -> Request:
    """Return the request for a token: by identity token, with Basic, or anonymous."""
    fields = [("service", service)] if service else []
    form: Mapping[str, str] | None = None
    if found.identity_token:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": found.identity_token,
            "client_id": _CLIENT_ID,
            "service": service,
            "scope": scope,
        }
    else:
        fields += [("scope", one) for one in scope.split()]
        url = url.extend_query(fields)
    return Request(
        method="GET" if form is None else "POST",
        url=url,
        route=route,
        accept="application/json",
        authorization="" if form else found.basic,
        limit=_MAX_TOKEN_BYTES,
        redirects=0,
        form=form,
        strict=True,
        origin=Origin.of(url),
    )


def parse_token(body: bytes) -> tuple[str, float]:
    """Return the token and its lifetime in seconds, at least 60; raise BodyInvalid.

    `token` and `access_token` are the same thing; `issued_at` is another clock's.
    """
    try:
        parsed: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        parsed = None
    fields = parsed if isinstance(parsed, dict) else {}
    text = fields.get("token") or fields.get("access_token")
    if not isinstance(text, str) or not _SENDABLE.fullmatch(text):
        raise BodyInvalid("its answer holds no usable token")
    seconds = fields.get("expires_in")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        seconds = SHORTEST_LIFE_S
    return text, min(max(float(seconds), SHORTEST_LIFE_S), _LONGEST_LIFE_S)
