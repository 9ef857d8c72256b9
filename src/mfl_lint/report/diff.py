"""Two references beside each other, as text and as JSON."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from mfl_lint.core.difference import Change, Difference, PlatformDifference, Status
from mfl_lint.core.observation import Observation
from mfl_lint.report.json_v1 import to_json
from mfl_lint.report.paper import Paper

_SHOWN: Final = 8
_STYLES: Final = {
    Status.SAME: "dim",
    Status.CHANGED: "yellow",
    Status.ADDED: "green",
    Status.REMOVED: "red",
}


class SideV1(msgspec.Struct, frozen=True):
    """One of the two references."""

    reference: str
    digest: str | None


class DifferenceV1(msgspec.Struct, frozen=True):
    """What `mfl-lint diff --json` prints."""

    version: Literal[1]
    before: SideV1
    after: SideV1
    same: bool
    same_platforms: bool
    platforms: tuple[PlatformDifference, ...]
    changes: tuple[Change, ...]
    unseen: tuple[str, ...]


def difference_v1(before: Observation, after: Observation, found: Difference) -> DifferenceV1:
    """Return the difference as it is printed."""
    sides = [SideV1(str(x.reference), x.digest or x.reference.digest) for x in (before, after)]
    return DifferenceV1(
        version=1,
        before=sides[0],
        after=sides[1],
        same=found.same and not found.unseen,
        same_platforms=found.same_platforms and not found.unseen,
        platforms=found.platforms,
        changes=found.changes,
        unseen=found.unseen,
    )


def render_difference_json(shown: DifferenceV1) -> str:
    """Return the JSON text."""
    return to_json(shown)


def render_difference(shown: DifferenceV1, paper: Paper) -> str:
    """Return the table, what changed below it, and a last line that sums up."""
    for sign, side in (("-", shown.before), ("+", shown.after)):
        paper.line(f"{sign} ", (side.reference, "bold"), (f"  {side.digest or ''}", "dim"))
    if shown.platforms:
        titles = ("platform", "status", "before", "after", "differs in")
        paper.table(titles, [(_cells(item), _STYLES[item.status]) for item in shown.platforms])
    for change in shown.changes:
        _write_change(paper, "", change)
    for item in shown.platforms:
        for change in item.changes:
            _write_change(paper, f"{item.platform or 'no platform'} ", change)
    for line in shown.unseen:
        paper.block("? ", [("could not look: ", "magenta"), line], style="bold magenta")
    paper.line("")
    paper.line(_summary(shown))
    return paper.text()


def _cells(item: PlatformDifference) -> tuple[str, ...]:
    fields = list(dict.fromkeys(change.field for change in item.changes))
    more = f", {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else ""
    return (
        item.platform or "no platform",
        str(item.status),
        _short(item.before),
        _short(item.after),
        (", ".join(fields[:_SHOWN]) + more) or "-",
    )


def _short(digest: str | None) -> str:
    return digest.partition(":")[2][:12] if digest else "-"


def _write_change(paper: Paper, place: str, change: Change) -> None:
    paper.block("│ ", [(f"{place}{change.field}", "bold")])
    paper.block("│   - ", [(change.before or "(nothing)", "red")])
    paper.block("│   + ", [(change.after or "(nothing)", "green")])


def _summary(shown: DifferenceV1) -> str:
    if shown.same:
        return "The same."
    count = {status: sum(x.status is status for x in shown.platforms) for status in Status}
    counted = ", ".join(f"{number} {status}" for status, number in count.items() if number)
    if shown.unseen:
        return f"Platforms: {counted or 'none seen'}; not all could be looked at."
    return f"Platforms: {counted or 'none'}."
