"""Plans as values that are printed and sent: version 1. Keys may be added, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from mfl_lint.core.observation import Kind
from mfl_lint.core.plan import Left, Part, Plan
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.core.steps import Add, SetMediaType, Step
from mfl_lint.report.json_v1 import FindingV1, finding_v1
from mfl_lint.report.plan_commands import Way, ways


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

    `still` are the findings of the look after a push, None where nothing was pushed. `unrecorded`
    says why it could not be written down how the push ended, "" where it was; `problem` why nothing
    was pushed although that was asked for. `wants_layers`: more may be mended once the layers are
    read, as `mfl-lint fix` does.
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
    unrecorded: str = ""
    problem: str = ""
    wants_layers: bool = False


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
        wants_layers=plan.wants_layers,
    )


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
        status = "kept" if old.entry == new.entry and not why else "changed"
    return EntryChangeV1(
        status=status,
        before=before,
        after=after,
        digest=known.entry.digest,
        kind=known.kind,
        platform_before=_platform(old),
        platform_after=_platform(new),
        why=why,
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
