"""A repository's tags against the platforms they offer. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.platform import Platform, meets
from mfl_lint.core.policy import Ignore, Policy
from mfl_lint.core.records import Entry
from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import TagRow
from mfl_lint.web import links, present
from mfl_lint.web.certainty import tag_doubt, unseen
from mfl_lint.web.items import Cell, FindingItem, TagItem

MAX_COLUMNS: Final = 16
NO_PLATFORM: Final = "no platform"
_MAX_NAME: Final = 60
_USUAL: Final = ("amd64", "arm64", "arm/v7", "arm/v6", "386", "ppc64le", "s390x", "riscv64")
_RUNS: Final = (Kind.IMAGE, Kind.UNDECIDED)

# Worst first: what a cell shows when several things are true of it.
_ORDER: Final = ("absent", "error", "missing", "warning", "unknown", "info", "ok")
_FINE: Final = ("ok", "info")
_REASONS: Final = {
    "absent": "listed, but gone from the registry",
    "missing": "demanded by the policy, but not listed",
    "unknown": "not looked at, or the look failed",
    "ok": "nothing found",
    "none": "not offered",
}


class Matrix(msgspec.Struct, frozen=True):
    """The columns, worst-first facts turned into cells, and how many columns were left out."""

    platforms: tuple[str, ...]
    more_platforms: int
    items: tuple[TagItem, ...]


def matrix(
    rows: Sequence[TagRow],
    registry: str,
    repository: str,
    policy: Policy,
    now: datetime,
    asked: Sequence[str] = (),
) -> Matrix:
    """Return the matrix of the rows, under the policy that holds at `now`.

    The columns that are `asked` for are there even if no row has anything in them.
    """
    return matrix_across([(registry, repository, row) for row in rows], policy, now, asked)


def matrix_across(
    rows: Sequence[tuple[str, str, TagRow]],
    policy: Policy,
    now: datetime,
    asked: Sequence[str] = (),
) -> Matrix:
    """Return the matrix of tags of many repositories: each row after its registry and name."""
    ignores = present.active_ignores(policy, now)
    facts = [_facts_of(row, (registry, name), policy, ignores) for registry, name, row in rows]
    tally = Counter(name for row in facts for name in row.cells)
    tally |= Counter(dict.fromkeys(asked, len(facts) + 1))
    chosen = sorted(name for name, _ in tally.most_common(MAX_COLUMNS))
    columns = tuple(sorted(chosen, key=_column_order))
    return Matrix(columns, len(tally) - len(columns), tuple(row.item(columns) for row in facts))


def column(platform: Platform | None) -> str:
    """Return the name of a platform's column; the builds of Windows share one."""
    if platform is None or not (platform.os or platform.architecture):
        return NO_PLATFORM
    return str(platform.normalized())[:_MAX_NAME]


def _facts_of(
    row: TagRow, place: tuple[str, str], policy: Policy, ignores: tuple[Ignore, ...]
) -> _Row:
    """Return the facts of a row: those of before where it is the very same one."""
    return _same_facts(_Same(row), place, _Same(policy), ignores)


class _Same:
    """A value that is the same as nothing but itself, so that it need not be compared."""

    __slots__ = ("it",)

    def __init__(self, it: Any) -> None:
        self.it = it

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.it is other.it

    def __hash__(self) -> int:
        return id(self.it)


@lru_cache(maxsize=512)
def _same_facts(
    row: _Same, place: tuple[str, str], policy: _Same, ignores: tuple[Ignore, ...]
) -> _Row:
    return _Row(row.it, place, policy.it, ignores)


class _Row:
    """The cells of one tag, gathered from entries, findings and demands."""

    def __init__(
        self, row: TagRow, place: tuple[str, str], policy: Policy, ignores: tuple[Ignore, ...]
    ) -> None:
        self._row = row
        self._place = place
        self._findings = [present.finding_item(item, ignores) for item in row.findings]
        self._items: dict[tuple[str, ...], TagItem] = {}
        self._doubt = tag_doubt(row, policy)
        self._partial = row.state.look is LookState.VERIFIED and bool(self._doubt)
        self.cells: dict[str, Cell] = {}
        for name, state, reason in self._facts(policy):
            before = self.cells.get(name)
            if before is None or _ORDER.index(state) < _ORDER.index(before.state):
                self.cells[name] = Cell(state, reason)
        if self._partial and (row.state.complete or not unseen(row.entries)):
            # Nobody knows which of the platforms was not decided.
            doubtful = Cell("unknown", self._doubt)
            self.cells |= {
                name: doubtful for name, cell in self.cells.items() if cell.state == "ok"
            }
        if self._past:
            self.cells = {name: self._of_then(cell) for name, cell in self.cells.items()}

    @property
    def _past(self) -> str:
        """Return since when nothing of the tag was confirmed, "" where the last look saw it."""
        state = self._row.state
        if state.look is LookState.VERIFIED or state.digest is None:
            return ""
        at = state.verified_at
        return f"last confirmed {at:%Y-%m-%d %H:%M} UTC" if at is not None else "never confirmed"

    def _of_then(self, cell: Cell) -> Cell:
        """Return a cell of a tag whose last look failed: that nothing is wrong is not known now."""
        if cell.state in _FINE:
            return Cell("unknown", f"not known now: {self._doubt}; {self._past}")
        return Cell(cell.state, f"{cell.reason}; {self._past}")

    def _facts(self, policy: Policy) -> Iterator[tuple[str, str, str]]:
        """Yield column, state and reason of all that is known."""
        findings = [item for item in self._findings if item.ignored is None]
        for finding in findings:
            name = self._column_of(finding)
            if name:
                state = finding.severity
                state = "unknown" if finding.state == FindingState.UNKNOWN else state
                yield name, state, f"{finding.rule} {finding.message}"
        offered = list(self._offered())
        for platform, state, reason in offered:
            yield column(platform), state, reason
        if self._row.state.digest is None or self._row.state.gone_at is not None:
            return
        for wanted in policy.required(self._place[1], self._row.state.name):
            if not any(given and meets(wanted, given) for given, _, _ in offered):
                if self._is_blind:
                    yield column(wanted), "unknown", self._doubt
                else:
                    yield column(wanted), "missing", _REASONS["missing"]

    @property
    def _is_blind(self) -> bool:
        """Say whether there may be platforms that nobody saw."""
        summary = self._row.state.summary
        return self._partial and (summary is None or summary.platforms is None)

    def _offered(self) -> Iterator[tuple[Platform | None, str, str]]:
        """Yield each platform of the tag with how the look at it ended."""
        for entry in self._row.entries:
            if entry.kind in _RUNS:
                state = _entry_state(entry)
                yield entry.descriptor.platform, state, _REASONS[state]
        summary = self._row.state.summary
        for platform in summary.platforms or () if summary is not None else ():
            yield platform, "ok", _REASONS["ok"]

    def _column_of(self, finding: FindingItem) -> str:
        """Return the column that a finding colours, "" where it is the whole tag's."""
        for entry in self._row.entries:
            if entry.position == finding.position and entry.descriptor.digest == finding.digest:
                return column(entry.descriptor.platform) if entry.kind in _RUNS else ""
        if not finding.platform:
            return ""
        names = {column(platform) for platform, _, _ in self._offered()}
        given = column(_as_written(finding.platform))
        return given if given in names else ""

    def item(self, columns: tuple[str, ...]) -> TagItem:
        """Return the row; a tag that was never seen is unknown everywhere."""
        made = self._items.get(columns)
        if made is None:
            self._items.clear()
            made = self._items[columns] = self._made(columns)
        return made

    def _made(self, columns: Iterable[str]) -> TagItem:
        state = self._row.state
        counts = present.counts_of(self._findings)
        empty = Cell("none", _REASONS["none"])
        if state.digest is None or self._is_blind:
            empty = Cell("unknown", self._doubt or _REASONS["unknown"])
        elif self._past:
            empty = self._of_then(empty)
        worst = present.worst(counts)
        return TagItem(
            tag=state.name,
            digest=state.digest,
            look=str(state.look),
            detail=self._doubt if self._partial else state.detail,
            state="unknown" if self._doubt and worst == "ok" else worst,
            watched=state.watched,
            counts=counts,
            ignored=sum(item.ignored is not None for item in self._findings),
            first_seen_at=state.first_seen_at,
            moved_at=state.moved_at,
            looked_at=state.looked_at,
            verified_at=state.verified_at,
            missing_since=state.missing_since,
            gone_at=state.gone_at,
            cells={name: self.cells.get(name, empty) for name in columns},
            page=links.tag(*self._place, state.name),
        )


def _entry_state(entry: Entry) -> str:
    if entry.look is LookState.VERIFIED:
        return "ok"
    return "absent" if entry.look is LookState.ABSENT else "unknown"


def _as_written(text: str) -> Platform:
    """Return a finding's platform again; it was printed as os/architecture/variant."""
    os, architecture, variant, *_ = *text.split("/", 2), "", ""
    return Platform(os, architecture, variant)


def _column_order(name: str) -> tuple[int, int, str]:
    os, _, rest = name.partition("/")
    system = {"linux": 0, "windows": 1, NO_PLATFORM: 3}.get(os, 2)
    return system, _USUAL.index(rest) if rest in _USUAL else len(_USUAL), name
