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

    What opened and then got worse or eased has opened. What was mended and opened again at another
    severity got worse, or eased.
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
        kind = _kind(begin, end)
        if kind is not None:
            left.append(msgspec.structs.replace(end, kind=kind))
    return left


def _kind(begin: News, end: News) -> Kind | None:
    """Return what is left of the first and the last news of a thing, None where that is nothing."""
    if begin.kind is Kind.OPENED and end.kind in (Kind.WORSENED, Kind.EASED):
        return Kind.OPENED
    if _OPPOSITE.get(begin.kind) is not end.kind:
        return end.kind
    if begin.kind is Kind.RESOLVED and begin.severity is not end.severity:
        return Kind.WORSENED if end.severity.rank < begin.severity.rank else Kind.EASED
    return None
