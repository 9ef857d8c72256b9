"""A small OpenID Connect issuer: real HTTP, real keys, and lies on request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

CLIENT = "mfl-lint"
SECRET = "the-client's-secret"


class OidcIssuer:
    """Vouches for `email`; what it signs is changed by `claims`, `header` and `key`.

    `metadata` is put over what it says of itself.
    """

    def __init__(self) -> None:
        self.url = ""
        self.email = "Bob@example.com"
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "RS256"}
        self.metadata: dict[str, Any] = {}
        self.keys: list[OctKey | RSAKey | ECKey | OKPKey] = [
            RSAKey.generate_key(2048, {"kid": "one"}, auto_kid=False)
        ]
        self.key: Any = self.keys[0]
        self.token: str | None = None
        self.confused = False
        self.forms: list[dict[str, str]] = []
        self.agents: set[str] = set()
        self._asked: dict[str, dict[str, str]] = {}

    def rotate(self) -> None:
        """Sign with a new key from now on, and know only that one."""
        self.key = ECKey.generate_key("P-256", {"kid": "two"}, auto_kid=False)
        self.keys = [self.key]
        self.header = {"alg": "ES256"}

    def app(self) -> web.Application:
        """Return the issuer's application."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._configuration)
        app.router.add_get("/authorize", self._authorize)
        app.router.add_post("/token", self._token)
        app.router.add_get("/keys", self._keys)
        return app

    async def _configuration(self, request: web.Request) -> web.Response:
        said = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return web.json_response(said | self.metadata)

    async def _authorize(self, request: web.Request) -> web.Response:
        """Consent at once."""
        query = dict(request.query)
        assert ("code", CLIENT, "S256") == (
            query["response_type"],
            query["client_id"],
            query["code_challenge_method"],
        )
        code = f"code-{len(self._asked)}"
        self._asked[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        raise web.HTTPFound(f"{query['redirect_uri']}?{back}")

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.agents.add(request.headers["User-Agent"])
        self.forms.append(form)
        asked = self._asked.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        fits = base64.urlsafe_b64encode(challenge).decode().rstrip("=")
        if (
            asked is None
            or fits != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
            or form.get("client_secret") != SECRET
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"id_token": self.token or self._signed(asked["nonce"])})

    def _signed(self, nonce: str) -> str:
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "1234",
            "exp": int(time.time()) + 300,
            "nonce": nonce,
            "email": self.email,
            "email_verified": True,
        }
        given = {name: value for name, value in (claims | self.claims).items() if value is not None}
        if self.confused:
            return self._by_hand(given)
        algorithms = [self.header["alg"]]
        return jwt.encode(self.header, given, self.key, algorithms=algorithms)

    async def _keys(self, request: web.Request) -> web.Response:
        return web.json_response(KeySet(self.keys).as_dict(private=False))

    def _by_hand(self, claims: dict[str, Any]) -> str:
        """Return a token that is signed by the public key, as if it were a secret."""
        parts = ({"alg": "HS256", "kid": "one"}, claims)
        signed = b".".join(_encoded(json.dumps(part).encode()) for part in parts)
        key = self.keys[0]
        assert isinstance(key, RSAKey)
        made = hmac.new(key.as_pem(private=False), signed, hashlib.sha256).digest()
        return (signed + b"." + _encoded(made)).decode()


def _encoded(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


@asynccontextmanager
async def issuing() -> AsyncIterator[OidcIssuer]:
    """Yield an issuer that is served on loopback."""
    issuer = OidcIssuer()
    async with TestServer(issuer.app()) as server:
        issuer.url = f"http://127.0.0.1:{server.port}"
        yield issuer
