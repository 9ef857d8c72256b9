"""Passwords, kept as scrypt hashes that name their own parameters. Pure.

`scrypt:15:8:3:SALT:HASH` is N = 2^15, r = 8, p = 3 (RFC 7914), salt and hash in base64.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from typing import Final

import msgspec

from mfl_lint.core.errors import Refused

SHORTEST: Final = 10
LONGEST: Final = 1000
SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32


class Cost(msgspec.Struct, frozen=True):
    """What one try costs: 128 · r · 2^log_n bytes, and time by p."""

    log_n: int = 15
    r: int = 8
    p: int = 3


def check_password(password: str) -> None:
    """Raise Refused for a password that is too short, or too long; it is not repeated."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise Refused(f"a password has {SHORTEST} to {LONGEST} characters")


def hash_password(password: str, salt: bytes, cost: Cost = Cost()) -> str:  # noqa: B008  # frozen
    """Return what is kept of a password."""
    parts = (str(cost.log_n), str(cost.r), str(cost.p))
    made = (base64.b64encode(one).decode() for one in (salt, _derived(password, salt, cost)))
    return ":".join(("scrypt", *parts, *made))


def verifies(password: str, kept: str) -> bool:
    """Say whether it is the password; never for one that was not set. It takes long by intent."""
    scheme, *numbers, salt, wanted = kept.split(":") if kept.count(":") == 5 else [""] * 6
    if scheme != "scrypt":
        return False
    cost = Cost(*map(int, numbers))
    derived = _derived(password, base64.b64decode(salt), cost)
    return hmac.compare_digest(derived, base64.b64decode(wanted))


# What a name that nobody has is checked against, so that it takes as long as one that is known.
NOBODYS: Final = ":".join(
    ("scrypt", *map(str, msgspec.structs.astuple(Cost())), "A" * 22 + "==", "A" * 43 + "=")
)


def _derived(password: str, salt: bytes, cost: Cost) -> bytes:
    text = unicodedata.normalize("NFKC", password)[: LONGEST * 4]
    return hashlib.scrypt(
        text.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=1 << cost.log_n,
        r=cost.r,
        p=cost.p,
        maxmem=256 * cost.r * (1 << cost.log_n),
        dklen=_HASH_BYTES,
    )
