"""From a plan to a push, and to fewer steps where somebody wants fewer. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.mending import Decision
from mfl_lint.core.observation import Kind, LookState, Observation
from mfl_lint.core.plan import Left, Part, Plan
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding
from mfl_lint.mend.bringing import Child
from mfl_lint.mend.intent import PushPlan
from mfl_lint.mend.plan import Judge, planned

_MAX_NOTED: Final = 100
_MAX_WHY: Final = 200
_OMITTED = "its step was left out"


def push_plan(plan: Plan, target: Reference, expected: Digest | None, *, copy: bool) -> PushPlan:
    """Return what to push where; `expected` is what the target's tag points at.

    What was missing in the list before is not asked for: it was not put right, nor made worse.
    """
    root = plan.after.root
    nodes = root.children if root is not None else ()
    children = tuple(
        Child(part.entry, part.source)
        for part, node in zip(plan.parts, nodes, strict=True)
        if part.kind is not Kind.BLOB
        and not (node.look is not None and node.look.state is LookState.ABSENT)
    )
    return PushPlan(
        target=target,
        raw=plan.raw,
        media_type=plan.media_type,
        expected=expected,
        children=children,
        copy=copy,
        notes={
            "fixes": [finding.fingerprint for finding in plan.fixed][:_MAX_NOTED],
            "changes": list(_changes(plan))[:_MAX_NOTED],
        },
    )


def _changes(plan: Plan) -> Iterator[dict[str, str]]:
    """Yield what becomes of each entry that does not stay as it is."""
    kept: dict[int | None, Part] = {
        part.before: part for part in plan.parts if part.before is not None
    }
    whys: dict[int | None, str] = {}
    for mend in plan.mends:
        whys[getattr(mend.step, "position", None)] = mend.why
    for old in plan.before:
        new = kept.get(old.before)
        if new is None or new.entry != old.entry:
            status = "dropped" if new is None else "changed"
            yield _change(status, old, new, whys.get(old.before, ""))
    for part in plan.parts:
        if part.before is None:
            yield _change("added", None, part, "")


def _change(status: str, old: Part | None, new: Part | None, why: str) -> dict[str, str]:
    known = new or old
    return {
        "status": status,
        "digest": (known.entry.digest if known else None) or "",
        "before": _platform(old),
        "after": _platform(new),
        "why": why[:_MAX_WHY],
    }


def _platform(part: Part | None) -> str:
    platform = part.entry.platform if part is not None else None
    return platform.full[:_MAX_WHY] if platform is not None else ""


def narrowed(plan: Plan, seen: Observation, judge: Judge, left_out: Collection[int]) -> Plan:
    """Return the plan without the mends at these places; what that leaves is judged anew.

    `seen` is what the plan was made for. Only for plans that change a list that is there, add
    nothing to it and are not refused.
    """
    mends = tuple(mend for at, mend in enumerate(plan.mends) if at not in left_out)
    nodes = plan.after.root.children if plan.after.root is not None else ()
    fewer = planned(seen, judge, Decision(mends), judge(seen), instead=nodes)
    whys = {one.finding.fingerprint: one for one in plan.left}
    left = tuple(whys.get(one.finding.fingerprint, _omitted(one)) for one in fewer.left)
    return msgspec.structs.replace(fewer, left=left, losses=plan.losses, target=plan.target)


def _omitted(left: Left) -> Left:
    return msgspec.structs.replace(left, why=_OMITTED, rebuild=False)


def still_there(plan: Plan, findings: Collection[Finding]) -> tuple[Finding, ...]:
    """Return what a look after the push finds although the plan was to mend it."""
    fixed = {(finding.rule, finding.digest, finding.reference) for finding in plan.fixed}
    lists = {finding.rule for finding in plan.fixed if finding.digest == plan.base}
    return tuple(
        finding
        for finding in findings
        if (finding.rule, finding.digest, finding.reference) in fixed
        or (finding.digest == plan.digest and finding.rule in lists)
    )
