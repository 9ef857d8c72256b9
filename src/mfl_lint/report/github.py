"""A scan as GitHub's workflow commands: each finding one line, an annotation where it lies.

Source: GitHub Docs, "Workflow commands": data escapes `%`, CR and LF, properties also `:` and
`,`. The runner shows ten annotations of each level and step: the worst come first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.mendable import ways_of
from mfl_lint.core.policy import Severity
from mfl_lint.core.scan import Place
from mfl_lint.report.inert import inert
from mfl_lint.report.material import (
    Material,
    counts,
    lines,
    places_by_reference,
    unseen,
    worst_first,
)

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render_github(material: Material) -> str:
    """Return the commands, and a last line that says how many findings there are."""
    return "".join(f"{line}\n" for line in _commands(material))


def _commands(material: Material) -> Iterator[str]:
    scan = material.scan
    places = places_by_reference(scan)
    for finding in worst_first(scan.findings):
        fix = f"\n\nFix:\n{ways}" if (ways := ways_of(finding)) else ""
        place = f" {finding.platform}" if finding.platform else ""
        message = f"{finding.reference}{place}: {finding.message}{fix}"
        title = f"{finding.rule} {finding.slug}"
        yield _command(
            _LEVELS[finding.severity], title, message, places.get(finding.reference, ())[:1]
        )
    missed = list(unseen(scan))
    for item in missed:
        title = f"could not look {item.rule}".rstrip()
        yield _command("error", title, str(item), item.places[:1])
    yield f"mfl-lint: {', '.join(counts(scan))}, {len(missed)} could not be looked at"


def _command(level: str, title: str, message: str, places: tuple[Place, ...]) -> str:
    properties = {"title": title}
    for place in places:
        properties = {"file": place.path, "line": str(place.line), **properties}
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {said}::{_data(lines(message))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(inert(text)).replace(":", "%3A").replace(",", "%2C")
