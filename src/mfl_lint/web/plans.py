"""Reading plans that mend a tag's list, and what was pushed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from mfl_lint.config import Scheme
from mfl_lint.core.errors import Refused
from mfl_lint.core.mendable import NAMES
from mfl_lint.core.observation import Observation
from mfl_lint.core.plan import Plan
from mfl_lint.core.reference import is_tag
from mfl_lint.core.rule import Finding, Siblings
from mfl_lint.crawl.stored import stored_observation
from mfl_lint.lint import judge
from mfl_lint.mend.plan import plan_for
from mfl_lint.report.plan_v1 import PlanV1, plan_v1
from mfl_lint.web import present
from mfl_lint.web.addressed import repository_of
from mfl_lint.web.answers import Answer
from mfl_lint.web.naming import NamedItem, named_of
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services

PLAN: Final = "/plans/{registry}/{repository:[^:]+}:{tag}"


class PlanAnswer(Answer, frozen=True, kw_only=True):
    """What mends a tag's list, from what was seen of it last.

    `plan` is null where the tag was never seen. `refusal` says why nobody may have it carried out
    here, "" where editors may. `named` is what a plan of this list alone knows nothing of: names
    that say a platform, which the command makes one list of.
    """

    registry: str
    repository: str
    tag: str
    plan: PlanV1 | None
    refusal: str
    named: tuple[NamedItem, ...] = ()


async def read_plan(services: Services, match: Mapping[str, str], query: Query) -> PlanAnswer:
    """Return what mends a tag's list; 404 if the tag is not known."""
    registry, repository = await repository_of(services, match)
    tag = match["tag"]
    seen = None
    if is_tag(tag):
        seen = await stored_observation(services.store, registry.name, repository.name, tag)
    if seen is None:
        raise web.HTTPNotFound(text=f"{repository.name} has no tag {tag[:128]!a} that was seen")
    plan = _plan(services, registry.name, seen)
    return PlanAnswer(
        registry=registry.name,
        repository=repository.name,
        tag=tag,
        plan=plan_v1(plan, insecure=_is_plain(services, registry.name)) if plan else None,
        refusal=refusal_of(services, registry.name, tag),
        named=await named_of(services, repository, seen),
    )


def _plan(services: Services, name: str, seen: Observation) -> Plan | None:
    """Return the plan for what was seen; what the policy ignores is left as it is."""
    config, now = services.config(), services.now()
    settings = config.registry(name)
    ignores = present.active_ignores(config.policy, now)
    sparse = settings.sparse if settings is not None else False

    def found(look: Observation) -> Sequence[Finding]:
        judged = judge(look, services.rules, config.policy, Siblings(tags=()), sparse=sparse)
        return [
            one
            for one in judged.findings
            # What stands beside it is not known here: `named_of` knows it.
            if one.rule not in NAMES
            and not any(x.covers(one.rule, name, one.repository, one.tag, now) for x in ignores)
        ]

    reference = seen.reference
    required = config.policy.required(reference.repository, reference.tag or "")
    return plan_for(seen, found, tuple(required))


def _is_plain(services: Services, name: str) -> bool:
    settings = services.config().registry(name)
    return settings is not None and settings.scheme is Scheme.HTTP


def refusal_of(services: Services, name: str, tag: str) -> str:
    if services.mender is None:
        return "this service pushes nothing"
    try:
        services.mender.allowed(name, tag)
    except Refused as error:
        return str(error)
    return ""
