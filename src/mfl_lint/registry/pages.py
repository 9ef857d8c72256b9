"""Listings: page after page, never further than a hostile registry deserves.

A listing that stops early keeps its names and says why; nobody may conclude from it that a
name is gone.
Source: distribution-spec 1.1 "Listing Tags"; RFC 8288.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

import msgspec
import yarl

from mfl_lint.core.decoding import decode
from mfl_lint.core.errors import BodyInvalid, RegistryError
from mfl_lint.registry.answer import Answer, place
from mfl_lint.registry.link import next_page
from mfl_lint.registry.source import Listing

MAX_LISTING_BYTES: Final = 32 * 1024 * 1024
MAX_PAGES: Final = 10_000
MAX_NAMES: Final = 1_000_000
_MAX_IDLE_PAGES: Final = 10

Field = Literal["tags", "repositories"]
Fetch = Callable[[yarl.URL], Awaitable[Answer]]


class _Page(msgspec.Struct):
    tags: list[Any] | msgspec.UnsetType | None = msgspec.UNSET
    repositories: list[Any] | msgspec.UnsetType | None = msgspec.UNSET


def names_of(body: bytes, field: Field) -> list[Any]:
    """Return what a page lists, `null` being nothing; raise BodyInvalid for no page at all."""
    try:
        page = decode(body, _Page)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BodyInvalid(f"the listing is not a JSON object with {field}") from None
    listed = page.tags if field == "tags" else page.repositories
    if listed is msgspec.UNSET:
        raise BodyInvalid(f"the listing is a JSON object without {field}")
    return listed or []


class Pages:
    """Reads one listing. `fits` judges a name by its grammar; others are dropped and counted."""

    def __init__(
        self, fetch: Fetch, field: Field, fits: Callable[[str], bool], max_pages: int = MAX_PAGES
    ) -> None:
        self._fetch = fetch
        self._field = field
        self._fits = fits
        self._max_pages = max_pages
        self._names: dict[str, None] = {}
        self._dropped = 0

    async def read(self, first: yarl.URL) -> Listing:
        """Return the listing; raise what the first page raises, later trouble is a problem."""
        following, problem = await self._page(first)
        seen, idle = {first}, 0
        while following is not None and not problem:
            if following in seen:
                problem = "its pages lead in a circle"
            elif len(seen) >= self._max_pages or len(self._names) >= MAX_NAMES:
                problem = f"its pages do not end; stopped after {len(seen)}"
            elif idle >= _MAX_IDLE_PAGES:
                problem = f"its pages go on without new names; stopped after {len(seen)}"
            else:
                seen.add(following)
                known = len(self._names)
                following, problem = await self._later_page(following)
                idle = idle + 1 if len(self._names) == known else 0
        return Listing(tuple(self._names), self._told(problem, first))

    async def _later_page(self, url: yarl.URL) -> tuple[yarl.URL | None, str]:
        """Return the page behind this one, and why this one could not be read."""
        try:
            return await self._page(url)
        except RegistryError as error:
            return None, str(error)

    async def _page(self, url: yarl.URL) -> tuple[yarl.URL | None, str]:
        """Take one page's names; return the next page's URL, and why that cannot be asked for."""
        answer = await self._fetch(url)
        for name in names_of(answer.body, self._field):
            if isinstance(name, str) and self._fits(name):
                self._names[name] = None
            else:
                self._dropped += 1
        try:
            return next_page(answer.headers.getall("Link", []), url), ""
        except BodyInvalid as error:
            return None, str(error)

    def _told(self, problem: str, first: yarl.URL) -> str:
        """Return all that is wrong with the listing as one line, "" for nothing."""
        dropped = f"{self._dropped} names that are none were dropped" if self._dropped else ""
        told = "; ".join(part for part in (problem, dropped) if part)
        return f"listing {place(first)}: {told}" if told else ""
