"""Images of one list that are the same for an engine, and which of them stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from mfl_lint.core.observation import Kind, LookState, Node
from mfl_lint.core.platform import Platform

_ZSTD: Final = "io.github.containers.compression.zstd"

Same = tuple[Platform, bool]


def same_key(node: Node, platform: Platform | None) -> Same | None:
    """Return what makes two images the same for an engine, None where nothing can.

    `platform` is what the entry says, or will say. An image packed with zstd beside the same
    one packed with gzip is no double.
    """
    if node.kind not in (Kind.IMAGE, Kind.UNDECIDED) or platform is None or platform.is_unknown:
        return None
    if not (platform.os and platform.architecture):
        return None
    return platform.normalized(), node.entry.annotations.get(_ZSTD) == "true"


def doubles(nodes: Iterable[Node]) -> list[list[Node]]:
    """Return the groups of different images that are the same for an engine, as the list is."""
    groups: dict[Same, list[Node]] = {}
    for node in nodes:
        absent = node.look is not None and node.look.state is LookState.ABSENT
        key = None if absent else same_key(node, node.entry.platform)
        if key is not None and node.kind is Kind.IMAGE:
            groups.setdefault(key, []).append(node)
    several = (group for group in groups.values() if len(group) > 1)
    return [group for group in several if len({node.entry.digest for node in group}) > 1]


def preferred(nodes: Sequence[Node]) -> tuple[Node, str]:
    """Return which of several images stays, and why: the newest, else the first."""
    dates = [node.config.created_at if node.config is not None else None for node in nodes]
    known = [date for date in dates if date is not None]
    if len(known) == len(nodes) and len(set(known)) > 1:
        newest = max(known)
        return nodes[dates.index(newest)], f"the newest, of {newest:%Y-%m-%d %H:%M}"
    return nodes[0], "what engines take today"
