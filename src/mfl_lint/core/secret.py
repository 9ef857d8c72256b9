"""Secrets that the program makes: long and random, so that a plain hash of them can be kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

_PREFIX: Final = "mfl_"
_BYTES: Final = 32


def new_secret() -> str:
    """Return 256 random bits as text for a URL or a cookie."""
    return secrets.token_urlsafe(_BYTES)


def new_token() -> str:
    """Return a new API token; its prefix lets scanners for leaked secrets know it."""
    return _PREFIX + new_secret()


def secret_digest(secret: str) -> str:
    """Return what is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def form_token(secret: str) -> str:
    """Return what a form carries to prove that it was made for whoever holds the secret.

    It follows from the secret and tells nothing of it, so that nothing more need be kept.
    """
    return hmac.new(secret.encode("utf-8", "surrogatepass"), b"form", hashlib.sha256).hexdigest()
