"""A scan as GitLab's code quality report: one array, each entry with a path and a line.

Source: GitLab Docs, "Code Quality", "Code Quality report format". A reference that stands in no
file is its own path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

from mfl_lint.core.mendable import mend_of
from mfl_lint.core.policy import Severity
from mfl_lint.core.scan import Place
from mfl_lint.report.inert import inert
from mfl_lint.report.json_v1 import to_json
from mfl_lint.report.material import Material, places_by_reference, unseen

_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}


def render_gitlab(material: Material) -> str:
    """Return the report as JSON text in ASCII."""
    return to_json(list(_issues(material)))


def _issues(material: Material) -> Iterator[dict[str, Any]]:
    places = places_by_reference(material.scan)
    for finding in material.scan.findings:
        fix = f" Fix: {way}" if (way := mend_of(finding) or finding.fix) else ""
        platform = f" {finding.platform}" if finding.platform else ""
        said = f"{finding.reference}{platform}: {finding.message}{fix}"
        for at, place in enumerate(_or_itself(places.get(finding.reference), finding.reference)):
            mark = finding.fingerprint if at == 0 else _marked(finding.fingerprint, str(at))
            yield _issue(finding.rule, said, mark, _SEVERITIES[finding.severity], place)
    for item in unseen(material.scan):
        name = item.rule or "could-not-look"
        mark = _marked(name, item.reference or item.message)
        place = _or_itself(item.places, item.reference or "mfl-lint")[0]
        yield _issue(name, str(item), mark, "major", place)


def _or_itself(places: tuple[Place, ...] | None, reference: str) -> tuple[Place, ...]:
    return places or (Place(reference, 1),)


def _issue(name: str, said: str, mark: str, severity: str, place: Place) -> dict[str, Any]:
    path = inert(place.path).removeprefix("./")
    return {
        "description": " ".join(map(inert, said.split("\n"))),
        "check_name": name,
        "fingerprint": mark,
        "severity": severity,
        "location": {"path": path, "lines": {"begin": max(place.line, 1)}},
    }


def _marked(*parts: str) -> str:
    text = "\x00".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
