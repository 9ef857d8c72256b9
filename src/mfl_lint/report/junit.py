"""A scan as JUnit XML: a suite for each target, a case for each finding and open verdict.

What fails the scan is a failure, what does not is skipped with its message, and what could not
be looked at is an error: no CI system may show it as passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from mfl_lint.core.mendable import ways_of
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.core.scan import Place, Scan
from mfl_lint.report.inert import inert
from mfl_lint.report.material import (
    Material,
    Unseen,
    lines,
    name_of,
    places_by_reference,
    problems_of,
    unseen_of,
)

_COUNTED: Final = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def render_junit(material: Material) -> str:
    """Return the report as XML 1.0 in ASCII."""
    scan = material.scan
    root = Element("testsuites", name="mfl-lint")
    places = places_by_reference(scan)
    by_reference: dict[str, list[Finding]] = {}
    for finding in scan.findings:
        by_reference.setdefault(finding.reference, []).append(finding)
    for target in scan.targets:
        name = name_of(target)
        cases = _Cases(root, scan, name, places.get(name, ()))
        cases.add(by_reference.pop(name, ()), unseen_of(target), material.failing)
    for name, findings in by_reference.items():
        _Cases(root, scan, name, places.get(name, ())).add(findings, (), material.failing)
    if scan.problems:
        _Cases(root, scan, "mfl-lint", ()).add((), problems_of(scan), material.failing)
    _count(root)
    indent(root)
    return f'<?xml version="1.0" encoding="us-ascii"?>\n{tostring(root).decode("ascii")}\n'


class _Cases:
    """One suite while it fills."""

    def __init__(self, root: Element, scan: Scan, name: str, places: Sequence[Place]) -> None:
        at = scan.started_at.strftime("%Y-%m-%dT%H:%M:%S")
        self._name = inert(name)
        self._suite = SubElement(root, "testsuite", name=self._name, timestamp=at)
        self._place = places[0] if places else None

    def add(
        self, findings: Iterable[Finding], missed: Iterable[Unseen], failing: frozenset[Severity]
    ) -> None:
        """Add a case for each; one that passes where there is none."""
        for finding in findings:
            self._finding(finding, finding.severity in failing)
        for item in missed:
            case = self._case(f"{item.rule} undecided" if item.rule else "look")
            SubElement(case, "error", type=item.rule or "look", message=inert(item.message))
        if not len(self._suite):
            self._case("no findings")

    def _finding(self, finding: Finding, fails: bool) -> None:
        at = "" if finding.position is None else f" entry {finding.position}"
        platform = f" {finding.platform}" if finding.platform else ""
        case = self._case(f"{finding.rule} {finding.slug}{platform}{at}")
        message = inert(f"{finding.severity}: {finding.message}")
        told = SubElement(case, "failure" if fails else "skipped", message=message)
        if fails:
            told.set("type", finding.rule)
        fix = f"\n\nFix:\n{lines(ways)}" if (ways := ways_of(finding)) else ""
        told.text = f"{inert(finding.message)}{fix}"

    def _case(self, name: str) -> Element:
        case = SubElement(self._suite, "testcase", classname=self._name, name=inert(name), time="0")
        if self._place is not None:
            case.set("file", inert(self._place.path))
            case.set("line", str(self._place.line))
        return case


def _count(root: Element) -> None:
    for element in (*root, root):
        element.set("tests", str(len(element.findall(".//testcase"))))
        for name, tag in _COUNTED.items():
            element.set(name, str(len(element.findall(f".//{tag}"))))
