"""Query parameters, bounded and checked; a wrong one is a 400 with one line."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from mfl_lint.core.errors import PlatformInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import FindingFilter, TagFilter
from mfl_lint.store.view_tags import STATES, Order

LIMIT: Final = 50
MAX_LIMIT: Final = 200
MAX_TEXT: Final = 200
MAX_CURSOR: Final = 500
MAX_CHOICES: Final = 6
_MAX_VALUES: Final = 20

PAGING: Final = frozenset({"cursor", "limit"})
TAGS: Final = PAGING | {"tag", "is", "offers", "lacks", "sort"}
DIFFERENCE: Final = frozenset({"before", "after"})
FINDINGS: Final = PAGING | {
    "registry",
    "repository",
    "tag",
    "rule",
    "platform",
    "severity",
    "state",
    "age",
}
AGES: Final = {
    "<1d": "under a day",
    "<7d": "under a week",
    ">7d": "over a week",
    ">30d": "over a month",
    ">90d": "over three months",
}
_AGE: Final = re.compile(r"([<>])([0-9]{1,4})([hd])")
_LISTED: Final = frozenset({"severity", "state", "is", "delivery"})

TRANSITIONS: Final = PAGING | {"registry", "repository", "rule", "change"}
PLACES: Final = PAGING | {"registry", "repository"}
MATRIX: Final = PLACES | {"tag", "platform"}
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
        if any(value.count(",") >= MAX_CHOICES for value in values):
            raise _too_often(name)
        if any(part not in allowed for part in given):
            raise _bad(f"{name} must be one of {', '.join(allowed)}")
        return tuple(dict.fromkeys(given))

    def platform(self, name: str) -> Platform | None:
        """Return the platform that a parameter names, None if absent; 400 if it is none."""
        text = self.text(name)
        try:
            return Platform.parse(text) if text else None
        except PlatformInvalid as error:
            raise _bad(f"{name} is {error}") from None

    @property
    def age(self) -> tuple[str, timedelta] | None:
        """Return `<` or `>` and a span, None where no age is asked for."""
        text = self.text("age", 10)
        match = _AGE.fullmatch(text)
        if text and match is None:
            raise _bad("age must be < or > and a number of hours or days, like <12h or >7d")
        if match is None:
            return None
        return match[1], timedelta(hours=int(match[2]) * (24 if match[3] == "d" else 1))

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
        return bool(set(self.values) - PAGING - {"sort"})

    @property
    def demands(self) -> Iterator[tuple[str, str, str]]:
        """Yield name and value of each thing that is asked for, and `?…` of the rest without it."""
        for name, given in self.values.items():
            if name in PAGING or name == "sort":
                continue
            parts = [one for text in given for one in text.split(",") if one]
            for part in parts if name in _LISTED else given:
                left = tuple(one for one in parts if one != part) if name in _LISTED else ()
                rest = {
                    key: kept for key, kept in self.values.items() if key not in (name, "cursor")
                }
                rest |= {name: left} if left else {}
                yield name, part, Query(rest).encoded()

    def encoded(self, **changes: str | None) -> str:
        """Return `?…` with changes put over (None takes one away), "" where nothing is left."""
        over = {name: (value,) for name, value in changes.items() if value is not None}
        merged = {**{k: v for k, v in self.values.items() if k not in changes}, **over}
        return f"?{urlencode(merged, doseq=True)}" if merged else ""


def _too_often(name: str) -> web.HTTPBadRequest:
    return _bad(f"{name} is given too often; {MAX_CHOICES} times are enough")


NOTHING: Final = Query()


def read_query(
    request: web.Request, allowed: Collection[str], required: Collection[str] = ()
) -> Query:
    """Return the request's parameters; 400 for one that is not allowed here, or is missing."""
    if not request.query_string and not required:
        return NOTHING
    values: dict[str, list[str]] = {}
    for name, value in request.query.items():
        if name not in allowed:
            known = f"; known are {', '.join(sorted(allowed))}" if allowed else ""
            raise _bad(f"there is no parameter {name[:40]!a} here{known}")
        if value:
            values.setdefault(name, []).append(value)
    for name in set(request.query):
        if len(request.query.getall(name)) > MAX_CHOICES:
            raise _too_often(name)
    if sum(map(len, values.values())) > _MAX_VALUES:
        raise _bad(f"at most {_MAX_VALUES} parameters are allowed")
    for name in sorted(set(required) - values.keys()):
        raise _bad(f"{name} is missing")
    return Query({name: tuple(given) for name, given in values.items()})


def finding_filter(query: Query, now: datetime) -> FindingFilter:
    """Return what a list of findings is to be narrowed to; ages are told from `now`."""
    states = query.choices("state", [str(item) for item in FindingState])
    side, span = query.age or ("", timedelta())
    return FindingFilter(
        registry=query.text("registry"),
        repository=query.text("repository"),
        tag=query.text("tag"),
        rule=query.text("rule"),
        platform=query.text("platform"),
        severities=query.choices("severity", [str(item) for item in Severity]),
        states=states or FindingFilter().states,
        seen_after=now - span if side == "<" else None,
        seen_before=now - span if side == ">" else None,
    )


def tag_filter(query: Query) -> TagFilter:
    """Return what a repository's tags are to be narrowed to."""
    return TagFilter(
        glob=query.text("tag"),
        states=query.choices("is", STATES),
        offers=query.platform("offers"),
        lacks=query.platform("lacks"),
    )


def tag_order(query: Query) -> Order:
    """Return how a repository's tags are to be sorted."""
    order = query.text("sort") or Order.VERSION
    if order not in list(Order):
        raise _bad(f"sort must be one of {', '.join(Order)}")
    return Order(order)


def _bad(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=message)
