"""What every format of a report is made from, and what they share in reading it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding, Rule
from mfl_lint.core.scan import Place, Scan, ScannedTarget
from mfl_lint.report.inert import inert


class Material(msgspec.Struct, frozen=True):
    """A scan, and what a report says besides.

    `ignored` counts findings that the policy left out. `failing` are the severities that make
    the exit code 1.
    """

    scan: Scan
    rules: tuple[Rule, ...] = ()
    ignored: int = 0
    exit_code: int = 0
    failing: frozenset[Severity] = frozenset({Severity.ERROR})


class Unseen(msgspec.Struct, frozen=True):
    """One thing that could not be looked at or decided.

    `reference` is "" where none is known, `rule` where it is not one rule alone. `places` are
    where files name it.
    """

    reference: str
    rule: str
    message: str
    places: tuple[Place, ...] = ()

    def __str__(self) -> str:
        """Return it as one line for people."""
        return f"{self.reference}: {self.message}" if self.reference else self.message


def unseen(scan: Scan) -> Iterator[Unseen]:
    """Yield all that nobody may take for a pass, in the order of the targets."""
    for target in scan.targets:
        yield from unseen_of(target)
    yield from problems_of(scan)


def problems_of(scan: Scan) -> Iterator[Unseen]:
    """Yield what could not be looked at besides the targets."""
    where = {str(item): Place(item.file, item.line) for item in scan.unresolved}
    for problem in scan.problems:
        yield Unseen("", "", problem, (where[problem],) if problem in where else ())


def unseen_of(target: ScannedTarget) -> Iterator[Unseen]:
    """Yield what of one target could not be looked at or decided."""
    reference, places = name_of(target), target.places
    if target.state is LookState.ABSENT:
        detail = target.detail or "the registry does not know it"
        yield Unseen(reference, "", f"no such tag or digest: {detail}", places)
    elif target.state is not LookState.VERIFIED:
        said = f"{target.state}: {target.detail}" if target.detail else str(target.state)
        yield Unseen(reference, "", f"could not look: {said}", places)
    for verdict in target.undecided:
        said = f"{verdict.outcome}: {verdict.detail or 'no reason'}"
        yield Unseen(reference, verdict.rule, said, places)


def name_of(target: ScannedTarget) -> str:
    """Return the reference by which findings name the target."""
    return target.canonical or target.reference


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings by severity, and within one in the order of the report."""
    return sorted(findings, key=lambda finding: finding.severity.rank)


def places_by_reference(scan: Scan) -> Mapping[str, tuple[Place, ...]]:
    """Return where references stand in files: by reference, and by its repository's name."""
    found: dict[str, dict[Place, None]] = {}
    for target in scan.targets:
        if target.places:
            name = name_of(target)
            for key in (name, _repository(name)):
                found.setdefault(key, {}).update(dict.fromkeys(target.places))
    return {name: tuple(places) for name, places in found.items()}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 error`, `2 errors`, `2 info`."""
    return f"{number} {noun}" if number == 1 or noun == Severity.INFO else f"{number} {noun}s"


def counts(scan: Scan) -> list[str]:
    """Return how many findings there are of each severity."""
    return [counted(scan.count(severity), severity) for severity in Severity]


def lines(text: str) -> str:
    """Return text of which every line is inert; its line ends stay."""
    return "\n".join(map(inert, text.split("\n")))


def _repository(reference: str) -> str:
    """Return a canonical reference without tag and digest."""
    named = reference.partition("@")[0]
    name, _, tag = named.rpartition(":")
    return name if name and "/" not in tag else named
