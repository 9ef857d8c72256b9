"""Carry `mfl-lint fix` out: plan for each reference, ask, push, and look again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click
import msgspec

from mfl_lint.cli.connect import Registries, registries
from mfl_lint.cli.looking import now
from mfl_lint.cli.progress import progress_line
from mfl_lint.cli.pushing import audit, points_at
from mfl_lint.config import Scheme
from mfl_lint.core.kind import is_attachment_tag
from mfl_lint.core.plan import Plan
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding
from mfl_lint.core.steps import Add
from mfl_lint.mend.applying import FORMS
from mfl_lint.mend.carrying import narrowed, push_plan, still_there
from mfl_lint.mend.fixing import Fixed, Fixing
from mfl_lint.mend.push import push
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.layer_memory import RunMemory
from mfl_lint.report.inert import inert
from mfl_lint.report.json_v1 import finding_v1
from mfl_lint.report.paper import Paper
from mfl_lint.report.plan import described, render_plan
from mfl_lint.report.plan_v1 import PlanV1, PushedV1, plan_v1
from mfl_lint.rules import discover

if TYPE_CHECKING:
    from mfl_lint.cli.fix import Call


class Done(msgspec.Struct, frozen=True):
    """What came of a run: the plans as they are shown, and what could not be looked at."""

    shown: tuple[PlanV1, ...]
    problems: tuple[str, ...]


async def run(call: Call) -> Done:
    """Plan for every reference; push where that is asked for."""
    shown: dict[str, PlanV1] = {}
    problems: dict[str, None] = {}
    async with (
        registries(call.config, call.access) as clients,
        progress_line(quiet=call.quiet or call.interactive) as show,
    ):
        work = _Run(call, clients)
        async for reference in work.references(problems):
            show(f"looking at {reference.familiar}")
            planned = await work.fixing.plan(reference)
            problems |= dict.fromkeys(_problems(planned))
            plan = planned.plan
            # Names that are grouped lead to one plan, whichever of them is asked for.
            if plan is not None and str(plan.target) not in shown:
                shown[str(plan.target)] = await work.carried_out(plan, planned)
    return Done(tuple(shown.values()), tuple(problems))


def _problems(planned: Fixed) -> tuple[str, ...]:
    if planned.plan is not None:
        return planned.problems
    look = planned.seen.look
    return (*planned.problems, f"{planned.seen.reference.familiar}: {look.state}: {look.detail}")


class _Run:
    """One run of the command."""

    def __init__(self, call: Call, clients: Registries) -> None:
        self._call = call
        self._clients = clients
        reader = DeepReader(RunMemory(), call.config.deep)
        self.fixing = Fixing(
            clients.client, discover(), call.config.policy, now, reader, FORMS[call.form]
        )

    async def references(self, problems: dict[str, None]) -> AsyncIterator[Reference]:
        """Yield what is asked for, each once; of all tags those that are no digest's."""
        asked: dict[Reference, None] = {}
        for text in self._call.references:
            reference = Reference.parse(text)
            if not self._call.all_tags:
                asked[reference.with_default_tag()] = None
                continue
            listing = await self.fixing.tags(reference)
            if not listing.complete:
                problems[f"{reference.familiar}: its tags: {listing.problem}"] = None
            bare = Reference(reference.registry, reference.repository)
            names = [name for name in listing.names if not is_attachment_tag(name)]
            asked |= {msgspec.structs.replace(bare, tag=name): None for name in names}
        for reference in asked:
            yield reference

    async def carried_out(self, plan: Plan, planned: Fixed) -> PlanV1:
        """Return the plan as it is shown, pushed if that is asked for and nothing forbids it."""
        plain = self._clients.client(plan.target.registry).registry.scheme is Scheme.HTTP
        insecure = plain or self._call.insecure
        if self._call.interactive:
            plan = self._chosen(plan, planned, insecure)
        shown = plan_v1(plan, insecure=insecure)
        if not self._call.push or not plan.changes or plan.refused:
            return shown
        target = self._target(plan)
        if self._call.interactive and not click.confirm(f"push to {target.familiar}?", err=True):
            return shown
        return await self._pushed(plan, target, shown)

    def _target(self, plan: Plan) -> Reference:
        tag = self._call.to or plan.target.tag
        if tag is None:
            raise click.UsageError(f"{plan.target.familiar} names no tag: --to TAG says which")
        return Reference.parse(f"{plan.target.name}:{tag}")

    def _chosen(self, plan: Plan, planned: Fixed, insecure: bool) -> Plan:
        """Return the plan with the steps that somebody wants, asked one by one."""
        paper = Paper()
        render_plan(plan_v1(plan, insecure=insecure), paper)
        click.echo(paper.text(), err=True)
        whole = plan.refused or any(isinstance(mend.step, Add) for mend in plan.mends)
        if whole or plan.base is None or plan.base != planned.seen.digest or not plan.changes:
            return plan
        out = {
            at
            for at, mend in enumerate(plan.mends)
            if not click.confirm(inert(f"{described(mend.step)}: {mend.why}?"), True, err=True)
        }
        if not out:
            return plan
        return narrowed(plan, planned.seen, self.fixing.judge(), out)

    async def _pushed(self, plan: Plan, target: Reference, shown: PlanV1) -> PlanV1:
        """Push, look again, and return the plan with what came of it."""
        expected = plan.base
        if target != plan.target:
            expected = await points_at(self._clients, target)
        asked = push_plan(plan, target, expected, copy=self._call.copy)
        async with audit(self._call.config) as written:
            outcome = await push(asked, self._clients.client, written, now=now)
        ends = tuple(
            PushedV1(
                reference=str(end.reference),
                end=end.end,
                before=end.before,
                now=end.now,
                detail=end.detail,
                restore=end.restore,
                ok=end.ok,
            )
            for end in outcome.tags
        )
        still: tuple[Finding, ...] | None = None
        if outcome.ok:
            again = await self.fixing.look(target)
            judged = self.fixing.judge()(again)
            still = still_there(plan, judged) if again.digest == plan.digest else tuple(judged)
        found = None if still is None else tuple(map(finding_v1, still))
        return msgspec.structs.replace(shown, pushed=ends, still=found)
