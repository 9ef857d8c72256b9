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
from mfl_lint.web.answers import OverviewAnswer
from mfl_lint.web.items import BrokenItem, ChangeItem, FindingItem, RegistryItem, TagItem
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


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup("".join(parts))  # noqa: S704  # parts that were drawn


class Shown:
    """The parts as a page of one moment asks for them."""

    def __init__(self, fragments: Fragments, now: datetime) -> None:
        self._fragments = fragments
        self._now = now

    def head(self) -> Markup:
        """Return what the head of every page holds."""
        return self._fragments.draw("head", (), self._now)

    def bar(self, path: str, query: Query | None, viewer: Viewer | None) -> Markup:
        """Return what stands above every page; a failure has no query, and may have no viewer."""
        sought = query.text("q") if query is not None and path == "/search" else ""
        leads = viewer is None or bool(viewer.rights)
        key = (path, sought, leads, viewer is not None and viewer.person is None)
        return self._fragments.draw("bar", key, self._now, *key)

    def hero(self, answer: OverviewAnswer, watched: list[RegistryItem]) -> Markup:
        """Return what is wrong at all, in words and numbers."""
        sizes = [(one.tags, one.repositories) for one in watched]
        key = msgspec.msgpack.encode((answer.counts, answer.days[-2:], answer.doubts, sizes))
        return self._fragments.draw("hero", key, self._now, answer, watched)

    def registries(self, items: Iterable[RegistryItem]) -> Markup:
        """Return registries with how they are."""
        return _joined([self._registry(item) for item in items])

    def _registry(self, item: RegistryItem) -> Markup:
        last = item.last_crawl
        crawled = None if last is None else last.finished_at or last.started_at
        times = (at for at in (item.next_crawl_at, crawled) if at is not None)
        told = [wording.relative(at, self._now) for at in times]
        key = (msgspec.msgpack.encode(item), *told)
        return self._fragments.draw("registry", key, self._now, item)

    def findings(
        self, items: Iterable[FindingItem], viewer: Viewer | None = None, **how: bool
    ) -> Markup:
        """Return findings in a list, drawn as `how` says."""
        may = viewer is not None and viewer.may("ignore")
        how["may_ignore"] = may
        key = tuple(how.items())
        return _joined([self._finding(item, key, how) for item in items])

    def _finding(self, item: FindingItem, key: Hashable, how: Mapping[str, bool]) -> Markup:
        seen = wording.relative(item.first_seen_at, self._now)
        later = item.resolved_at or (item.last_confirmed_at if item.state != "open" else None)
        told = wording.relative(later, self._now) if later is not None else ""
        return self._fragments.draw("finding", (item, seen, told, key), self._now, item, **how)

    def tag_rows(self, items: Iterable[TagItem], platforms: tuple[str, ...]) -> Markup:
        """Return the rows of a repository's matrix."""
        return _joined([self._tag_row(item, platforms) for item in items])

    def _tag_row(self, item: TagItem, platforms: tuple[str, ...]) -> Markup:
        moved = item.moved_at or item.first_seen_at
        said = "" if moved is None else wording.relative(moved, self._now)
        key = (msgspec.msgpack.encode(item), said, platforms)
        return self._fragments.draw("tag_row", key, self._now, item, platforms)

    def broken(self, items: Iterable[BrokenItem]) -> Markup:
        """Return tags with findings that count."""
        return _joined([self._part("broken", item, item.since) for item in items])

    def changes(self, items: Iterable[ChangeItem]) -> Markup:
        """Return what became of findings, tag by tag."""
        groups = map(tuple, together(items))
        return _joined([self._part("change", group, group[0].at) for group in groups])

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
