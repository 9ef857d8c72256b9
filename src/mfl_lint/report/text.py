"""A scan for people: grouped by target, the fix under each finding, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mfl_lint.core.mendable import mend_of, ways_of
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.core.scan import Place, Scan, ScannedPlatform, ScannedTarget
from mfl_lint.report.material import counted, counts
from mfl_lint.report.paper import PIPED_WIDTH, Paper

_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
_SIGNS: Final = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.INFO: "i"}
_BAR: Final = "  │ "
_INDENT: Final = "  │   "
_MAX_RULES: Final = 6
_MAX_PLACES: Final = 6


def render_text(
    scan: Scan,
    *,
    width: int = PIPED_WIDTH,
    color: bool = False,
    unicode: bool = True,
    ignored: int = 0,
) -> str:
    """Return the report. `width` is in columns; `ignored` counts findings that were left out."""
    paper = Paper(width, color=color, unicode=unicode)
    by_reference: dict[str, list[Finding]] = {}
    for finding in scan.findings:
        by_reference.setdefault(finding.reference, []).append(finding)
    for target in scan.targets:
        _write_target(paper, target, by_reference.pop(target.canonical or target.reference, []))
    for reference, findings in by_reference.items():
        paper.line(_sign(findings), " ", (reference, "bold"), ("  (the repository's name)", "dim"))
        _write_findings(paper, findings)
    for problem in scan.problems:
        paper.block("? ", [("could not look: ", "magenta"), problem], style="bold magenta")
    for note in scan.notes:
        paper.block("i ", [("note: ", "cyan"), note], style="cyan")
    _write_summary(paper, scan, ignored)
    return paper.text()


def _write_target(paper: Paper, target: ScannedTarget, findings: Sequence[Finding]) -> None:
    seen = target.state is LookState.VERIFIED
    open_question = not seen or (target.undecided and not findings)
    sign = ("?", "bold magenta") if open_question else _sign(findings)
    head: list[tuple[str, str] | str] = [sign, " ", (target.reference, "bold")]
    if target.digest and target.digest not in target.reference:
        head.append((f"  {target.digest[:19]}…", "dim"))
    paper.line(*head)
    if not seen:
        paper.block(_BAR, [(_unseen(target), "magenta")], style="dim")
    elif target.platforms:
        paper.block(_BAR, _platforms(target.platforms), style="dim")
    if target.places:
        paper.block(_BAR, [(f"in {_places(target.places)}", "dim")], style="dim")
    _write_findings(paper, findings)
    if seen and target.undecided:
        paper.block(_BAR, [(_undecided(target), "magenta")], style="dim")


def _sign(findings: Sequence[Finding]) -> tuple[str, str]:
    """Return the sign of the worst finding."""
    if not findings:
        return "✓", "green"
    worst = min(findings, key=lambda finding: finding.severity.rank).severity
    return _SIGNS[worst], _STYLES[worst]


def _unseen(target: ScannedTarget) -> str:
    if target.state is LookState.ABSENT:
        return f"no such tag or digest: {target.detail or 'the registry does not know it'}"
    return f"{target.state}: {target.detail}" if target.detail else str(target.state)


def _platforms(platforms: Sequence[ScannedPlatform]) -> list[tuple[str, str] | str]:
    parts: list[tuple[str, str] | str] = []
    for item in platforms:
        parts.append(", " if parts else "")
        parts.append(item.platform or "no platform")
        if item.state is None:
            parts.append((" (not looked at)", "dim"))
        elif item.state is not LookState.VERIFIED:
            parts.append(
                (f" ({item.state})", "red" if item.state is LookState.ABSENT else "magenta")
            )
    return parts


def _places(places: Sequence[Place]) -> str:
    more = f" and {len(places) - _MAX_PLACES} more" if len(places) > _MAX_PLACES else ""
    return f"{', '.join(map(str, places[:_MAX_PLACES]))}{more}"


def _undecided(target: ScannedTarget) -> str:
    rules = [verdict.rule for verdict in target.undecided]
    more = f" and {len(rules) - _MAX_RULES} more" if len(rules) > _MAX_RULES else ""
    detail = next((verdict.detail for verdict in target.undecided if verdict.detail), "")
    return f"? undecided: {', '.join(rules[:_MAX_RULES])}{more}: {detail}"


def _write_findings(paper: Paper, findings: Sequence[Finding]) -> None:
    for finding in findings:
        style = _STYLES[finding.severity]
        place = f"  {finding.platform}" if finding.platform else ""
        label = f"{finding.severity:<7}"
        paper.line(
            (_BAR, "dim"), (label, style), f" {finding.rule} ", (finding.slug, "bold"), place
        )
        paper.block(_INDENT, [finding.message], style="dim")
        if fix := ways_of(finding):
            _write_fix(paper, fix)


def _write_fix(paper: Paper, fix: str) -> None:
    """Write each line as one, however long, and without the bar: it is there to be copied."""
    paper.line((_INDENT, "dim"), ("fix:", "green"))
    for line in fix.split("\n"):
        paper.line(" " * len(_INDENT), (line, "dim" if line.startswith("#") else ""))


def _write_summary(paper: Paper, scan: Scan, ignored: int) -> None:
    unseen = sum(target.state is not LookState.VERIFIED for target in scan.targets)
    undecided = sum(
        len(target.undecided) for target in scan.targets if target.state is LookState.VERIFIED
    )
    said = counts(scan) if scan.count(Severity.INFO) else counts(scan)[:-1]
    said[-1] += f" in {counted(len(scan.targets), 'reference')}"
    if ignored:
        said.append(f"{counted(ignored, 'finding')} ignored")
    if unseen or scan.problems:
        said.append(f"{unseen + len(scan.problems)} could not be looked at")
    if undecided:
        said.append(f"{counted(undecided, 'verdict')} unknown")
    style = "bold red" if scan.count(Severity.ERROR) else "bold"
    paper.line("")
    paper.block("", [(", ".join(said) + ".", style)])
    paper.block("", [_next_step(scan, bool(unseen))])


def _next_step(scan: Scan, unseen: bool) -> str:
    """Return what to do now."""
    if scan.findings:
        worst = min(scan.findings, key=lambda finding: finding.severity.rank)
        mends = sorted(
            filter(None, map(mend_of, scan.findings)), key=lambda one: "--push" not in one
        )
        if mends:
            plan = mends[0].removesuffix(" --push")
            sure = "plans all that can be mended in it at once"
            said = (
                sure if plan != mends[0] else "says what a new list mends, and what needs a build"
            )
            return f"Next: `{plan}` {said}; `mfl-lint explain {worst.rule}` says why it matters."
        return (
            "Next: run the fixes above and scan again; "
            f"`mfl-lint explain {worst.rule}` says why it matters."
        )
    if any(target.state is LookState.ABSENT for target in scan.targets):
        return "Next: check the name; --all-tags looks at every tag that there is."
    if unseen or scan.problems or scan.unknown:
        return "Next: see the lines with ?, and scan again; `mfl-lint doctor` checks the set-up."
    return "Nothing to do." if scan.targets else "Nothing was looked at."
