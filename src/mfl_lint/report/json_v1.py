"""A scan as one JSON object, version 1. Keys may be added, never changed.

The published schema is docs/schema/scan-v1.json: `python -m mfl_lint.report.json_v1` prints it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from mfl_lint import __version__
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.core.scan import Place, Scan, ScannedPlatform, ScannedTarget
from mfl_lint.report.inert import encodable
from mfl_lint.report.material import places_by_reference


class Tool(msgspec.Struct, frozen=True):
    """The program that wrote the report."""

    name: str
    version: str


class PlatformV1(msgspec.Struct, frozen=True):
    """One image of a target. `size` is in bytes, of the manifest."""

    platform: str
    digest: str | None
    size: int | None
    state: LookState


class UndecidedV1(msgspec.Struct, frozen=True):
    """A rule that could not decide, or that crashed."""

    rule: str
    outcome: str
    detail: str


class PlaceV1(msgspec.Struct, frozen=True):
    """Where a file names a reference; `line` is counted from 1."""

    path: str
    line: int


class UnresolvedV1(msgspec.Struct, frozen=True):
    """What stands in a file in place of a reference, and why it names none."""

    text: str
    file: str
    line: int
    why: str


class TargetV1(msgspec.Struct, frozen=True):
    """One reference that was looked at, in its canonical form."""

    reference: str
    digest: str | None
    media_type: str
    state: LookState
    detail: str
    platforms: tuple[PlatformV1, ...]
    undecided: tuple[UndecidedV1, ...]
    places: tuple[PlaceV1, ...]


class FindingV1(msgspec.Struct, frozen=True):
    """One fault. `reference` is that of its target, or a repository's name without a tag."""

    rule: str
    slug: str
    severity: Severity
    reference: str
    digest: str | None
    platform: str
    message: str
    fix: str
    fingerprint: str
    places: tuple[PlaceV1, ...]


class SummaryV1(msgspec.Struct, frozen=True):
    """How many findings there are of each severity, verdicts left open, findings left out.

    `ignored` are those that the policy leaves out, `known` those that a baseline lists.
    """

    error: int
    warning: int
    info: int
    unknown: int
    ignored: int
    known: int = 0


class ReportV1(msgspec.Struct, frozen=True):
    """A whole scan. `problems` says what could not be looked at besides the targets."""

    version: Literal[1]
    tool: Tool
    started_at: Annotated[datetime, msgspec.Meta(tz=True)]
    targets: tuple[TargetV1, ...]
    findings: tuple[FindingV1, ...]
    summary: SummaryV1
    problems: tuple[str, ...]
    unresolved: tuple[UnresolvedV1, ...]
    notes: tuple[str, ...]


def render_json(scan: Scan, *, ignored: int = 0) -> str:
    """Return the report as JSON text in ASCII, so that it is inert wherever it is printed."""
    places = places_by_reference(scan)
    report = ReportV1(
        version=1,
        tool=Tool("mfl-lint", __version__),
        started_at=scan.started_at,
        targets=tuple(_target(target) for target in scan.targets),
        findings=tuple(
            finding_v1(finding, places_v1(places.get(finding.reference, ())))
            for finding in scan.findings
        ),
        summary=SummaryV1(
            scan.count(Severity.ERROR),
            scan.count(Severity.WARNING),
            scan.count(Severity.INFO),
            scan.unknown,
            ignored,
            len(scan.known),
        ),
        problems=scan.problems,
        unresolved=tuple(
            UnresolvedV1(item.text, item.file, item.line, item.why) for item in scan.unresolved
        ),
        notes=scan.notes,
    )
    return to_json(report)


def to_json(value: Any) -> str:
    """Return a value as indented JSON in ASCII with a newline at its end."""
    text = json.dumps(encodable(msgspec.to_builtins(value)), indent=2)
    # Only inside a string can this stand; GitHub's runner would take it for a command.
    return text.replace("##[", "##\\u005b").replace("\x7f", "\\u007f") + "\n"


def finding_v1(finding: Finding, places: tuple[PlaceV1, ...] = ()) -> FindingV1:
    """Return a finding as the report has it."""
    names = [name for name in FindingV1.__struct_fields__ if name != "places"]
    return FindingV1(**{name: getattr(finding, name) for name in names}, places=places)


def places_v1(places: Iterable[Place]) -> tuple[PlaceV1, ...]:
    """Return places as the report has them."""
    return tuple(PlaceV1(place.path, place.line) for place in places)


def _target(target: ScannedTarget) -> TargetV1:
    return TargetV1(
        reference=target.canonical or target.reference,
        digest=target.digest,
        media_type=target.media_type,
        state=target.state,
        detail=target.detail,
        platforms=tuple(_platform(item) for item in target.platforms),
        undecided=tuple(
            UndecidedV1(verdict.rule, str(verdict.outcome), verdict.detail)
            for verdict in target.undecided
        ),
        places=places_v1(target.places),
    )


def _platform(item: ScannedPlatform) -> PlatformV1:
    # Where nobody was asked (a bare document has no children) nothing could be reached.
    state = item.state or LookState.UNREACHABLE
    return PlatformV1(item.platform, item.digest, item.size_bytes, state)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the report."""
    made = msgspec.json.schema(ReportV1)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "mfl-lint scan, version 1",
        **made,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(schema(), indent=2) + "\n")
