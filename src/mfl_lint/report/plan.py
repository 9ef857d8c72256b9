"""Plans as a table of before and after, as commands, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from mfl_lint.core.observation import Kind
from mfl_lint.core.plan import Left, Part, Plan
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.core.steps import Add, Annotate, Drop, Repoint, SetAnnotations, SetMediaType, Step
from mfl_lint.report.json_v1 import FindingV1, finding_v1, to_json
from mfl_lint.report.material import counted
from mfl_lint.report.paper import Paper
from mfl_lint.report.plan_commands import Way, ways

_TITLES: Final = ("#", "platform", "digest", "becomes", "why")
_MAX_CELL: Final = 200
_STYLES: Final = {"changed": "yellow", "added": "green", "dropped": "red", "kept": ""}


class EntryChangeV1(msgspec.Struct, frozen=True):
    """One entry before and after; `status` is kept, changed, added or dropped.

    `before` and `after` are its positions, None where it is not in that list. `why` is "" for
    an entry that is kept.
    """

    status: Literal["kept", "changed", "added", "dropped"]
    before: int | None
    after: int | None
    digest: str | None
    kind: Kind
    platform_before: str
    platform_after: str
    why: str
    source: str


class LeftV1(msgspec.Struct, frozen=True):
    """A finding that stays; `rebuild` says that a build mends it."""

    rule: str
    fingerprint: str
    platform: str
    severity: Severity
    message: str
    why: str
    rebuild: bool
    fix: str


class PushedV1(msgspec.Struct, frozen=True):
    """How a push ended. `restore` is the command that puts back what was there, "" = nothing."""

    reference: str
    end: str
    before: str | None
    now: str | None
    detail: str
    restore: str
    ok: bool


class PlanV1(msgspec.Struct, frozen=True):
    """One plan. `before` and `after` are digests; `index` is the list as it will be.

    `still` are the findings of the look after a push, None where nothing was pushed.
    """

    target: str
    before: str | None
    after: str
    media_type: str
    changes: bool
    entries: tuple[EntryChangeV1, ...]
    list_changes: tuple[str, ...]
    fixed: tuple[FindingV1, ...]
    left: tuple[LeftV1, ...]
    begun: tuple[FindingV1, ...]
    refused: tuple[str, ...]
    losses: tuple[str, ...]
    commands: tuple[Way, ...]
    index: str
    pushed: tuple[PushedV1, ...] = ()
    still: tuple[FindingV1, ...] | None = None


class PlansV1(msgspec.Struct, frozen=True):
    """What `mfl-lint fix --format json` prints; `problems` says what could not be looked at."""

    version: Literal[1]
    plans: tuple[PlanV1, ...]
    problems: tuple[str, ...]


def plan_v1(plan: Plan, *, insecure: bool = False) -> PlanV1:
    """Return a plan as reports show it; `insecure`: its registry speaks plain HTTP."""
    return PlanV1(
        target=str(plan.target),
        before=plan.base,
        after=plan.digest,
        media_type=plan.media_type,
        changes=plan.changes,
        entries=tuple(_entries(plan)),
        list_changes=tuple(mend.why for mend in plan.mends if _position(mend.step) is None),
        fixed=tuple(map(finding_v1, plan.fixed)),
        left=tuple(map(_left, plan.left)),
        begun=tuple(map(finding_v1, plan.begun)),
        refused=plan.refused,
        losses=plan.losses,
        commands=ways(plan, insecure=insecure) if plan.changes and not plan.refused else (),
        index=plan.raw.decode("utf-8", "replace") if plan.changes else "",
    )


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
    for way in shown.commands if not shown.pushed else ():
        _write_way(way, paper)
    for pushed in shown.pushed:
        _write_pushed(pushed, paper)


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
    if pushed.restore:
        paper.line("    to put back what was there: ", (pushed.restore, "bold"))


def summary(plans: Sequence[PlanV1], *, pushed: bool) -> str:
    """Return what there is to do next, as one line."""
    changing = [plan for plan in plans if plan.changes and not plan.refused]
    rebuilds = sum(left.rebuild for plan in plans for left in plan.left)
    said = []
    if changing:
        fixed = sum(len(plan.fixed) for plan in changing)
        done = "mended" if pushed else "can be mended"
        said.append(f"{counted(fixed, 'finding')} {done} in {counted(len(changing), 'list')}")
    if rebuilds:
        needs = "needs" if rebuilds == 1 else "need"
        said.append(f"{counted(rebuilds, 'finding')} {needs} a build")
    if not said:
        return "Nothing to mend." if not any(plan.refused for plan in plans) else "Nothing is done."
    hint = "" if pushed or not changing else " Next: the same command with --push carries it out."
    return f"{', '.join(said)}.{hint}"


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


def _entries(plan: Plan) -> Iterator[EntryChangeV1]:
    """Yield the entries in the order of the list as it was, then those that are added."""
    whys = {at: mend.why for mend in plan.mends if (at := _position(mend.step)) is not None}
    added = [mend.why for mend in plan.mends if isinstance(mend.step, Add)]
    after = {part.before: at for at, part in enumerate(plan.parts) if part.before is not None}
    for part in plan.before:
        at = after.get(part.before) if part.before is not None else None
        new = plan.parts[at] if at is not None else None
        why = whys.get(part.before, "") if part.before is not None else ""
        yield _entry(part, new, part.before, at, why)
    fresh = [at for at, part in enumerate(plan.parts) if part.before is None]
    for at, why in zip(fresh, added, strict=True):
        yield _entry(None, plan.parts[at], None, at, why)


def _entry(
    old: Part | None, new: Part | None, before: int | None, after: int | None, why: str
) -> EntryChangeV1:
    known = new or old
    assert known is not None  # noqa: S101  # one of the two is given
    status: Literal["kept", "changed", "added", "dropped"]
    if old is None:
        status = "added"
    elif new is None:
        status = "dropped"
    else:
        status = "kept" if old.entry == new.entry else "changed"
    return EntryChangeV1(
        status=status,
        before=before,
        after=after,
        digest=known.entry.digest,
        kind=known.kind,
        platform_before=_platform(old),
        platform_after=_platform(new),
        why=why if status != "kept" else "",
        source=str(known.source),
    )


def _platform(part: Part | None) -> str:
    if part is None or part.entry.platform is None:
        return ""
    return part.entry.platform.full


def _position(step: Step) -> int | None:
    """Return which entry of the list a step is about, -1 for one that it does not have yet."""
    if isinstance(step, Add):
        return -1
    return None if isinstance(step, SetMediaType) else step.position


def described(step: Step) -> str:
    """Return what a step does, as one line."""
    match step:
        case Annotate(position, platform):
            return f"write {platform.full} on entry {position}"
        case Drop(position):
            return f"drop entry {position}"
        case Repoint(position, child):
            return f"describe entry {position} as {child.media_type} of {child.size_bytes} bytes"
        case Add(child, source):
            return f"add {source.familiar} for {child.platform}"
        case SetMediaType(media_type):
            return f"write the mediaType {media_type}"
        case SetAnnotations(_, position):
            return f"set annotations of {'the list' if position is None else f'entry {position}'}"


def _left(left: Left) -> LeftV1:
    finding: Finding = left.finding
    return LeftV1(
        rule=finding.rule,
        fingerprint=finding.fingerprint,
        platform=finding.platform,
        severity=finding.severity,
        message=finding.message,
        why=left.why,
        rebuild=left.rebuild,
        fix=finding.fix,
    )


def _short(digest: str | None) -> str:
    return f"{digest[:19]}" if digest else "nothing"
