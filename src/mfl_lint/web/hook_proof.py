"""Whether a webhook was sent by who knows its secret."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Final

from aiohttp import web

from mfl_lint.config import HookConfig
from mfl_lint.core.errors import ConfigInvalid

_HMAC_HEADER: Final = "X-Hub-Signature-256"
_SECRET_HEADER: Final = "Authorization"  # noqa: S105  # a header's name
_BEARER: Final = b"bearer "
_MAX_SECRET_BYTES: Final = 64 * 1024
_SHORTEST: Final = 16


def secret_of(hook: HookConfig) -> bytes:
    """Return a webhook's secret, read anew; raise ConfigInvalid naming the setting."""
    where = f"hook.{hook.name}.secret"
    if hook.secret_env:
        secret = os.environb.get(os.fsencode(hook.secret_env), b"")
        where = f"{where}_env: {hook.secret_env}"
    else:
        where = f"{where}_file: {hook.secret_file}"
        try:
            with Path(hook.secret_file).open("rb") as file:
                secret = file.read(_MAX_SECRET_BYTES).strip()
        except OSError as error:
            raise ConfigInvalid(f"{where}: {error.strerror}") from None
    if len(secret) < _SHORTEST:
        raise ConfigInvalid(
            f"{where} holds no secret of {_SHORTEST} characters or more: openssl rand -hex 32"
        )
    return secret


def header_of(hook: HookConfig) -> str:
    """Return the name of the header that proves who sends."""
    return hook.header or (_HMAC_HEADER if hook.proven_by == "hmac" else _SECRET_HEADER)


def is_proven(hook: HookConfig, secret: bytes, request: web.Request, body: bytes) -> bool:
    """Say whether a request proves that who sent it knows the secret.

    The signature is over the body's very bytes. Only equal bytes will do, and how long comparing
    them takes tells nothing of the secret.
    """
    given = _given(hook, request)
    if given is None:
        return False
    if hook.proven_by == "hmac":
        expected = hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
        return hmac.compare_digest(given.removeprefix(b"sha256="), expected)
    bare = given[len(_BEARER) :] if given[: len(_BEARER)].lower() == _BEARER else given
    return hmac.compare_digest(given, secret) | hmac.compare_digest(bare, secret)


def _given(hook: HookConfig, request: web.Request) -> bytes | None:
    """Return the one proof that a request carries, None for none or several."""
    if hook.proven_by == "url":
        found = request.query.getall("secret", [])
    else:
        found = request.headers.getall(header_of(hook), [])
    return found[0].encode("utf-8", "surrogateescape") if len(found) == 1 else None
