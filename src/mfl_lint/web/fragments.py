"""Parts of pages that are drawn once: most of a list is what it was when last shown.

A part is a macro of `macros.html`. It depends on what it is given and on what its times are called
now, and on nothing else; so the same is the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

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

_FOREVER: Final = datetime.max.replace(tzinfo=UTC)
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_MOST_CHARACTERS: Final = 16 * 1024 * 1024


class _Drawn(NamedTuple):
    """A part, and since and until when its times are called what they are called in it."""

    text: Markup
    since: datetime
    until: datetime


class Fragments:
    """The parts of one application's pages. `macro` gives a macro by name."""

    def __init__(self, macro: Callable[[str], Callable[..., str]]) -> None:
        self._macro = macro
        self._drawn: dict[Hashable, _Drawn] = {}
        self._characters = 0

    def draw(
        self,
        name: str,
        key: Hashable,
        now: datetime,
        *given: Any,
        times: Iterable[datetime | None] = (),
        **more: Any,
    ) -> Markup:
        """Return the macro's text; `key` and how long ago `times` are is all it depends on."""
        place = (name, key)
        found = self._drawn.get(place)
        if found is not None and found.since <= now < found.until:
            return found.text
        when = partial(wording.time_element, now=now)
        text = Markup(self._macro(name)(*given, when=when, **more))  # noqa: S704  # a macro's
        until = min((wording.relative_until(at, now) for at in times if at), default=_FOREVER)
        self._keep(place, _Drawn(text, now if until < _FOREVER else _ALWAYS, until))
        return text

    def _keep(self, place: Hashable, drawn: _Drawn) -> None:
        """Keep a part; all are forgotten where they become too many."""
        self._characters += len(drawn.text)
        if self._characters > _MOST_CHARACTERS:
            self._drawn.clear()
            self._characters = len(drawn.text)
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
        stranger = viewer is not None and viewer.person is None
        audits = viewer is not None and viewer.may("audit")
        key = (path, sought, leads, stranger, audits)
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
        key, times = msgspec.msgpack.encode(item), (item.next_crawl_at, crawled)
        return self._fragments.draw("registry", key, self._now, item, times=times)

    def findings(
        self, items: Iterable[FindingItem], viewer: Viewer | None = None, **how: bool
    ) -> Markup:
        """Return findings in a list, drawn as `how` says."""
        may = viewer is not None and viewer.may("ignore")
        how["may_ignore"] = may
        key = tuple(how.items())
        return _joined([self._finding(item, key, how) for item in items])

    def _finding(self, item: FindingItem, key: Hashable, how: Mapping[str, bool]) -> Markup:
        later = item.resolved_at or (item.last_confirmed_at if item.state != "open" else None)
        times = (item.first_seen_at, later)
        return self._fragments.draw("finding", (item, key), self._now, item, times=times, **how)

    def tag_rows(self, items: Iterable[TagItem], platforms: tuple[str, ...]) -> Markup:
        """Return the rows of a repository's matrix."""
        return _joined([self._tag_row(item, platforms) for item in items])

    def _tag_row(self, item: TagItem, platforms: tuple[str, ...]) -> Markup:
        key = (msgspec.msgpack.encode(item), platforms)
        times = (item.moved_at or item.first_seen_at,)
        return self._fragments.draw("tag_row", key, self._now, item, platforms, times=times)

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
        return self._fragments.draw(name, item, self._now, item, times=(at,))

    def next_page(self, next_cursor: str | None, asked: Query, path: str) -> Markup:
        """Return the way to the next page of a list, and back to the first."""
        key = (path, next_cursor, *asked.values.items())
        return self._fragments.draw("next_page", key, self._now, next_cursor, asked, path)

    def finding_form(self, query: Query, rules: tuple[Rule, ...]) -> Markup:
        """Return what a list of findings is narrowed by; the rules are always the same ones."""
        key = tuple(query.values.items())
        return self._fragments.draw("finding_form", key, self._now, query, rules)
