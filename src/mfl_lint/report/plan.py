"""Plans for people: a table of before and after, what that mends, the commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mfl_lint.core.observation import Kind
from mfl_lint.core.steps import Add, Annotate, Drop, Repoint, SetAnnotations, SetMediaType, Step
from mfl_lint.report.json_v1 import to_json
from mfl_lint.report.material import counted
from mfl_lint.report.paper import Paper
from mfl_lint.report.plan_commands import Way
from mfl_lint.report.plan_v1 import EntryChangeV1, PlansV1, PlanV1, PushedV1

_TITLES: Final = ("#", "platform", "digest", "becomes", "why")
_MAX_CELL: Final = 200
_STYLES: Final = {"changed": "yellow", "added": "green", "dropped": "red", "kept": ""}


def render_plans_json(plans: Sequence[PlanV1], problems: Sequence[str]) -> str:
    """Return the JSON text."""
    return to_json(PlansV1(1, tuple(plans), tuple(problems)))


def render_plan(shown: PlanV1, paper: Paper) -> None:
    """Write one plan: what changes, what that mends, what stays, and the commands."""
    _write_head(shown, paper)
    if shown.changes:
        rows = ((_cells(entry), _STYLES[entry.status]) for entry in shown.entries)
        paper.table(_TITLES, rows)
        for line in shown.list_changes:
            paper.block("│ ", [(line, "yellow")])
    _write_findings(shown, paper)
    for line in shown.losses:
        paper.block("! ", [("left behind: ", "yellow"), line], style="yellow")
    for line in shown.refused:
        paper.block("✗ ", [("refused: ", "bold red"), line], style="bold red")
    for way in shown.commands if not (shown.pushed or shown.problem) else ():
        _write_way(way, paper)
    for pushed in shown.pushed:
        _write_pushed(pushed, paper)
    if shown.problem:
        paper.block("✗ ", [(f"not pushed: {shown.problem}", "bold red")], style="bold red")
    if shown.unrecorded:
        line = f"how it ended is not written down: {shown.unrecorded}"
        paper.block("! ", [(line, "yellow")], style="yellow")


def _write_head(shown: PlanV1, paper: Paper) -> None:
    before = _short(shown.before) if shown.before else "nothing"
    change = f"  {before} -> {_short(shown.after)}" if shown.changes else f"  {before}"
    paper.line((shown.target, "bold"), (change, "dim"))


def _write_findings(shown: PlanV1, paper: Paper) -> None:
    for finding in shown.fixed:
        _write_finding("✓ ", "green", "mends", finding.rule, finding.platform, paper)
        paper.block("    ", [finding.message], style="dim")
    for left in shown.left:
        word = "rebuild" if left.rebuild else "stays"
        _write_finding("! ", "yellow", word, left.rule, left.platform, paper)
        paper.block("    ", [left.message], style="dim")
        paper.block("    ", [(f"{left.why}", "yellow")])
    for finding in shown.begun:
        _write_finding("i ", "cyan", "brings", finding.rule, finding.platform, paper)
        paper.block("    ", [finding.message], style="dim")


def _write_finding(
    sign: str, style: str, word: str, rule: str, platform: str, paper: Paper
) -> None:
    place = f" {platform}" if platform else ""
    paper.line((sign, style), (f"{word:<8}", style), (rule, "bold"), place)


def _write_way(way: Way, paper: Paper) -> None:
    """Write each command as one line, however long: it is there to be copied."""
    if way.why_not:
        paper.block("│ ", [(f"{way.tool}: ", "dim"), (f"not with this tool: {way.why_not}", "dim")])
        return
    paper.line(("│ ", "dim"), (way.tool, "bold"))
    for line in way.lines:
        paper.line("    ", line)


def _write_pushed(pushed: PushedV1, paper: Paper) -> None:
    sign, style = ("✓ ", "green") if pushed.ok else ("✗ ", "bold red")
    detail = f": {pushed.detail}" if pushed.detail else ""
    text = f"{pushed.end} {pushed.reference}{detail}"
    paper.block(sign, [(text, style)], style=style)
    unsure = pushed.end == "unknown"
    if unsure:
        look = f"mfl-lint inspect {pushed.reference}"
        paper.line("    nobody knows whether it was pushed; to see: ", (look, "bold"))
    if pushed.restore:
        when = "    if it was, to put back" if unsure else "    to put back"
        paper.line(f"{when} what was there: ", (pushed.restore, "bold"))


def summary(plans: Sequence[PlanV1], *, pushed: bool) -> str:
    """Return what there is to do next, as one line."""
    wanted = [plan for plan in plans if plan.changes and not plan.refused]
    changing = [plan for plan in wanted if _is_pushed(plan)] if pushed else wanted
    undone = sum(plan.changes for plan in plans) - len(changing) if pushed else 0
    rebuilds = sum(left.rebuild for plan in plans for left in plan.left)
    said = []
    if changing:
        fixed = sum(len(plan.fixed) for plan in changing)
        done = "mended" if pushed else "can be mended"
        said.append(f"{counted(fixed, 'finding')} {done} in {counted(len(changing), 'list')}")
    if undone:
        said.append(f"{counted(undone, 'list')} not mended")
    if rebuilds:
        needs = "needs" if rebuilds == 1 else "need"
        said.append(f"{counted(rebuilds, 'finding')} {needs} a build")
    if not said:
        return "Nothing to mend." if not any(plan.refused for plan in plans) else "Nothing is done."
    hint = "" if pushed or not changing else " Next: the same command with --push carries it out."
    return f"{', '.join(said)}.{hint}"


def _is_pushed(plan: PlanV1) -> bool:
    return bool(plan.pushed) and all(one.ok for one in plan.pushed)


def _cells(entry: EntryChangeV1) -> tuple[str, ...]:
    kind = "" if entry.kind in (Kind.IMAGE, Kind.UNDECIDED) else f" [{entry.kind}]"
    before = "-" if entry.status == "added" else entry.platform_before or "no platform"
    becomes = {"kept": "the same", "dropped": "dropped"}.get(entry.status, entry.platform_after)
    cells = (
        "+" if entry.before is None else str(entry.before),
        f"{before}{kind}",
        _short(entry.digest)[7:] if entry.digest else "-",
        becomes,
        entry.why or "",
    )
    return tuple(cell[:_MAX_CELL] for cell in cells)


def described(step: Step) -> str:
    """Return what a step does, as one line."""
    match step:
        case Annotate(position, platform):
            return f"write {platform.full} on entry {position}"
        case Drop(position):
            return f"drop entry {position}"
        case Repoint(position, child):
            said = f"{child.media_type} of {child.size_bytes} bytes"
            return f"write on entry {position} that it is {child.digest}, {said}"
        case Add(child, source):
            return f"add {source.familiar} for {child.platform}"
        case SetMediaType(media_type):
            return f"write the mediaType {media_type}"
        case SetAnnotations(_, position):
            return f"set annotations of {'the list' if position is None else f'entry {position}'}"


def _short(digest: str | None) -> str:
    return f"{digest[:19]}" if digest else "nothing"
