"""News as messages: one for people, with true counts; for programs as many as hold all. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, islice, takewhile
from typing import Final

import msgspec

from mfl_lint.config_alert import RouteConfig
from mfl_lint.core.messages import Notice
from mfl_lint.core.news import Group, Kind, News

MOST_ITEMS: Final = 1000
_ORDER: Final = tuple(Kind)


def in_order(news: Iterable[News]) -> list[News]:
    """Return news by what happened, then the worst first, then by place."""
    return sorted(
        news, key=lambda one: (_ORDER.index(one.kind), one.severity.rank, one.place, one.id)
    )


def notice(
    route: RouteConfig,
    group: Group,
    news: Iterable[News],
    now: datetime,
    url: str,
    *,
    digest: bool = False,
) -> Notice:
    """Return the message about all of the news; the same at the same time are the same message.

    They are read once, and no more of a kind are held than a message has place for.
    """
    counts: Counter[Kind] = Counter()
    kept: dict[Kind, list[News]] = {}
    for one in news:
        counts[one.kind] += 1
        ones = kept.setdefault(one.kind, [])
        ones.append(one)
        if len(ones) > 2 * MOST_ITEMS:
            ones[:] = _first(ones, digest)[:MOST_ITEMS]
    items = _fitting([_first(kept[kind], digest) for kind in _ORDER if kind in kept])
    counted = {kind: counts[kind] for kind in _ORDER if kind in counts}
    left_out, mark = counts.total() - len(items), _mark(group, now, items)
    return Notice(mark, route.name, group, now, items, left_out, digest, url, counted)


def _first(news: Sequence[News], digest: bool) -> list[News]:
    """Return news of one kind: in a report the oldest first, else the worst."""
    if digest:
        return sorted(news, key=lambda one: one.since or one.at)
    return in_order(news)


def _fitting(kinds: Sequence[Sequence[News]]) -> tuple[News, ...]:
    """Return as many as fit: each kind has its share, and what it does not need is for others."""
    room = MOST_ITEMS
    shares = [0] * len(kinds)
    fewest_first = sorted(range(len(kinds)), key=lambda at: len(kinds[at]))
    for left, at in zip(range(len(kinds), 0, -1), fewest_first, strict=True):
        shares[at] = min(len(kinds[at]), room // left)
        room -= shares[at]
    return tuple(one for ones, share in zip(kinds, shares, strict=True) for one in ones[:share])


def without_eased(told: Notice) -> Notice | None:
    """Return a message without what only eased; None where nothing else is in it."""
    if Kind.EASED not in told.counted:
        return told
    counts = {kind: number for kind, number in told.counted.items() if kind is not Kind.EASED}
    items = tuple(one for one in told.items if one.kind is not Kind.EASED)
    left_out = sum(counts.values()) - len(items)
    return (
        msgspec.structs.replace(told, items=items, counts=counts, left_out=left_out)
        if counts
        else None
    )


def _mark(group: Group, now: datetime, items: Sequence[News], part: int = 0) -> str:
    told = [*msgspec.structs.astuple(group), now.isoformat(), *(one.id for one in items)]
    text = "\0".join([*told, f"part {part}"] if part else told)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def parts(told: Notice, news: Iterable[News]) -> Iterator[Notice]:
    """Yield a message as programs get it: where it has no place for all news, in several parts.

    Of what stands in a report only that is told for which the message had place: a report ends
    nothing.
    """
    if not told.left_out:
        yield told
        return
    left_out = 0
    if told.digest:
        stands = [one for one in told.items if one.kind is Kind.STANDING]
        left_out = told.counted.get(Kind.STANDING, 0) - len(stands)
        news = chain(takewhile(lambda one: one.kind is not Kind.STANDING, news), stands)
    rest = iter(news)
    items, number = tuple(islice(rest, MOST_ITEMS)), 0
    while items or not number:
        following, number = tuple(islice(rest, MOST_ITEMS)), number + 1
        if number == 1 and not following:
            yield told
            return
        yield msgspec.structs.replace(
            told,
            id=_mark(told.group, told.at, items, number),
            items=items,
            left_out=left_out,
            part=number,
            more=bool(following),
        )
        items = following
