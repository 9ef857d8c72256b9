"""What engines take of a list: for one platform or for all common hosts, as text and as JSON.

The published schema is docs/schema/select-v1.json: `python -m mfl_lint.report.select` prints it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Node, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection import (
    COMMON_HOSTS,
    ENGINES,
    Engine,
    EntryReason,
    Selection,
    detected,
    select,
)
from mfl_lint.report.json_v1 import to_json
from mfl_lint.report.paper import Paper

_MAX_CELL: Final = 200
_UNKNOWN: Final = "unknown: not seen: "
_TITLES: Final = ("engine", "#", "takes", "digest", "why")


class SelectedV1(msgspec.Struct, frozen=True):
    """What is taken. `position` counts the list's entries from 0, None where there is no list."""

    position: int | None
    digest: str | None
    platform: str


class ReasonV1(msgspec.Struct, frozen=True):
    """Why one entry is taken or not."""

    position: int | None
    digest: str | None
    platform: str
    taken: bool
    reason: str


class EngineV1(msgspec.Struct, frozen=True):
    """One engine's choice; `entries` only where they were asked for.

    `selected` is None for no match, and where it is unknown: the reason then says so.
    """

    engine: Engine
    selected: SelectedV1 | None
    reason: str
    entries: tuple[ReasonV1, ...] | UnsetType = UNSET

    @property
    def unknown(self) -> bool:
        """Say whether what would decide was not seen."""
        return self.reason.startswith(_UNKNOWN)


class SelectionV1(msgspec.Struct, frozen=True):
    """What `mfl-lint select --platform P --json` prints."""

    version: Literal[1]
    reference: str
    platform: str
    engines: tuple[EngineV1, ...]


class HostSelectionV1(msgspec.Struct, frozen=True):
    """What the engines take on one host, each asking for what it detects there."""

    platform: str
    engines: tuple[EngineV1, ...]


class HostsV1(msgspec.Struct, frozen=True):
    """What `mfl-lint select --all-hosts --json` prints."""

    version: Literal[1]
    reference: str
    hosts: tuple[HostSelectionV1, ...]


def selection(
    seen: Observation, asked: Platform, engines: Iterable[Engine] = ENGINES, *, explain: bool
) -> SelectionV1:
    """Return what each engine takes when it is asked for a platform."""
    made = tuple(_engine(seen, engine, asked, explain=explain) for engine in engines)
    return SelectionV1(1, str(seen.reference), asked.full, made)


def all_hosts(seen: Observation, engines: Sequence[Engine] = ENGINES) -> HostsV1:
    """Return what each engine takes on each common host."""
    hosts = tuple(
        HostSelectionV1(
            host.full,
            tuple(_engine(seen, one, detected(one, host), explain=False) for one in engines),
        )
        for host in COMMON_HOSTS
    )
    return HostsV1(1, str(seen.reference), hosts)


def render_selection_json(shown: SelectionV1 | HostsV1) -> str:
    """Return the JSON text."""
    return to_json(shown)


def render_selection(shown: SelectionV1, paper: Paper) -> str:
    """Return a table of the engines, and below it why each entry fell out, if that is known."""
    paper.line((shown.reference, "bold"), f"  {shown.platform}")
    paper.table(_TITLES, map(_row, shown.engines))
    for names, entries in _alike(shown.engines):
        paper.line("")
        paper.line((" and ".join(names), "bold"))
        for entry in entries:
            mark, style = ("✓ ", "green") if entry.taken else ("│ ", "")
            place = f"{entry.position} {entry.platform or 'no platform'}"[:_MAX_CELL]
            paper.block(mark, [(f"{place}: ", style), entry.reason], style=style)
    return paper.text()


def render_all_hosts(shown: HostsV1, paper: Paper) -> str:
    """Return the matrix of hosts and engines, and below it what the numbers stand for."""
    paper.line((shown.reference, "bold"), "  the entry that each engine takes on each host")
    names = [str(one.engine) for one in shown.hosts[0].engines]
    paper.table(("host", *names, "same?"), map(_host_row, shown.hosts))
    taken = {
        one.selected.position or 0: one.selected
        for host in shown.hosts
        for one in host.engines
        if one.selected is not None
    }
    for _, entry in sorted(taken.items()):
        name = entry.platform or "no platform"
        paper.block("│ ", [f"{_number(entry)} is {name[:_MAX_CELL]} {entry.digest or ''}"])
    return paper.text()


def _engine(seen: Observation, engine: Engine, asked: Platform, *, explain: bool) -> EngineV1:
    if seen.root is None:
        detail = f": {seen.look.detail}" if seen.look.detail else ""
        told = f"the reference is {seen.look.state}{detail}"
        return EngineV1(engine, None, f"{_UNKNOWN}{told}")
    try:
        made = select(seen.root, engine, asked)
    except NotObserved as error:
        return EngineV1(engine, None, f"{_UNKNOWN}{error}")
    entries = tuple(map(_reason, made.entries)) if explain else UNSET
    return EngineV1(engine, _selected(made), made.reason, entries)


def _selected(made: Selection) -> SelectedV1 | None:
    node = made.selected
    if node is None:
        return None
    return SelectedV1(node.position, node.entry.digest, _platform(node))


def _reason(entry: EntryReason) -> ReasonV1:
    node = entry.node
    digest, platform = node.entry.digest, _platform(node)
    return ReasonV1(node.position, digest, platform, entry.taken, entry.reason)


def _platform(node: Node) -> str:
    """Return what the entry says, where it says nothing what its config says."""
    said = node.entry.platform
    if said is None and node.config is not None:
        said = node.config.platform
    return said.full if said is not None else ""


def _row(one: EngineV1) -> tuple[tuple[str, ...], str]:
    if one.selected is None:
        return (str(one.engine), "-", "?" if one.unknown else "nothing", "-", one.reason), "yellow"
    digest = one.selected.digest or "-"
    cells = (_number(one.selected), one.selected.platform[:_MAX_CELL] or "no platform")
    return (str(one.engine), *cells, digest.removeprefix("sha256:")[:12], one.reason), ""


def _host_row(host: HostSelectionV1) -> tuple[tuple[str, ...], str]:
    cells = tuple(_cell(one) for one in host.engines)
    who = [cell for one, cell in zip(host.engines, cells, strict=True) if _is_real(one.engine)]
    if set(cells) == {"-"}:
        return (host.platform, *cells, "-"), "dim"
    verdict, style = ("no", "yellow") if len(set(who)) > 1 else ("yes", "")
    return (host.platform, *cells, verdict), style


def _is_real(engine: Engine) -> bool:
    return engine is not Engine.FIRST_MATCH


def _cell(one: EngineV1) -> str:
    if one.selected is None:
        return "?" if one.unknown else "-"
    return _number(one.selected)


def _number(selected: SelectedV1) -> str:
    return "-" if selected.position is None else str(selected.position)


def _alike(
    engines: Iterable[EngineV1],
) -> Iterable[tuple[list[str], tuple[ReasonV1, ...]]]:
    """Return the engines' reasons, once for those that have the same."""
    found: dict[tuple[ReasonV1, ...], list[str]] = {}
    for one in engines:
        if one.entries is not UNSET and one.entries:
            found.setdefault(one.entries, []).append(str(one.engine))
    return [(names, entries) for entries, names in found.items()]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of both reports."""
    reports, components = msgspec.json.schema_components(
        (SelectionV1, HostsV1), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mfl-lint select, version 1",
        "anyOf": list(reports),
        "$defs": components,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
