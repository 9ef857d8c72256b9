"""A scan as one HTML file to hand on: no scripts, nothing fetched, everything escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mfl_lint import __version__
from mfl_lint.core.mendable import ways_of
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding, Rule
from mfl_lint.core.scan import Place, ScannedTarget
from mfl_lint.report.inert import inert
from mfl_lint.report.material import (
    Material,
    Unseen,
    counted,
    counts,
    name_of,
    places_by_reference,
    problems_of,
    unseen,
    unseen_of,
)
from mfl_lint.resources import templates_path

_TEMPLATE: Final = "report.html"
_STYLE: Final = "report.css"


class Card(msgspec.Struct, frozen=True):
    """One reference of the page; `target` is None for a repository's name."""

    reference: str
    target: ScannedTarget | None
    findings: tuple[Finding, ...]
    missed: tuple[Unseen, ...]
    places: tuple[Place, ...]

    @property
    def state(self) -> str:
        """Return the worst severity, `unknown` for what is not certain, else `ok`."""
        if self.findings:
            return str(min(self.findings, key=lambda item: item.severity.rank).severity)
        return "unknown" if self.missed else "ok"


def render_html(material: Material) -> str:
    """Return the page."""
    folder = templates_path()
    style = (folder / _STYLE).read_text(encoding="utf-8").strip()
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    scan = material.scan
    cards = list(_cards(material))
    page = _environment().get_template(_TEMPLATE)
    return page.render(
        style=Markup(style),  # noqa: S704  # our own file
        style_hash=f"'sha256-{hashed}'",
        version=__version__,
        started_at=scan.started_at.strftime("%Y-%m-%d %H:%M UTC"),
        counts=list(zip(map(str, Severity), counts(scan), strict=True)),
        unknown=sum(1 for _ in unseen(scan)),
        ignored=material.ignored,
        references=counted(len(scan.targets), "reference"),
        cards=cards,
        ways_of=ways_of,
        problems=list(problems_of(scan)),
        notes=scan.notes,
        rules=_told(material),
    )


def _cards(material: Material) -> Iterator[Card]:
    """Yield the targets in their order, and then the repositories' names."""
    scan = material.scan
    places = places_by_reference(scan)
    by_reference: dict[str, list[Finding]] = {}
    for finding in scan.findings:
        by_reference.setdefault(finding.reference, []).append(finding)
    for target in scan.targets:
        findings = tuple(by_reference.pop(name_of(target), ()))
        missed = tuple(unseen_of(target))
        yield Card(target.reference, target, findings, missed, target.places)
    for name, left in by_reference.items():
        yield Card(name, None, tuple(left), (), places.get(name, ()))


def _told(material: Material) -> list[Rule]:
    """Return the rules that found something, to say why it matters."""
    found = {finding.rule for finding in material.scan.findings}
    return [rule for rule in material.rules if rule.id in found]


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(templates_path()),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _shown(value: Any) -> Any:
    """Make what the template prints inert; it is escaped afterwards."""
    if isinstance(value, LookState | Severity):
        return str(value)
    return inert(value) if isinstance(value, str) and not isinstance(value, Markup) else value
