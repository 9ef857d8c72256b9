"""An OpenID Connect issuer: what it says of itself, and whom it vouches for.

Source: OpenID Connect Core 1.0 (3.1.2, 3.1.3.7), Discovery 1.0 (4.3), RFC 7636 (PKCE), RFC 9207.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import os
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec

from mfl_lint import USER_AGENT
from mfl_lint.config_secrets import read_secret
from mfl_lint.config_serve import OidcConfig
from mfl_lint.core.decoding import known
from mfl_lint.core.errors import ConfigInvalid, Refused

_LOG: Final = logging.getLogger("mfl_lint")
BACK: Final = "/login/oidc/back"
_MOST_BYTES: Final = 256 * 1024
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10.0)
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"]
_LEEWAY_S: Final = 60
_CONFIGURATION: Final = "/.well-known/openid-configuration"


class Trip(msgspec.Struct, frozen=True):
    """What a browser takes to the issuer, and brings back in a cookie of its own."""

    state: str
    nonce: str
    verifier: str
    next: str


@known
class Metadata(msgspec.Struct, frozen=True):
    """What an issuer says of itself, as far as it is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class Issuer:
    """One issuer. Keys are asked for at each sign-in: they may have been changed since."""

    def __init__(self, settings: OidcConfig) -> None:
        self._settings = settings

    async def way(self, trip: Trip) -> str:
        """Return the URL at which the issuer asks who somebody is; raise Refused."""
        async with _session() as session:
            metadata = await self._metadata(session)
        challenge = hashlib.sha256(trip.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._back,
            "scope": "openid email profile",
            "state": trip.state,
            "nonce": trip.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        joint = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
        return f"{metadata.authorization_endpoint}{joint}{urlencode(query)}"

    async def vouched(self, code: str, trip: Trip, now_s: float) -> str:
        """Return the name of whom the issuer vouches for; raise Refused. `now_s`: since 1970."""
        async with _session() as session:
            metadata = await self._metadata(session)
            token = await self._id_token(session, metadata, code, trip)
            keys = await _json(session, "GET", metadata.jwks_uri)
        claims = _claims(token, keys)
        self._check(claims, trip, now_s)
        name = claims.get(self._settings.name_claim)
        if not isinstance(name, str) or not name:
            raise Refused(f"the issuer names nobody: there is no claim {self._settings.name_claim}")
        if self._settings.name_claim == "email" and claims.get("email_verified") is not True:
            raise Refused("the issuer has not verified this address")
        return name

    @property
    def _back(self) -> str:
        return self._settings.url.rstrip("/") + BACK

    async def _metadata(self, session: aiohttp.ClientSession) -> Metadata:
        place = self._settings.issuer.rstrip("/") + _CONFIGURATION
        try:
            found = msgspec.convert(await _json(session, "GET", place), Metadata)
        except msgspec.ValidationError:
            raise Refused("the issuer does not say how it is asked") from None
        if found.issuer != self._settings.issuer:
            raise Refused("the issuer calls itself otherwise than it is configured")
        secure = urlsplit(self._settings.issuer).scheme == "https"
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if urlsplit(url).scheme != "https" and secure:
                raise Refused("the issuer leads away from https")
        return found

    async def _id_token(
        self, session: aiohttp.ClientSession, metadata: Metadata, code: str, trip: Trip
    ) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._settings.client_id,
            "code_verifier": trip.verifier,
        }
        try:
            secret = client_secret(self._settings, os.environ)
        except ConfigInvalid as error:
            _LOG.error("nobody is signed in: %s", error)
            raise Refused("the client's secret cannot be read") from None
        if secret:
            form["client_secret"] = secret
        answer = await _json(session, "POST", metadata.token_endpoint, form)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Refused("the issuer's answer holds no id_token")
        return token

    def _check(self, claims: Mapping[str, Any], trip: Trip, now_s: float) -> None:
        """Raise Refused unless the token is of this issuer, for us, of this trip, and not over."""
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires, nonce = claims.get("exp"), claims.get("nonce")
        party = claims.get("azp", self._settings.client_id)
        if claims.get("iss") != self._settings.issuer:
            raise Refused("the token is of another issuer")
        if self._settings.client_id not in audiences or party != self._settings.client_id:
            raise Refused("the token is for somebody else")
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            raise Refused("the token has no end")
        if expires + _LEEWAY_S <= now_s:
            raise Refused("the token is over")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(), trip.nonce.encode()
        ):
            raise Refused("the token is of another sign-in")


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": USER_AGENT}
    )


async def _json(
    session: aiohttp.ClientSession, method: str, url: str, form: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the object that the issuer answers with; raise Refused without its words."""
    try:
        async with session.request(method, url, data=form, allow_redirects=False) as answer:
            body = await answer.content.read(_MOST_BYTES + 1)
            while len(body) <= _MOST_BYTES and (more := await answer.content.read(_MOST_BYTES)):
                body += more
            found = msgspec.json.decode(body) if answer.status == 200 else None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or len(body) > _MOST_BYTES:
        raise Refused("the issuer did not answer as it should")
    return found


def _claims(token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a token says that one of the issuer's keys signed; raise Refused."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        public = [one for one in keys["keys"] if one.get("kty") in ("RSA", "EC")]
        key_set = KeySet.import_key_set({"keys": public})
        return dict(jwt.decode(token, key_set, algorithms=_ALGORITHMS).claims)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError):
        raise Refused("the token is signed by none of the issuer's keys") from None


def client_secret(settings: OidcConfig, environment: Mapping[str, str]) -> str:
    """Return the client's secret, "" for none; it is read anew each time. Raise ConfigInvalid."""
    variable, file = settings.client_secret_env, settings.client_secret_file
    return read_secret("serve.oidc.client_secret", variable, file, environment)
