"""Who may do what: roles, what they allow, names of people, and which registries they see. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from mfl_lint.core.errors import Refused

EVERYONE: Final = "everyone"
USERS: Final = "users"
# Who reaches a service that knows no users.
LOCAL: Final = "local"
_RESERVED: Final = frozenset({EVERYONE, USERS, LOCAL, "shell"})
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
_TOKEN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ @+-]{0,99}")


class Role(StrEnum):
    """What a person is here; each may do what the one before may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class Right(StrEnum):
    """One thing that somebody may do; an API token is given some of them, as its scopes."""

    READ = "read"
    SCAN = "scan"
    IGNORE = "ignore"
    PUSH = "push"
    AUDIT = "audit"


SCOPES: Final = tuple(Right)
RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.EDITOR: frozenset({Right.READ, Right.SCAN, Right.IGNORE, Right.PUSH}),
    Role.ADMIN: frozenset(Right),
}


class Person(msgspec.Struct, frozen=True):
    """Who asks. `scopes` are those of the API token that was sent, None without one."""

    name: str
    role: Role
    scopes: frozenset[Right] | None = None

    @property
    def rights(self) -> frozenset[Right]:
        """Return what the person may do: a token gives no more than its user's role."""
        allowed = RIGHTS[self.role]
        return allowed if self.scopes is None else allowed & self.scopes


class User(msgspec.Struct, frozen=True):
    """A person that is known by name. Without a password only a proxy or an issuer vouches."""

    name: str
    role: Role
    disabled: bool
    created_at: datetime
    has_password: bool


class ApiToken(msgspec.Struct, frozen=True):
    """An API token without its secret, of which only a hash is kept."""

    id: int
    name: str
    user: str
    scopes: tuple[Right, ...]
    created_at: datetime
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Deed(msgspec.Struct, frozen=True):
    """What somebody did, when, and to what."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str


def user_name(text: str) -> str:
    """Return the name of a user, in lower case; raise Refused for one that nobody can have."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise Refused(
            f"{text!r:.60} cannot be a user's name: 1 to 100 of a-z, 0-9 and . _ @ + -, "
            "beginning with a letter or a digit"
        )
    if name in _RESERVED:
        raise Refused(f"{name!r} has a meaning of its own and cannot be a user's name")
    return name


def token_name(text: str) -> str:
    """Return the name of an API token; raise Refused for one that is none."""
    if not _TOKEN_NAME.fullmatch(text):
        raise Refused(
            f"{text!r:.60} cannot be a token's name: 1 to 100 letters, digits, spaces and . _ @ + -"
        )
    return text


def seen_by(person: Person | None, visible_to: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Return the registries that a person sees who is no admin; None is whoever did not sign in.

    `visible_to` has for each registry: `everyone`, `users` (who signed in), and names of users.
    """
    own = {EVERYONE} if person is None else {EVERYONE, USERS, person.name}
    return frozenset(name for name, allowed in visible_to.items() if own & set(allowed))
