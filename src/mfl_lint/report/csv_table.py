"""A scan as CSV, a row for each finding and for each thing that could not be looked at.

Source: RFC 4180. A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, tab or CR for a
formula: such a line gets an apostrophe in front, and tab and CR are shown by their escapes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Final

from mfl_lint.core.mendable import ways_of
from mfl_lint.core.scan import Place
from mfl_lint.report.inert import inert
from mfl_lint.report.material import Material, places_by_reference, unseen

COLUMNS: Final = (
    "severity", "rule", "slug", "reference", "platform", "digest", "message", "fix",
    "fingerprint", "file", "line",
)  # fmt: skip
# A spreadsheet's cell holds 32,767 characters.
_MAX_CELL: Final = 32_000
_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def render_csv(material: Material) -> str:
    """Return the table; rows of what was not seen have the severity `unknown`."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    places = places_by_reference(material.scan)

    for item in material.scan.findings:
        at = _place(places.get(item.reference, ()))
        ways = cell_of_lines(ways_of(item))
        said = (item.severity, item.rule, item.slug, item.reference, item.platform)
        told = (item.digest or "", cell(item.message), ways, item.fingerprint)
        writer.writerow((*map(cell, said), *told, *at))
    for missed in unseen(material.scan):
        at, reference = _place(missed.places), cell(missed.reference)
        why = cell(missed.message)
        writer.writerow(("unknown", missed.rule, "", reference, "", "", why, "", "", *at))
    return file.getvalue()


def _place(places: Sequence[Place]) -> tuple[str, str]:
    return (cell(places[0].path), str(places[0].line)) if places else ("", "")


def cell_of_lines(text: str) -> str:
    """Return lines as one cell."""
    return "\n".join(map(cell, text.split("\n")))[:_MAX_CELL]


def cell(text: str) -> str:
    """Return one line that is no formula, and in which nothing acts."""
    shown = inert(text)
    shown = shown if len(shown) <= _MAX_CELL else f"{shown[: _MAX_CELL - 1]}…"
    return f"'{shown}" if shown.lstrip(" ").startswith(_FORMULA) else shown
