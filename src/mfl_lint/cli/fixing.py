"""Carry `mfl-lint fix` out: plan for each reference, ask, push, and look again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click
import msgspec

from mfl_lint.cli.connect import Registries, registries
from mfl_lint.cli.interrupting import at_a_prompt
from mfl_lint.cli.looking import now
from mfl_lint.cli.progress import progress_line
from mfl_lint.cli.pushing import audit, points_at
from mfl_lint.config import Scheme
from mfl_lint.core.errors import ConfigInvalid, MflLintError
from mfl_lint.core.kind import is_attachment_tag
from mfl_lint.core.plan import Plan
from mfl_lint.core.reference import Reference
from mfl_lint.core.steps import Add
from mfl_lint.mend.applying import FORMS
from mfl_lint.mend.carrying import narrowed, push_plan, still_there
from mfl_lint.mend.fixing import Fixed, Fixing
from mfl_lint.mend.outcome import Interrupted, Outcome
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


class Done:
    """What has come of a run so far: plans as they are shown, by their targets, and problems."""

    def __init__(self) -> None:
        self._shown: dict[str, PlanV1] = {}
        self._problems: dict[str, None] = {}

    @property
    def shown(self) -> tuple[PlanV1, ...]:
        """Return the plans, in their order."""
        return tuple(self._shown.values())

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what could not be looked at, each once."""
        return tuple(self._problems)

    def show(self, shown: PlanV1) -> None:
        """Take a plan, in the place of what was known of it."""
        self._shown[shown.target] = shown

    def knows(self, plan: Plan) -> bool:
        """Say whether a plan is shown already."""
        return str(plan.target) in self._shown

    def miss(self, *problems: str) -> None:
        """Take what could not be looked at."""
        self._problems |= dict.fromkeys(problems)


async def run(call: Call, done: Done) -> None:
    """Plan for every reference, push where that is asked for, and fill `done` meanwhile.

    What fails for one reference keeps none of the others from being tried.
    """
    async with (
        registries(call.config, call.access) as clients,
        progress_line(quiet=call.quiet or call.interactive) as show,
    ):
        work = _Run(call, clients, done)
        async for reference in work.references():
            show(f"looking at {reference.familiar}")
            try:
                planned = await work.fixing.plan(reference)
                done.miss(*_problems(planned))
                # Names that are grouped lead to one plan, whichever of them is asked for.
                if planned.plan is not None and not done.knows(planned.plan):
                    await work.carry_out(planned.plan, planned)
            except ConfigInvalid:
                raise
            except MflLintError as error:
                done.miss(f"{reference.familiar}: {error}")


def _problems(planned: Fixed) -> tuple[str, ...]:
    if planned.plan is not None:
        return planned.problems
    look = planned.seen.look
    return (*planned.problems, f"{planned.seen.reference.familiar}: {look.state}: {look.detail}")


class _Run:
    """One run of the command."""

    def __init__(self, call: Call, clients: Registries, done: Done) -> None:
        self._call = call
        self._done = done
        self._clients = clients
        reader = DeepReader(RunMemory(), call.config.deep)
        self.fixing = Fixing(
            clients.client, discover(), call.config.policy, now, reader, FORMS[call.form]
        )

    async def references(self) -> AsyncIterator[Reference]:
        """Yield what is asked for, each once; of all tags those that are no digest's."""
        asked: dict[Reference, None] = {}
        for text in self._call.references:
            reference = Reference.parse(text)
            if not self._call.all_tags:
                asked[reference.with_default_tag()] = None
                continue
            listing = await self.fixing.tags(reference)
            if not listing.complete:
                self._done.miss(f"{reference.familiar}: its tags: {listing.problem}")
            bare = Reference(reference.registry, reference.repository)
            names = [name for name in listing.names if not is_attachment_tag(name)]
            asked |= {msgspec.structs.replace(bare, tag=name): None for name in names}
        for reference in asked:
            yield reference

    async def carry_out(self, plan: Plan, planned: Fixed) -> None:
        """Show the plan, and push it if that is asked for and nothing forbids it."""
        plain = self._clients.client(plan.target.registry).registry.scheme is Scheme.HTTP
        insecure = plain or self._call.insecure
        if self._call.interactive:
            plan = self._chosen(plan, planned, insecure)
        shown = plan_v1(plan, insecure=insecure)
        self._done.show(shown)
        if not self._call.push or not plan.changes or plan.refused:
            return
        target = self._target(plan)
        if self._call.interactive and not _confirmed(f"push to {target.familiar}?"):
            return
        try:
            outcome = await self._push(plan, target)
        except Interrupted as broken:
            self._done.show(_with_ends(shown, broken.outcome))
            raise
        except ConfigInvalid:
            raise
        except MflLintError as error:
            self._done.show(msgspec.structs.replace(shown, problem=str(error)))
            return
        await self._look_again(plan, target, _with_ends(shown, outcome), outcome)

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
            if not _confirmed(inert(f"{described(mend.step)}: {mend.why}?"), default=True)
        }
        if not out:
            return plan
        return narrowed(plan, planned.seen, self.fixing.judge(), out)

    async def _push(self, plan: Plan, target: Reference) -> Outcome:
        expected = plan.base
        if target != plan.target:
            expected = await points_at(self._clients, target)
        asked = push_plan(plan, target, expected, copy=self._call.copy)
        async with audit(self._call.config) as written:
            return await push(asked, self._clients.client, written, now=now)

    async def _look_again(
        self, plan: Plan, target: Reference, shown: PlanV1, outcome: Outcome
    ) -> None:
        """Show what a look finds in what was pushed."""
        self._done.show(shown)
        if not outcome.ok:
            return
        again = await self.fixing.look(target)
        judged = self.fixing.judge()(again)
        still = still_there(plan, judged) if again.digest == plan.digest else tuple(judged)
        found = tuple(map(finding_v1, still))
        self._done.show(msgspec.structs.replace(shown, still=found))


def _confirmed(question: str, *, default: bool = False) -> bool:
    with at_a_prompt():
        return click.confirm(question, default, err=True)


def _with_ends(shown: PlanV1, outcome: Outcome) -> PlanV1:
    """Return a plan with what became of its push."""
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
    return msgspec.structs.replace(shown, pushed=ends, unrecorded=outcome.unrecorded)
