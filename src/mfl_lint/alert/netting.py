"""What is left of news that nobody was told of: the last word on each thing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from mfl_lint.core.news import Kind, News

_OPPOSITE: Final = {
    Kind.OPENED: Kind.RESOLVED,
    Kind.RESOLVED: Kind.OPENED,
    Kind.UNKNOWN: Kind.RECOVERED,
    Kind.RECOVERED: Kind.UNKNOWN,
}


def net(news: Iterable[News]) -> list[News]:
    """Return what is left of news of the same things: the last word, nothing where it was undone.

    What opened and then got worse has opened.
    """
    first: dict[tuple[str, ...], News] = {}
    last: dict[tuple[str, ...], News] = {}
    for one in news:
        key: tuple[str, ...] = ("", one.registry, one.repository, one.tag)
        if one.fingerprint:
            key = (one.fingerprint,)
        if one.kind is Kind.INTRODUCED:
            key = (*key, one.kind)
        first.setdefault(key, one)
        last[key] = one
    left = []
    for key, end in last.items():
        begin = first[key]
        if _OPPOSITE.get(begin.kind) is end.kind:
            continue
        if begin.kind is Kind.OPENED and end.kind is Kind.WORSENED:
            end = msgspec.structs.replace(end, kind=Kind.OPENED)
        left.append(end)
    return left
