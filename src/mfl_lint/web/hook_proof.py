"""Whether a webhook was sent by who knows its secret."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
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
_MAKE: Final = "openssl rand -hex 32"
_THERE: Final = "the registry gets the same (docs/webhooks.md)"
_SIGNATURE: Final = re.compile(rb"[0-9a-f]{64}")


def secret_of(hook: HookConfig) -> bytes:
    """Return a webhook's secret, read anew; raise ConfigInvalid naming the setting."""
    where = f"hook.{hook.name}.secret"
    if hook.secret_env:
        where, cure = f"{where}_env: {hook.secret_env}", f"export {hook.secret_env}=$({_MAKE})"
        found = os.environb.get(os.fsencode(hook.secret_env))
        problem = "the variable is not set"
    else:
        where, cure = f"{where}_file: {hook.secret_file}", f"{_MAKE} > {hook.secret_file}"
        found, problem = _read(hook.secret_file)
    secret = (found or b"").strip()
    if len(secret) < _SHORTEST:
        short = f"it holds no secret of {_SHORTEST} characters or more"
        why = problem if found is None else short
        raise ConfigInvalid(f"{where}: {why}: `{cure}` where mfl-lint serve runs; {_THERE}")
    return secret


def _read(file: str) -> tuple[bytes | None, str]:
    """Return what a file holds, or None and why it cannot be read."""
    try:
        with Path(file).open("rb") as opened:
            return opened.read(_MAX_SECRET_BYTES), ""
    except OSError as error:
        return None, error.strerror or "it cannot be read"


def header_of(hook: HookConfig) -> str:
    """Return the name of the header that proves who sends."""
    return hook.header or (_HMAC_HEADER if hook.proven_by == "hmac" else _SECRET_HEADER)


def proof_in(hook: HookConfig, request: web.Request) -> bytes | None:
    """Return the one proof that a request carries: a secret, or a signature's digits.

    None for none, several, and what is no signature at all.
    """
    if hook.proven_by == "url":
        found = request.query.getall("secret", [])
    else:
        found = request.headers.getall(header_of(hook), [])
    if len(found) != 1:
        return None
    proof = found[0].encode("utf-8", "surrogateescape")
    if hook.proven_by != "hmac":
        return proof
    digits = proof.removeprefix(b"sha256=")
    return digits if _SIGNATURE.fullmatch(digits) else None


def is_secret(given: bytes, secret: bytes) -> bool:
    """Say whether somebody gave the secret itself. How long it takes tells nothing of it."""
    bare = given[len(_BEARER) :] if given[: len(_BEARER)].lower() == _BEARER else given
    return hmac.compare_digest(given, secret) | hmac.compare_digest(bare, secret)


def is_signature(digits: bytes, secret: bytes, body: bytes) -> bool:
    """Say whether who signed the body's very bytes knows the secret."""
    expected = hmac.new(secret, body, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(digits, expected)
