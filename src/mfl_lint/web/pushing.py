"""Carrying plans out, and undoing that: for editors, where the settings allow it."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.errors import MflLintError, Refused, RegistryError, StoreError
from mfl_lint.core.pushes import KnownPush
from mfl_lint.core.reference import is_repository, is_tag
from mfl_lint.mend.mender import Mender
from mfl_lint.mend.outcome import End, Outcome
from mfl_lint.store import audit, looks, pushes
from mfl_lint.web.addressed import repository_of
from mfl_lint.web.answers import Answer
from mfl_lint.web.forms import form_page, typed
from mfl_lint.web.plans import PLAN, read_plan
from mfl_lint.web.pushed import push_item
from mfl_lint.web.query import Query
from mfl_lint.web.view import Action
from mfl_lint.web.viewer import VIEWER, services_for
from mfl_lint.web.writing import body_of, sent

_MAX_REASON: Final = 200
_PUSH: Final = "/push/{registry}/{repository:[^:]+}:{tag}"
_UNDO: Final = r"/pushes/{id:\d{1,18}}/undo"


class PushRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which plan to carry out: the digests before and after, as it shows them."""

    before: str
    after: str


class PushedAnswer(Answer, frozen=True, kw_only=True):
    """How a push ended; `restore` is the command that puts back what was there, "" = nothing.

    `unrecorded` says why it could not be written down how it ended, "" where it was.
    """

    reference: str
    end: str
    before: str | None
    now: str | None
    detail: str
    restore: str
    unrecorded: str


def add_pushing(app: web.Application) -> None:
    """Add what carries plans out and undoes them."""
    app.router.add_get(_PUSH, _form)
    app.router.add_post(_PUSH, _send)
    app.router.add_get(_UNDO, _ask_undo)
    app.router.add_post(_UNDO, _undo)


def _mender(request: web.Request, registry: str, tag: str) -> Mender:
    """Return what pushes; 404 where nothing is pushed at all, 403 where that tag may not be."""
    mender = services_for(request).mender
    if mender is None:
        raise web.HTTPNotFound(text="this service pushes nothing")
    try:
        mender.allowed(registry, tag)
    except Refused as error:
        raise web.HTTPForbidden(text=str(error)) from None
    return mender


async def _pushed(request: web.Request, wanted: PushRequest) -> PushedAnswer:
    """Carry the plan out; 409 where it is another one by now, or was not carried out."""
    match = request.match_info
    place = match["registry"], match["repository"], match["tag"]
    if not (is_repository(place[1]) and is_tag(place[2])):
        raise web.HTTPNotFound(text="no repository and tag can be called so")
    if not (is_digest(wanted.before) and is_digest(wanted.after)):
        raise web.HTTPBadRequest(text="before and after are digests, as the plan shows them")
    await repository_of(services_for(request), match)
    mender, who = _mender(request, place[0], place[2]), request[VIEWER].name
    shown = Digest(wanted.before), Digest(wanted.after)
    try:
        policy = services_for(request).config().policy
        outcome = await mender.push(*place, shown, policy=policy, who=who)
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
    unrecorded = outcome.unrecorded
    try:
        await services.store.write(audit.note, who, action, subject, now)
        await looks.request_look(services.store, *place, now, "pushed", who=who)
    except StoreError as error:
        unrecorded = unrecorded or str(error)
    services.hurry()
    if not outcome.ok:
        detail = last.detail or "the tag is as it was"
        unsure = last.end is End.UNKNOWN
        open_end = "; nobody knows whether it was pushed: look again, and see /pushes"
        raise web.HTTPConflict(
            text=f"{last.end}: {detail[:300]}{open_end if unsure else ''}"
            f"{_beside(last.restore, unrecorded)}"
        )
    return PushedAnswer(
        reference=str(last.reference),
        end=last.end,
        before=last.before,
        now=last.now,
        detail=last.detail,
        restore=last.restore,
        unrecorded=unrecorded[:_MAX_REASON],
    )


def _beside(restore: str, unrecorded: str) -> str:
    """Return what has to be known of a push besides its end: the way back, and what is missing."""
    back = f"; to put back what was there: {restore}" if restore else ""
    lost = f"; how it ended is not written down: {unrecorded[:_MAX_REASON]}" if unrecorded else ""
    return f"{back}{lost}"


async def push_plan(request: web.Request) -> web.StreamResponse:
    """Carry a plan out, as it was shown."""
    return sent(await _pushed(request, await body_of(request, PushRequest)))


async def _form(request: web.Request) -> web.Response:
    match = request.match_info
    answer = await read_plan(services_for(request), match, Query({}))
    _mender(request, match["registry"], match["tag"])
    return form_page(request, "push.html", answer=answer, plan=answer.plan)


async def _send(request: web.Request) -> web.Response:
    fields = await typed(request, "before", "after")
    return _shown(await _pushed(request, PushRequest(**fields)))


def _shown(answer: PushedAnswer) -> web.Response:
    """Lead to the page of all pushes; where it cannot stand there, say it here."""
    if answer.unrecorded:
        beside = _beside(answer.restore, answer.unrecorded)
        raise web.HTTPInternalServerError(text=f"{answer.end} {answer.reference}{beside}")
    return web.Response(status=303, headers={"Location": "/pushes"})


async def undo_push(request: web.Request) -> web.StreamResponse:
    """Put back what a tag was before a push, if it still is what was pushed."""
    return sent(await _undone(request))


async def _ask_undo(request: web.Request) -> web.Response:
    known = await _known(request)
    _mender(request, known.record.registry, known.record.tag)
    item = push_item(services_for(request), known)
    return form_page(request, "push_undo.html", item=item)


async def _undo(request: web.Request) -> web.Response:
    return _shown(await _undone(request))


_FAILS: Final = {
    "409": "it is another plan or tag by now, or the push did not go through",
    "502": "the registry failed",
}
ACTIONS: Final = (
    Action(push_plan, "POST", PLAN, 200, PushRequest, PushedAnswer, _FAILS),
    Action(undo_push, "POST", _UNDO, 200, gives=PushedAnswer, fails=_FAILS),
)
