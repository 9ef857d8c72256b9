"""What every engine takes of a tag's list on every common host. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mfl_lint.core.observation import Node
from mfl_lint.report.hosts import Choice, choices
from mfl_lint.web.items import Cell
from mfl_lint.web.matrix import column
from mfl_lint.web.tag_items import HostItem, Taken

_UNSEEN: Final = Cell("unknown", "nobody knows how it is")


def host_items(root: Node | None, cells: Mapping[str, Cell]) -> tuple[HostItem, ...]:
    """Return what is taken, the hosts grouped by it, last those on which nothing is.

    There is none where there is no list. `cells` say how the tag is on each platform.
    """
    if root is None:
        return ()
    entries = {child.position: child for child in root.children}
    by_host: dict[str, list[Taken]] = {}
    for choice in choices(root):
        entry = None if choice.position is None else entries.get(choice.position)
        by_host.setdefault(choice.host, []).append(_taken(choice, entry, cells))
    groups = _grouped(by_host.items()).items()
    items = (HostItem(tuple(hosts), taken) for taken, hosts in groups)
    return tuple(sorted(items, key=lambda item: all(one.state == "none" for one in item.taken)))


def _taken(choice: Choice, entry: Node | None, cells: Mapping[str, Cell]) -> Taken:
    if choice.unknown:
        return Taken(choice.engine, None, "", "unknown", choice.unknown)
    if entry is None:
        return Taken(choice.engine, None, "", "none")
    platform = entry.entry.platform
    cell = cells.get(column(platform), _UNSEEN)
    name = str(platform)[:60] if platform is not None else ""
    return Taken(choice.engine, str(entry.position), name, cell.state, cell.reason)


def _grouped(rows: Iterable[tuple[str, list[Taken]]]) -> dict[tuple[Taken, ...], list[str]]:
    """Return the hosts by what is taken on them, in the order of the first of each."""
    groups: dict[tuple[Taken, ...], list[str]] = {}
    for host, taken in rows:
        groups.setdefault(tuple(taken), []).append(host)
    return groups
