"""Plans that mend a tag's list: shown to whoever reads it, carried out and undone by editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.config import Scheme
from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.errors import MflLintError, Refused, RegistryError
from mfl_lint.core.observation import Observation
from mfl_lint.core.plan import Plan
from mfl_lint.core.pushes import KnownPush
from mfl_lint.core.reference import is_repository, is_tag
from mfl_lint.core.rule import Finding, Siblings
from mfl_lint.crawl.stored import stored_observation
from mfl_lint.lint import judge
from mfl_lint.mend.mender import Mender
from mfl_lint.mend.outcome import Outcome
from mfl_lint.mend.plan import plan_for
from mfl_lint.report.plan import PlanV1, plan_v1
from mfl_lint.store import audit, looks, pushes
from mfl_lint.web import links, present
from mfl_lint.web.addressed import repository_of
from mfl_lint.web.answers import Answer
from mfl_lint.web.forms import form_page, typed
from mfl_lint.web.links import API
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services
from mfl_lint.web.viewer import VIEWER, services_for
from mfl_lint.web.writing import body_of, sent

PLAN: Final = "/plans/{registry}/{repository:[^:]+}:{tag}"
_PUSH: Final = "/push/{registry}/{repository:[^:]+}:{tag}"
_UNDO: Final = r"/pushes/{id:\d{1,18}}/undo"


class PushRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which plan to carry out: the digests before and after, as it shows them."""

    before: str
    after: str


class PlanAnswer(Answer, frozen=True, kw_only=True):
    """What mends a tag's list, from what was seen of it last.

    `plan` is null where the tag was never seen. `refusal` says why nobody may have it carried out
    here, "" where editors may.
    """

    registry: str
    repository: str
    tag: str
    plan: PlanV1 | None
    refusal: str


class PushItem(msgspec.Struct, frozen=True, kw_only=True):
    """A push; `state` is begun until its end is known, `undoable` where it can be undone."""

    id: int
    at: datetime
    who: str
    registry: str
    repository: str
    tag: str
    before: str | None
    after: str | None
    state: str
    problem: str
    undoable: bool
    page: str


class PushesAnswer(Answer, frozen=True, kw_only=True):
    """What was pushed, the newest first."""

    items: tuple[PushItem, ...]
    next_cursor: str | None


class PushedAnswer(Answer, frozen=True, kw_only=True):
    """How a push ended; `restore` is the command that puts back what was there, "" = nothing."""

    reference: str
    end: str
    before: str | None
    now: str | None
    detail: str
    restore: str


def add_plans(app: web.Application) -> None:
    """Add what carries plans out and undoes them."""
    app.router.add_post(f"{API}{PLAN}", _post)
    app.router.add_get(_PUSH, _form)
    app.router.add_post(_PUSH, _send)
    app.router.add_post(f"{API}{_UNDO}", _post_undo)
    app.router.add_get(_UNDO, _ask_undo)
    app.router.add_post(_UNDO, _undo)


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
        refusal=_refusal(services, registry.name, tag),
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
            if not any(x.covers(one.rule, name, one.repository, one.tag, now) for x in ignores)
        ]

    reference = seen.reference
    required = config.policy.required(reference.repository, reference.tag or "")
    return plan_for(seen, found, tuple(required))


def _is_plain(services: Services, name: str) -> bool:
    settings = services.config().registry(name)
    return settings is not None and settings.scheme is Scheme.HTTP


def _refusal(services: Services, name: str, tag: str) -> str:
    if services.mender is None:
        return "this service pushes nothing"
    try:
        services.mender.allowed(name, tag)
    except Refused as error:
        return str(error)
    return ""


async def read_pushes(services: Services, match: Mapping[str, str], query: Query) -> PushesAnswer:
    """Return what was pushed, the newest first."""
    page = await pushes.known_pushes(services.store, query.cursor, query.limit)
    return PushesAnswer(
        items=tuple(_item(services, one) for one in page.items), next_cursor=page.next_cursor
    )


def _item(services: Services, one: KnownPush) -> PushItem:
    record = one.record
    whole = one.state == "pushed" and record.before is not None and one.after is not None
    return PushItem(
        id=one.id,
        at=record.at,
        who=record.who,
        registry=record.registry,
        repository=record.repository,
        tag=record.tag,
        before=record.before,
        after=one.after,
        state=one.state,
        problem=one.problem,
        undoable=whole and not _refusal(services, record.registry, record.tag),
        page=links.subject(record.registry, record.repository, record.tag),
    )


def _mender(request: web.Request, registry: str, tag: str) -> Mender:
    """Return what pushes; 404 where nothing may be pushed there."""
    mender = services_for(request).mender
    if mender is None:
        raise web.HTTPNotFound(text="this service pushes nothing")
    try:
        mender.allowed(registry, tag)
    except Refused as error:
        raise web.HTTPNotFound(text=str(error)) from None
    return mender


async def _pushed(request: web.Request, wanted: PushRequest) -> PushedAnswer:
    """Carry the plan out; 409 where it is another one by now, or was not carried out."""
    match = request.match_info
    place = match["registry"], match["repository"], match["tag"]
    if not (is_repository(place[1]) and is_tag(place[2])):
        raise web.HTTPNotFound(text="no repository and tag can be called so")
    if not (is_digest(wanted.before) and is_digest(wanted.after)):
        raise web.HTTPBadRequest(text="before and after are digests, as the plan shows them")
    mender, who = _mender(request, place[0], place[2]), request[VIEWER].name
    shown = Digest(wanted.before), Digest(wanted.after)
    try:
        outcome = await mender.push(*place, shown, who)
    except MflLintError as error:
        raise _failed(error) from None
    return await _told(request, place, outcome, "plan.push")


async def _undone(request: web.Request) -> PushedAnswer:
    """Undo the push that the path names; 409 where the tag is something else by now."""
    known = await _known(request)
    record = known.record
    place = record.registry, record.repository, record.tag
    mender, who = _mender(request, place[0], place[2]), request[VIEWER].name
    try:
        outcome = await mender.undo(known, who)
    except MflLintError as error:
        raise _failed(error) from None
    return await _told(request, place, outcome, "plan.undo")


async def _known(request: web.Request) -> KnownPush:
    number = int(request.match_info["id"])
    known = await pushes.known_push(services_for(request).store, number)
    if known is None:
        raise web.HTTPNotFound(text=f"there is no push {number}")
    return known


def _failed(error: MflLintError) -> web.HTTPException:
    if isinstance(error, RegistryError):
        return web.HTTPBadGateway(text=f"the registry: {error}"[:500])
    return web.HTTPConflict(text=str(error)[:500])


async def _told(
    request: web.Request, place: tuple[str, str, str], outcome: Outcome, action: str
) -> PushedAnswer:
    """Return how it ended, written down and looked at again; 409 where it did not go through."""
    services, who, last = services_for(request), request[VIEWER].name, outcome.last
    now, subject = services.now(), f"{'/'.join(place[:2])}:{place[2]} {last.end} {outcome.digest}"
    await services.store.write(audit.note, who, action, subject, now)
    await looks.request_look(services.store, *place, now, "pushed", who=who)
    services.hurry()
    if not outcome.ok:
        raise web.HTTPConflict(text=f"{last.end}: {last.detail or 'the tag is as it was'}"[:500])
    return PushedAnswer(
        reference=str(last.reference),
        end=last.end,
        before=last.before,
        now=last.now,
        detail=last.detail,
        restore=last.restore,
    )


async def _post(request: web.Request) -> web.Response:
    return sent(await _pushed(request, await body_of(request, PushRequest)))


async def _form(request: web.Request) -> web.Response:
    match = request.match_info
    _mender(request, match["registry"], match["tag"])
    answer = await read_plan(services_for(request), match, Query({}))
    return form_page(request, "push.html", answer=answer, plan=answer.plan)


async def _send(request: web.Request) -> web.Response:
    fields = await typed(request, "before", "after")
    await _pushed(request, PushRequest(**fields))
    return web.Response(status=303, headers={"Location": "/pushes"})


async def _post_undo(request: web.Request) -> web.Response:
    return sent(await _undone(request))


async def _ask_undo(request: web.Request) -> web.Response:
    known = await _known(request)
    _mender(request, known.record.registry, known.record.tag)
    item = _item(services_for(request), known)
    return form_page(request, "push_undo.html", item=item)


async def _undo(request: web.Request) -> web.Response:
    await _undone(request)
    return web.Response(status=303, headers={"Location": "/pushes"})
