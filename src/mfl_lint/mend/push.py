"""Carry a plan out: what is missing first, then the index, then further tags.

    look at the tags      the first moved since the plan was made: nothing is written
    look for the children one is missing or denied: nothing is written
    an audit record       before the first request that writes
    bring the children    a reader never sees an index with children that are missing
    look for them again   one was deleted meanwhile: the index is not put
    look at the tag again moved: the index is not put; the children may remain
    put the index         If-Match, or If-None-Match for a new tag, where the registry offers
                          ETags; then a GET decides

Between the last look and the put lies a window in which another push is overwritten, unless the
registry honours that. The tag is looked at all that time, so that such a push is seen, most
likely; how long the window was is part of the outcome.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import MflLintError, NotFound, Refused, RegistryError, Unanswered
from mfl_lint.core.reference import Reference
from mfl_lint.mend.bringing import Bringer, Clients, Need, Progress
from mfl_lint.mend.deciding import end_of, is_certain, moved, untouched
from mfl_lint.mend.finishing import finished
from mfl_lint.mend.intent import Audit, Intent, PushPlan
from mfl_lint.mend.outcome import WRITTEN, End, Interrupted, Outcome, TagEnd
from mfl_lint.registry.source import Head

_ABSENT: Final = Head(None)
# While one index is put, at first often: 12 looks with doubling pauses are some 4 seconds.
_LOOKS: Final = 12
_FIRST_PAUSE_S: Final = 0.001
# What was not answered is often carried out within moments.
_LATER_S: Final = (0.05, 0.2, 0.75)


async def push(
    plan: PushPlan,
    clients: Clients,
    audit: Audit,
    *,
    progress: Callable[[Progress], None] = lambda progress: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Carry the plan out and return how that ended; failures of the registry are not raised.

    Where it is cancelled after it was written down, how far it was is written down too, and
    raised as Interrupted; a second cancellation does not wait for that.
    """
    bringer = Bringer(clients, plan.target, copy=plan.copy, progress=progress)
    return await _Push(plan, bringer, audit, clock).run(now)


class _Push:
    def __init__(
        self, plan: PushPlan, bringer: Bringer, audit: Audit, clock: Callable[[], float]
    ) -> None:
        self._plan = plan
        self._bringer = bringer
        self._writer = bringer.writer
        self._client = bringer.writer.client
        self._audit = audit
        self._clock = clock
        self._before: dict[str, Digest | None] = {}
        self._ends: list[TagEnd] = []
        self._is_sent = False

    async def run(self, now: Callable[[], datetime]) -> Outcome:
        plan = self._plan
        try:
            for reference in plan.references():
                head = await self._look(reference)
                self._before[reference.tag or ""] = head.digest
            first = self._before[plan.target.tag or ""]
            if plan.target.tag is not None and first not in (plan.expected, plan.digest):
                return self._outcome(moved(plan.target, plan.expected, first))
            needs = await self._bringer.needs(plan.children)
        except (RegistryError, Refused) as error:
            return self._outcome(self._untouched(plan.target, error))
        begun = self._audit.begin(Intent(now(), self._client.registry.name, plan, self._before))
        try:
            await finished(begun)
            outcome = await self._carry_out(needs)
        except asyncio.CancelledError:
            raise Interrupted(await self._written_down(self._broken_off())) from None
        return await self._written_down(outcome)

    async def _written_down(self, outcome: Outcome) -> Outcome:
        """Have it written down how it ended, and return that with why it could not be."""
        try:
            await finished(self._audit.end(outcome))
        except MflLintError as error:
            # What has happened has happened, and whoever asked for it has to know the way back.
            return replace(outcome, unrecorded=str(error))
        except asyncio.CancelledError:
            raise Interrupted(outcome) from None
        return outcome

    def _broken_off(self) -> Outcome:
        """Return how far it was."""
        references = self._plan.references()
        if len(self._ends) < len(references):
            reference = references[len(self._ends)]
            before = self._before[reference.tag or ""]
            detail = "interrupted before the list was sent"
            end = TagEnd(reference, End.FAILED, before, before, detail)
            if self._is_sent:
                detail = "interrupted after the list was sent: it may have been pushed"
                ours = self._plan.digest
                end = TagEnd(reference, End.UNKNOWN, before, None, detail, ours=ours)
            self._ends.append(end)
        return self._outcome(*self._ends)

    async def _carry_out(self, needs: Sequence[Need]) -> Outcome:
        try:
            await self._bringer.bring(needs)
            await self._bringer.check(self._plan.children)
        except (RegistryError, Refused) as error:
            return self._outcome(self._untouched(self._plan.target, error))
        for reference in self._plan.references():
            self._is_sent = False
            self._ends.append(await self._tag(reference))
            if not self._ends[-1].ok:
                break
        return self._outcome(*self._ends)

    async def _tag(self, reference: Reference) -> TagEnd:
        """Let one tag point at the index, unless it moved since it was first looked at."""
        plan, before = self._plan, self._before[reference.tag or ""]
        new = reference.tag is not None and before is None
        new = new and await self._bringer.offers_etags(plan.digest)
        looked = self._clock()
        try:
            head = await self._look(reference)
        except RegistryError as error:
            return self._untouched(reference, error)
        if reference.tag is not None and head.digest == plan.digest:
            return TagEnd(reference, End.UNCHANGED, before, head.digest)
        if head.digest != before:
            return moved(reference, before, head.digest)
        watch = asyncio.create_task(self._watch(reference, before))
        try:
            claimed, failure = await self._put(reference, head.etag, new=new)
        finally:
            watch.cancel()
            await asyncio.wait([watch])
        between = None if watch.cancelled() else watch.result()
        window_s = self._clock() - looked
        found = await self._decide(reference, before, claimed, failure)
        if reference.tag is None or found.end not in WRITTEN:
            return found
        if found.end is End.PUSHED and between is not None:
            found = replace(found, end=End.OVERWROTE, between=between)
        return replace(found, window_s=window_s, guarded=new or bool(head.etag))

    async def _put(
        self, reference: Reference, etag: str, *, new: bool
    ) -> tuple[Digest | None, RegistryError | None]:
        """Put the index; return the digest that the registry names, and why it failed."""
        plan = self._plan
        self._is_sent = True
        try:
            claimed = await self._writer.put_manifest(
                reference.repository,
                reference.tag or plan.digest,
                plan.raw,
                plan.media_type,
                if_match=etag,
                if_none_match="*" if new else "",
                once=True,
            )
        except RegistryError as error:
            return None, error
        return claimed, None

    async def _watch(self, reference: Reference, before: Digest | None) -> Digest | None:
        """Return the first digest that the tag has besides those that are known; else wait."""
        for number in range(_LOOKS):
            try:
                head = await self._look(reference)
            except RegistryError:
                break
            if head.digest not in (None, before, self._plan.digest):
                return head.digest
            await asyncio.sleep(_FIRST_PAUSE_S * 2**number)
        await asyncio.Event().wait()
        return None

    async def _decide(
        self,
        reference: Reference,
        before: Digest | None,
        claimed: Digest | None,
        failure: RegistryError | None,
    ) -> TagEnd:
        """Return what became of the tag: what a GET says, whatever was answered to the PUT."""
        plan = self._plan
        detail = f"{failure}" if failure else ""
        if claimed not in (None, plan.digest):
            detail = f"the registry says that it keeps {claimed} in place of {plan.digest}"
        try:
            seen = await self._seen(reference, before, patient=isinstance(failure, Unanswered))
        except RegistryError as error:
            detail = f"{detail}; and then: {error}" if detail else str(error)
            end = End.REFUSED if is_certain(failure) else End.UNKNOWN
            ours = plan.digest if end is End.UNKNOWN else None
            return TagEnd(reference, end, before, None, detail, ours=ours)
        end = end_of(plan.digest, before, seen, claimed, failure)
        if end is End.UNKNOWN:
            between = seen if seen != before else None
            ours = plan.digest
            return TagEnd(reference, end, before, seen, detail, between=between, ours=ours)
        ours = seen if end in (End.PUSHED, End.REWRITTEN) else None
        return TagEnd(reference, end, before, seen, detail, ours=ours)

    async def _seen(
        self, reference: Reference, before: Digest | None, *, patient: bool
    ) -> Digest | None:
        """Return what the tag is; `patient`: look again for a while where it is as it was."""
        for pause_s in (*(_LATER_S if patient else ()), None):
            try:
                target = reference.tag or self._plan.digest
                document = await self._client.document(reference.repository, target)
                seen: Digest | None = document.digest
            except NotFound:
                seen = None
            if seen != before or pause_s is None:
                break
            await asyncio.sleep(pause_s)
        return seen

    async def _look(self, reference: Reference) -> Head:
        """Return what the tag is now, with a digest where it is there."""
        if reference.tag is None:
            return _ABSENT
        try:
            head = await self._client.head(reference.repository, reference.tag)
            if head.digest is None:
                document = await self._client.document(reference.repository, reference.tag)
                head = replace(head, digest=document.digest)
            return head
        except NotFound:
            return _ABSENT

    def _untouched(self, reference: Reference, error: Exception) -> TagEnd:
        return untouched(reference, self._before.get(reference.tag or ""), error)

    def _outcome(self, *ends: TagEnd) -> Outcome:
        left_out = self._plan.references()[len(ends) :]
        return Outcome(self._plan.digest, ends, self._writer.writes, left_out=left_out)
