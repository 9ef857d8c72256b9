"""Parts of pages that are drawn once: most of a list is what it was when last shown.

A part is a macro of `macros.html`. It depends on what it is given and on what its times are called
now, and on nothing else; so the same is the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
from markupsafe import Markup

from mfl_lint.core.rule import Rule
from mfl_lint.core.views import Counts, DayCounts
from mfl_lint.web import wording
from mfl_lint.web.items import BrokenItem, ChangeItem, FindingItem, TagItem
from mfl_lint.web.present import together
from mfl_lint.web.query import Query
from mfl_lint.web.viewer import Viewer

_MOST_CHARACTERS: Final = 16 * 1024 * 1024


class Fragments:
    """The parts of one application's pages. `macro` gives a macro by name."""

    def __init__(self, macro: Callable[[str], Callable[..., str]]) -> None:
        self._macro = macro
        self._drawn: dict[Hashable, Markup] = {}
        self._characters = 0

    def draw(self, name: str, key: Hashable, now: datetime, *given: Any, **more: Any) -> Markup:
        """Return the macro's text; `key` is all that it depends on."""
        place = (name, key)
        found = self._drawn.get(place)
        if found is None:
            when = partial(wording.time_element, now=now)
            found = Markup(self._macro(name)(*given, when=when, **more))  # noqa: S704  # a macro's
            self._keep(place, found)
        return found

    def _keep(self, place: Hashable, drawn: Markup) -> None:
        """Keep a part; all are forgotten where they become too many."""
        self._characters += len(drawn)
        if self._characters > _MOST_CHARACTERS:
            self._drawn.clear()
            self._characters = len(drawn)
        self._drawn[place] = drawn


class Shown:
    """The parts as a page of one moment asks for them."""

    def __init__(self, fragments: Fragments, now: datetime) -> None:
        self._fragments = fragments
        self._now = now

    def findings(
        self, items: Iterable[FindingItem], viewer: Viewer | None = None, **how: bool
    ) -> Markup:
        """Return findings in a list, drawn as `how` says."""
        may = viewer is not None and viewer.may("ignore")
        how["may_ignore"] = may
        key = tuple(how.items())
        return Markup("").join([self._finding(item, key, how) for item in items])

    def _finding(self, item: FindingItem, key: Hashable, how: Mapping[str, bool]) -> Markup:
        seen = wording.relative(item.first_seen_at, self._now)
        later = item.resolved_at or (item.last_confirmed_at if item.state != "open" else None)
        told = wording.relative(later, self._now) if later is not None else ""
        return self._fragments.draw("finding", (item, seen, told, key), self._now, item, **how)

    def tag_rows(self, items: Iterable[TagItem], platforms: tuple[str, ...]) -> Markup:
        """Return the rows of a repository's matrix."""
        return Markup("").join([self._tag_row(item, platforms) for item in items])

    def _tag_row(self, item: TagItem, platforms: tuple[str, ...]) -> Markup:
        moved = item.moved_at or item.first_seen_at
        said = "" if moved is None else wording.relative(moved, self._now)
        key = (msgspec.msgpack.encode(item), said, platforms)
        return self._fragments.draw("tag_row", key, self._now, item, platforms)

    def broken(self, items: Iterable[BrokenItem]) -> Markup:
        """Return tags with findings that count."""
        return Markup("").join([self._part("broken", item, item.since) for item in items])

    def changes(self, items: Iterable[ChangeItem]) -> Markup:
        """Return what became of findings, tag by tag."""
        groups = map(tuple, together(items))
        return Markup("").join([self._part("change", group, group[0].at) for group in groups])

    def days(self, days: tuple[DayCounts, ...], ignored: Counts) -> Markup:
        """Return what stood at the end of each day, as a picture and as a table."""
        return self._fragments.draw("days", (days, ignored), self._now, days, ignored)

    def _part(self, name: str, item: Hashable, at: datetime | None) -> Markup:
        told = "" if at is None else wording.relative(at, self._now)
        return self._fragments.draw(name, (item, told), self._now, item)

    def finding_form(self, query: Query, rules: tuple[Rule, ...]) -> Markup:
        """Return what a list of findings is narrowed by; the rules are always the same ones."""
        key = tuple(query.values.items())
        return self._fragments.draw("finding_form", key, self._now, query, rules)
