"""Query parameters, bounded and checked; a wrong one is a 400 with one line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from mfl_lint.core.policy import Severity
from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import FindingFilter

LIMIT: Final = 50
MAX_LIMIT: Final = 200
MAX_TEXT: Final = 200
MAX_CURSOR: Final = 500
MAX_CHOICES: Final = 6
_MAX_VALUES: Final = 20

PAGING: Final = frozenset({"cursor", "limit"})
GLOB: Final = PAGING | {"tag"}
FINDINGS: Final = PAGING | {
    "registry",
    "repository",
    "tag",
    "rule",
    "platform",
    "severity",
    "state",
}

TRANSITIONS: Final = PAGING | {"registry", "repository", "rule", "change"}
PLACES: Final = PAGING | {"registry", "repository"}
MATRIX: Final = PLACES | {"tag"}
SEARCH: Final = PAGING | {"q"}
READY: Final = frozenset({"platform", "engine"})


class Query(msgspec.Struct, frozen=True):
    """The parameters of one request by name, without empty ones."""

    values: Mapping[str, tuple[str, ...]] = {}

    def text(self, name: str, longest: int = MAX_TEXT) -> str:
        """Return the one value of a parameter, "" if absent; 400 if too long or repeated."""
        given = self.values.get(name, ())
        if len(given) > 1:
            raise _bad(f"{name} is given {len(given)} times; once is enough")
        value = given[0] if given else ""
        if len(value) > longest:
            raise _bad(f"{name} has {len(value)} characters; at most {longest} are allowed")
        if not (value.isascii() and value.isprintable()):
            raise _bad(f"{name} holds a character that is not printable ASCII")
        return value

    def choices(self, name: str, allowed: Collection[str]) -> tuple[str, ...]:
        """Return the values of a parameter, comma-separated or repeated; 400 for another."""
        values = self.values.get(name, ())
        given = [part for value in values for part in value.split(",")]
        if len(values) > MAX_CHOICES or any(value.count(",") >= MAX_CHOICES for value in values):
            raise _bad(f"{name} is given too often; {MAX_CHOICES} times are enough")
        if any(part not in allowed for part in given):
            raise _bad(f"{name} must be one of {', '.join(allowed)}")
        return tuple(dict.fromkeys(given))

    @property
    def cursor(self) -> str | None:
        """Return where the list goes on, None for its beginning."""
        return self.text("cursor", MAX_CURSOR) or None

    @property
    def limit(self) -> int:
        """Return how many items are asked for."""
        text = self.text("limit", 10)
        if not text:
            return LIMIT
        number = int(text) if text.isascii() and text.isdecimal() else 0
        if not 1 <= number <= MAX_LIMIT:
            raise _bad(f"limit must be a number from 1 to {MAX_LIMIT}")
        return number

    @property
    def narrowed(self) -> bool:
        """Say whether anything but paging is asked for."""
        return bool(set(self.values) - PAGING)

    def encoded(self, **changes: str | None) -> str:
        """Return `?…` with changes put over (None takes one away), "" where nothing is left."""
        over = {name: (value,) for name, value in changes.items() if value is not None}
        merged = {**{k: v for k, v in self.values.items() if k not in changes}, **over}
        return f"?{urlencode(merged, doseq=True)}" if merged else ""


def read_query(
    request: web.Request, allowed: Collection[str], required: Collection[str] = ()
) -> Query:
    """Return the request's parameters; 400 for one that is not allowed here, or is missing."""
    values: dict[str, list[str]] = {}
    for name, value in request.query.items():
        if name not in allowed:
            known = f"; known are {', '.join(sorted(allowed))}" if allowed else ""
            raise _bad(f"there is no parameter {name[:40]!a} here{known}")
        if value:
            values.setdefault(name, []).append(value)
    if sum(map(len, values.values())) > _MAX_VALUES:
        raise _bad(f"at most {_MAX_VALUES} parameters are allowed")
    for name in sorted(set(required) - values.keys()):
        raise _bad(f"{name} is missing")
    return Query({name: tuple(given) for name, given in values.items()})


def finding_filter(query: Query) -> FindingFilter:
    """Return what a list of findings is to be narrowed to."""
    states = query.choices("state", [str(item) for item in FindingState])
    return FindingFilter(
        registry=query.text("registry"),
        repository=query.text("repository"),
        tag=query.text("tag"),
        rule=query.text("rule"),
        platform=query.text("platform"),
        severities=query.choices("severity", [str(item) for item in Severity]),
        states=states or FindingFilter().states,
    )


def _bad(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=message)
