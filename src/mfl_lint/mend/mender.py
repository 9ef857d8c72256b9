"""Carries plans out for people of a service, with each registry's own credentials for writing."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotFound, Refused
from mfl_lint.core.plan import Plan
from mfl_lint.core.policy import Policy, any_glob
from mfl_lint.core.pushes import BEGUN, KnownPush, wanted_of
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Rule
from mfl_lint.mend.carrying import push_plan
from mfl_lint.mend.fixing import Fixing
from mfl_lint.mend.intent import PushPlan
from mfl_lint.mend.outcome import End, Outcome
from mfl_lint.mend.push import push
from mfl_lint.mend.restoring import gone, restoring
from mfl_lint.mend.store_audit import StoreAudit
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.layer_memory import RunMemory
from mfl_lint.registry.transport import Transport
from mfl_lint.store.engine import Store


class Mender:
    """Pushes to the registries whose settings allow it, one push to a repository at a time."""

    def __init__(
        self,
        store: Store,
        transport: Transport,
        config: Callable[[], Config],
        rules: Sequence[Rule],
        now: Callable[[], datetime],
        environment: Mapping[str, str],
    ) -> None:
        self._store = store
        self._transport = transport
        self._config = config
        self._rules = rules
        self._now = now
        self._environment = environment
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._working: set[asyncio.Task[Outcome]] = set()

    async def push(
        self,
        name: str,
        repository: str,
        tag: str,
        shown: tuple[Digest, Digest],
        *,
        policy: Policy,
        who: str,
    ) -> Outcome:
        """Carry the plan for a tag out if it is still the one that was `shown`.

        `name` is the registry's. `shown` are the digests before and after, `policy` what the
        plan was made by. Raise Refused where the settings forbid it, or where another look gives
        another plan.
        """
        registry = self.allowed(name, tag)
        client = self._client(registry)
        async with self._turns[name, repository]:
            plan = await self._planned(client, Reference(registry.host, repository, tag), policy)
            if (plan.base, plan.digest) != shown:
                raise Refused(
                    f"the plan is another one by now: {tag} points at {plan.base}; look at it anew"
                )
            if plan.refused or not plan.changes:
                raise Refused(plan.refused[0] if plan.refused else "there is nothing to be done")
            asked = push_plan(plan, plan.target, plan.base, copy=False)
            return await self._carried_out(asked, client, who)

    async def undo(self, known: KnownPush, who: str) -> Outcome:
        """Let the tag point at what it pointed at before a push, if it is still what was pushed."""
        record = known.record
        # Of what nobody saw the end of the tag itself tells, when it is looked at again.
        unsure = known.state in (End.UNKNOWN, BEGUN)
        pushed = wanted_of(known) if unsure else known.after
        if not (unsure or known.state == End.PUSHED) or pushed is None:
            raise Refused("this did not change the tag, as far as is known")
        if record.before is None:
            raise Refused(f"there was no {record.tag} before: there is nothing to go back to")
        registry = self.allowed(record.registry, record.tag)
        client = self._client(registry)
        target = Reference(registry.host, record.repository, record.tag)
        async with self._turns[record.registry, record.repository]:
            try:
                document = await client.document(record.repository, record.before)
            except NotFound:
                raise Refused(gone(msgspec.structs.replace(target, digest=record.before))) from None
            notes = {"restores": record.before, "undoes": known.id}
            asked = restoring(target, document, pushed, notes, sparse=registry.sparse)
            return await self._carried_out(asked, client, who)

    def allowed(self, name: str, tag: str) -> RegistryConfig:
        """Return the registry's settings; Refused where nothing may be pushed to the tag."""
        registry = self._config().registry(name)
        if registry is None or not registry.push.enabled:
            raise Refused(f"nothing may be pushed to {name}: [registry.push] is not enabled")
        if not any_glob(registry.push.tags, tag):
            raise Refused(f"the tag {tag} is none of registry.push.tags")
        return registry

    def _client(self, registry: RegistryConfig) -> RegistryClient:
        own = msgspec.structs.replace(registry, credentials=registry.push.credentials)
        keychain = Keychain.load(self._environment, setting="push.credentials")
        return RegistryClient(own, self._transport, keychain=keychain)

    async def _planned(self, client: RegistryClient, reference: Reference, policy: Policy) -> Plan:
        reader = DeepReader(RunMemory(), self._config().deep)
        fixing = Fixing(lambda _: client, self._rules, policy, self._now, reader)
        seen = await fixing.look(reference)
        plan = fixing.mend(seen, ())
        if plan is None:
            raise Refused(
                f"{reference.familiar} was not seen: {seen.look.state} {seen.look.detail}"
            )
        return plan

    async def _carried_out(self, asked: PushPlan, client: RegistryClient, who: str) -> Outcome:
        # What has begun is brought to its end, whoever goes away meanwhile.
        work = push(asked, lambda _: client, StoreAudit(self._store, who), now=self._now)
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return await asyncio.shield(task)

    async def close(self, within_s: float = 5.0) -> None:
        """Wait for the pushes that are under way; what takes longer is broken off, and says so."""
        working = list(self._working)
        if not working:
            return
        _, late = await asyncio.wait(working, timeout=within_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
