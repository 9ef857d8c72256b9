"""From a reference to its plan: look at it, at what is named like it, and inside it if need be.

A name that says a platform is grouped with its siblings; anything else is mended as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from mfl_lint.config import Scheme
from mfl_lint.core.errors import RegistryError
from mfl_lint.core.names import PlatformWord, platform_words
from mfl_lint.core.observation import Kind, LookState, Observation
from mfl_lint.core.plan import Plan
from mfl_lint.core.policy import Policy, Severity
from mfl_lint.core.reference import DEFAULT_TAG, Reference
from mfl_lint.core.relatives import family, stem_repository
from mfl_lint.core.rule import Finding, Rule, Siblings, TagSummary
from mfl_lint.core.spare import Spare
from mfl_lint.lint import judge, judge_name
from mfl_lint.mend.attached import attached
from mfl_lint.mend.grouping import Member, group_plan
from mfl_lint.mend.plan import Judge, plan_for
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.observe import observe
from mfl_lint.registry.source import Listing

Clients = Callable[[str], RegistryClient]
_MAX_MEMBERS: Final = 50
_BESIDE_IMAGES: Final = frozenset({Kind.ATTESTATION, Kind.ARTIFACT, Kind.BLOB})


class Fixed(msgspec.Struct, frozen=True):
    """A plan, None where the reference was not seen, and lines on what could not be looked at."""

    plan: Plan | None
    seen: Observation
    problems: tuple[str, ...] = ()


class Fixing:
    """Makes plans. `form` is the media type of a new list whose images' types are mixed."""

    def __init__(
        self,
        clients: Clients,
        rules: Sequence[Rule],
        policy: Policy,
        now: Callable[[], datetime],
        inside: DeepReader,
        form: str = "",
    ) -> None:
        self._clients = clients
        self._rules = rules
        self._policy = policy
        self._now = now
        self._inside = inside
        self._form = form

    async def plan(self, reference: Reference) -> Fixed:
        """Return the plan for a reference; no failure to look is raised."""
        work = _One(self, reference.with_default_tag())
        return await work.plan()

    async def look(self, reference: Reference) -> Observation:
        """Return what the reference is like now."""
        client = self._clients(reference.registry)
        seen = await observe(client, client.registry.name, reference, now=self._now)
        assert isinstance(seen, Observation)  # noqa: S101  # nothing was vouched for
        return seen

    async def inside(self, seen: Observation) -> Observation:
        """Return the observation with its images' layers read."""
        return await self._inside.look(self._clients(seen.reference.registry), seen)

    async def tags(self, reference: Reference) -> Listing:
        """Return the repository's tags; where they cannot be listed, none and why."""
        try:
            return await self._clients(reference.registry).tags(reference.repository)
        except RegistryError as error:
            return Listing((), str(error))

    async def repositories(self, registry: str) -> Listing:
        """Return the registry's repositories; where they cannot be listed, none and why."""
        try:
            return await self._clients(registry).repositories()
        except RegistryError as error:
            return Listing((), str(error))

    async def left_behind(self, seen: Observation) -> tuple[str, ...]:
        """Return lines on what hangs on the digest that the tag points at now."""
        if seen.digest is None:
            return ()
        return await attached(self._clients(seen.reference.registry), seen.reference, seen.digest)

    def group(
        self, base: Observation, members: Sequence[Member], blamed: Sequence[Finding]
    ) -> Plan:
        """Return the plan that makes one list of the members; raise Refused."""
        return group_plan(base, members, self.judge(), blamed, self._form)

    def mend(
        self, seen: Observation, tags: Iterable[str], spares: Sequence[Spare] = ()
    ) -> Plan | None:
        """Return the plan for what was seen; `spares` as in `plan_for`."""
        reference = seen.reference
        required = self._policy.required(reference.repository, reference.tag or "")
        return plan_for(seen, self.judge(tags), tuple(required), spares)

    def judge(self, tags: Iterable[str] | None = None) -> Judge:
        """Return what says what is found in an observation, without what the policy ignores."""
        siblings = Siblings(tags=tuple(map(TagSummary, tags)) if tags is not None else None)

        def found(seen: Observation) -> Sequence[Finding]:
            settings = self._clients(seen.reference.registry).registry
            judgement = judge(
                seen,
                self._rules,
                self._policy,
                siblings,
                sparse=settings.sparse,
                insecure=settings.scheme is Scheme.HTTP,
            )
            return [one for one in judgement.findings if not self._is_ignored(one)]

        return found

    def names(self, registry: str, repositories: Iterable[str], known: Listing) -> list[Finding]:
        """Return what the repositories' names are blamed for."""
        siblings = Siblings(repositories=known.names if known.complete else None)
        name = self._clients(registry).registry.name
        found = []
        for repository in repositories:
            reference = Reference(registry, repository)
            named = judge_name(name, reference, self._rules, self._policy, siblings)
            found += [one for one in named.findings if one.severity is not Severity.INFO]
        return [one for one in found if not self._is_ignored(one)]

    def _is_ignored(self, finding: Finding) -> bool:
        place = (finding.registry, finding.repository, finding.tag)
        now = self._now()
        return any(one.covers(finding.rule, *place, now) for one in self._policy.ignores)


class _One:
    """The plan for one reference."""

    def __init__(self, fixing: Fixing, reference: Reference) -> None:
        self._fixing = fixing
        self._reference = reference
        self._problems: list[str] = []

    async def plan(self) -> Fixed:
        seen = await self._fixing.look(self._reference)
        tags = await self._fixing.tags(self._reference)
        plan = None
        if may_be_grouped(seen):
            plan = await self._by_tag(tags)
            if plan is None and (seen.root is None or platform_words(self._reference.repository)):
                plan = await self._by_repository()
        if plan is not None and seen.root is None and not (plan.changes or plan.refused):
            plan = None  # neither it nor what is named like it is there
        if plan is None:
            plan, seen = await self._mended(seen, tags)
        if plan is not None and plan.changes:
            base = msgspec.structs.replace(seen, reference=plan.target)
            losses = await self._fixing.left_behind(base) if plan.base == seen.digest else ()
            plan = msgspec.structs.replace(plan, losses=(*plan.losses, *losses))
        if seen.root is not None and not seen.complete:
            self._problems.append(f"{seen.reference.familiar}: not all of it could be seen")
        return Fixed(plan, seen, tuple(self._problems))

    async def _mended(self, seen: Observation, tags: Listing) -> tuple[Plan | None, Observation]:
        """Return the plan for what was seen, with its layers read where they decide."""
        names = tags.names if tags.complete else ()
        plan = self._fixing.mend(seen, names)
        if plan is not None and plan.wants_layers:
            seen = await self._fixing.inside(seen)
            plan = self._fixing.mend(seen, names)
        if plan is not None and _lacks_images(plan):
            plan = self._fixing.mend(seen, names, await self._spares(names))
        return plan, seen

    async def _spares(self, names: tuple[str, ...]) -> list[Spare]:
        """Return the images of names like `v1-arm64` beside `v1`, and `app-arm64` beside `app`."""
        bare, tag = msgspec.structs.replace(self._reference, digest=None), self._reference.tag
        found = family(tag or DEFAULT_TAG, names)
        asked: list[Reference] = []
        if found is not None and tag not in found.members:
            asked = [msgspec.structs.replace(bare, tag=one) for one in found.members]
        known = await self._fixing.repositories(bare.registry)
        found = family(bare.repository, known.names)
        if found is not None and bare.repository not in found.members:
            asked += [msgspec.structs.replace(bare, repository=one) for one in found.members]
        seen = await asyncio.gather(*map(self._fixing.look, self._bounded(asked, self._reference)))
        return [
            Spare(one.root, one.reference)
            for one in seen
            if one.root is not None and one.root.kind is Kind.IMAGE
        ]

    async def _by_tag(self, tags: Listing) -> Plan | None:
        """Return the plan that groups tags like `v1-arm64`, None where they are none."""
        tag = self._reference.tag
        found = family(tag, tags.names) if tag is not None else None
        if found is None:
            return None
        bare = msgspec.structs.replace(self._reference, digest=None)
        target = msgspec.structs.replace(bare, tag=found.stem or DEFAULT_TAG)
        members = {
            msgspec.structs.replace(bare, tag=name): word for name, word in found.members.items()
        }
        plan, seen = await self._grouped(target, members, ())
        if plan is None or plan.refused or not plan.changes:
            return plan
        judged = self._fixing.judge(tags.names)
        blamed = [
            finding
            for one in seen
            for finding in judged(one.seen)
            if finding.rule == "MFL303" and finding.severity is not Severity.INFO
        ]
        return msgspec.structs.replace(plan, fixed=(*plan.fixed, *blamed))

    async def _by_repository(self) -> Plan | None:
        """Return the plan that groups repositories like `app-arm64`, None where they are none."""
        reference = self._reference
        known = await self._fixing.repositories(reference.registry)
        found = family(reference.repository, known.names)
        if found is None:
            return None
        if not known.complete:
            self._problems.append(f"{reference.registry}: not all names are known: {known.problem}")
        stem = stem_repository(reference.registry, found.stem)
        target = Reference(reference.registry, stem, reference.tag)
        members = {
            Reference(reference.registry, name, reference.tag): word
            for name, word in found.members.items()
        }
        blamed = self._fixing.names(reference.registry, found.members, known)
        plan, _ = await self._grouped(target, members, blamed)
        return plan

    async def _grouped(
        self,
        target: Reference,
        members: dict[Reference, PlatformWord],
        blamed: Sequence[Finding],
    ) -> tuple[Plan | None, list[Member]]:
        asked = [target, *self._bounded(list(members), target)]
        base, *seen = await asyncio.gather(*map(self._fixing.look, asked))
        found = [Member(members[one.reference], one) for one in seen]
        if base.root is None and base.look.state is not LookState.ABSENT:
            self._problems.append(f"{target.familiar}: {base.look.state}: {base.look.detail}")
            return None, found
        return self._fixing.group(base, found, blamed), found

    def _bounded(self, names: Sequence[Reference], target: Reference) -> list[Reference]:
        """Return as many names as one plan takes, with the one that was asked for; say the rest."""
        ordered = sorted(names, key=lambda one: one != self._reference)
        left = ordered[_MAX_MEMBERS:]
        if left:
            self._problems.append(
                f"{len(left)} of the {len(names)} names like {left[0].familiar}: one plan takes "
                f"{_MAX_MEMBERS}; after its push `mfl-lint manifest append {target.familiar} "
                "IMAGE…` adds the others, one by one or several at once"
            )
        return ordered[:_MAX_MEMBERS]


def _lacks_images(plan: Plan) -> bool:
    found = (*plan.fixed, *(left.finding for left in plan.left))
    return any(finding.rule == "MFL201" for finding in found)


def may_be_grouped(seen: Observation) -> bool:
    """Say whether the reference is not there, or one image: a list of several is mended itself."""
    if seen.root is None:
        return seen.look.state is LookState.ABSENT
    below = seen.root.children if seen.root.is_index else (seen.root,)
    return sum(node.kind not in _BESIDE_IMAGES for node in below) == 1
