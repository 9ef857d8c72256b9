"""A scan as GitHub-flavoured Markdown: a table of findings, and their fixes below it.

All that comes from registries and files stands in code spans and code blocks, in which nothing
is markup: no link, no picture, no mention. A pipe would end a cell even there, so it is shown
by its escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from mfl_lint.core.mendable import ways_of
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.core.scan import Scan
from mfl_lint.report.inert import inert
from mfl_lint.report.material import (
    Material,
    Unseen,
    counted,
    counts,
    lines,
    places_by_reference,
    unseen,
    worst_first,
)

MAX_ROWS: Final = 500
_MAX_CELL: Final = 1000
_SIGNS: Final = {
    Severity.ERROR: "❌ error",
    Severity.WARNING: "⚠️ warning",
    Severity.INFO: "💡 info",
}


def render_markdown(material: Material) -> str:
    """Return the report. It shows at most 500 rows of a kind and says how many it left out."""
    scan = material.scan
    findings = worst_first(scan.findings)
    parts = [
        ["## mfl-lint", "", _summary(scan, material.ignored)],
        _findings(findings, scan),
        _unseen(scan),
        _fixes(findings),
    ]
    return "\n".join(line for part in parts for line in (*part, "") if part).rstrip() + "\n"


def _summary(scan: Scan, ignored: int) -> str:
    said = [*counts(scan), f"{sum(1 for _ in unseen(scan))} could not be looked at"]
    if ignored:
        said.append(f"{ignored} ignored")
    if scan.known:
        said.append(f"{len(scan.known)} known from the baseline")
    at = scan.started_at.strftime("%Y-%m-%d %H:%M UTC")
    return f"{', '.join(said)} in {counted(len(scan.targets), 'reference')}, looked at {at}."


def _findings(findings: list[Finding], scan: Scan) -> list[str]:
    if not findings:
        all_seen = next(unseen(scan), None) is None
        return ["No findings." if all_seen else "No findings in what could be looked at."]
    places = places_by_reference(scan)
    rows = [
        (
            _SIGNS[finding.severity],
            f"{finding.rule} {finding.slug}",
            _code(finding.reference),
            _code(finding.platform),
            _code(finding.message),
            *(_code(f"{at.path}:{at.line}") for at in places.get(finding.reference, ())[:1]),
        )
        for finding in islice(findings, MAX_ROWS)
    ]
    titles = ("severity", "rule", "reference", "platform", "what")
    return [*_table((*titles, "where") if places else titles, rows), *_more(findings)]


def _unseen(scan: Scan) -> list[str]:
    missed = list(unseen(scan))
    if not missed:
        return []
    rows = [(_code(item.reference), item.rule, _code(item.message)) for item in missed[:MAX_ROWS]]
    title = ["### Could not be looked at", ""]
    return [*title, *_table(("reference", "rule", "why"), rows), *_more(missed)]


def _fixes(findings: list[Finding]) -> list[str]:
    written: list[str] = []
    for finding in islice(findings, MAX_ROWS):
        if ways := ways_of(finding):
            fix = lines(ways)
            fence = "`" * max(3, _longest_run(fix) + 1)
            where = " ".join(filter(None, (_code(finding.reference), _code(finding.platform))))
            written += [f"{finding.rule} {where}", "", f"{fence}sh", fix, fence, ""]
    return ["### Fixes", "", *written] if written else []


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    titles = tuple(titles)
    yield f"| {' | '.join(titles)} |"
    yield f"|{'---|' * len(titles)}"
    for row in rows:
        cells = (*row, *("" for _ in titles))[: len(titles)]
        yield f"| {' | '.join(cells)} |"


def _more(items: list[Finding] | list[Unseen]) -> list[str]:
    left_out = len(items) - MAX_ROWS
    return ["", f"{left_out} more are not shown here."] if left_out > 0 else []


def _code(text: str) -> str:
    """Return text as one code span of a table's cell, nothing for no text."""
    if not text:
        return ""
    shown = inert(text).replace("|", "\\x7c")
    shown = shown if len(shown) <= _MAX_CELL else f"{shown[: _MAX_CELL - 1]}…"
    ticks = "`" * (_longest_run(shown) + 1)
    space = " " if shown.startswith((" ", "`")) or shown.endswith((" ", "`")) else ""
    return f"{ticks}{space}{shown}{space}{ticks}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
