"""Silences, which end, and acknowledgements, which end with their finding: set and taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.config_tables import parse_duration
from mfl_lint.core.errors import ConfigInvalid, Refused
from mfl_lint.core.messages import Acknowledgement, Silence
from mfl_lint.store import handling
from mfl_lint.web.alerting import (
    AcknowledgementItem,
    SilenceItem,
    acknowledgement_item,
    silence_item,
)
from mfl_lint.web.answers import Answer
from mfl_lint.web.forms import form_page, typed
from mfl_lint.web.gate import GATE
from mfl_lint.web.ignoring import IgnoreRequest, checked, reason_of
from mfl_lint.web.query import read_query
from mfl_lint.web.view import Action
from mfl_lint.web.viewer import VIEWER, services_for
from mfl_lint.web.writing import body_of, sent

_FIELDS: Final = ("rule", "registry", "repository", "tag")
_FINGERPRINT: Final = "{fingerprint:[0-9a-f]{64}}"


class SilenceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What nobody is told of, why, and until when (with a zone), in one registry.

    `rule` is an id, a slug, a family or a pattern; `repository` and `tag` are patterns.
    """

    registry: str
    reason: str
    expires: datetime
    rule: str = "*"
    repository: str = "*"
    tag: str = "*"


class AcknowledgeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that somebody takes care of, and how."""

    fingerprint: str
    reason: str


class SilenceAnswer(Answer, frozen=True, kw_only=True):
    """One silence."""

    silence: SilenceItem


class AcknowledgementAnswer(Answer, frozen=True, kw_only=True):
    """One acknowledgement."""

    acknowledgement: AcknowledgementItem


def add_silencing(app: web.Application) -> None:
    """Add what silences and acknowledges."""
    router = app.router
    router.add_get("/silences/new", _silence_form)
    router.add_post("/silences", _send_silence)
    router.add_get(r"/silences/{id:\d{1,18}}/end", _ask_end)
    router.add_post(r"/silences/{id:\d{1,18}}/end", _end)
    router.add_get("/acknowledgements/new", _acknowledge_form)
    router.add_post("/acknowledgements", _send_acknowledgement)
    router.add_get(f"/acknowledgements/{_FINGERPRINT}/undo", _ask_undo)
    router.add_post(f"/acknowledgements/{_FINGERPRINT}/undo", _undo)


async def _silence(request: web.Request, wanted: SilenceRequest) -> SilenceItem:
    services, who = services_for(request), request[VIEWER].name
    matcher = checked(services, IgnoreRequest(**msgspec.structs.asdict(wanted)))
    now = services.now()
    try:
        number = await handling.set_silence(services.store, matcher, who=who, now=now)
    except Refused as error:
        raise web.HTTPConflict(text=str(error)) from None
    request.app[GATE].forget()
    return silence_item(Silence(number, matcher, who, now))


async def add_silence(request: web.Request) -> web.StreamResponse:
    """Silence what matches until the silence ends: nothing is sent of it."""
    item = await _silence(request, await body_of(request, SilenceRequest))
    return sent(SilenceAnswer(silence=item), 201)


async def _silence_form(request: web.Request) -> web.Response:
    asked = read_query(request, _FIELDS)
    wanted = {name: asked.text(name) for name in _FIELDS}
    return form_page(request, "silence_new.html", wanted=wanted)


async def _send_silence(request: web.Request) -> web.Response:
    fields = await typed(request, *_FIELDS, "reason", "lasts")
    try:
        lasts = timedelta(seconds=parse_duration(fields["lasts"], "for how long"))
        expires = services_for(request).now().astimezone(UTC) + lasts
    except (ConfigInvalid, OverflowError):
        raise web.HTTPBadRequest(text="for how long: write 2h, 3d or 1w") from None
    wanted = SilenceRequest(
        registry=fields["registry"],
        reason=fields["reason"],
        expires=expires,
        rule=fields["rule"] or "*",
        repository=fields["repository"] or "*",
        tag=fields["tag"] or "*",
    )
    await _silence(request, wanted)
    return _to_alerts()


def _to_alerts() -> web.Response:
    return web.Response(status=303, headers={"Location": "/alerts"})


async def _ended(request: web.Request) -> None:
    services, number = services_for(request), int(request.match_info["id"])
    who = request[VIEWER].name
    if not await handling.end_silence(services.store, number, who=who, now=services.now()):
        raise web.HTTPNotFound(text=f"there is no silence {number}")
    request.app[GATE].forget()


async def end_silence(request: web.Request) -> web.StreamResponse:
    """End a silence."""
    await _ended(request)
    return web.Response(status=204)


async def _ask_end(request: web.Request) -> web.Response:
    services, number = services_for(request), int(request.match_info["id"])
    held = await handling.silences_of(services.store, services.now())
    item = next((silence_item(one) for one in held if one.id == number), None)
    if item is None:
        raise web.HTTPNotFound(text=f"there is no silence {number}")
    return form_page(request, "silence_end.html", item=item)


async def _end(request: web.Request) -> web.Response:
    await _ended(request)
    return _to_alerts()


async def _acknowledged(request: web.Request, wanted: AcknowledgeRequest) -> Acknowledgement:
    services, who = services_for(request), request[VIEWER].name
    one = await handling.acknowledge(
        services.store, wanted.fingerprint, reason_of(wanted.reason), who=who, now=services.now()
    )
    if one is None:
        raise web.HTTPNotFound(text="there is no such finding that stands")
    request.app[GATE].forget()
    return one


async def add_acknowledgement(request: web.Request) -> web.StreamResponse:
    """Say that somebody takes care of a finding: nothing is sent of it again."""
    one = await _acknowledged(request, await body_of(request, AcknowledgeRequest))
    return sent(AcknowledgementAnswer(acknowledgement=acknowledgement_item(one)), 201)


async def _acknowledge_form(request: web.Request) -> web.Response:
    mark = read_query(request, ("fingerprint",)).text("fingerprint")
    return form_page(request, "acknowledge_new.html", fingerprint=mark)


async def _send_acknowledgement(request: web.Request) -> web.Response:
    fields = await typed(request, "fingerprint", "reason")
    await _acknowledged(request, AcknowledgeRequest(**fields))
    return _to_alerts()


async def _taken_back(request: web.Request) -> None:
    services, mark = services_for(request), request.match_info["fingerprint"]
    who = request[VIEWER].name
    if not await handling.unacknowledge(services.store, mark, who=who, now=services.now()):
        raise web.HTTPNotFound(text="that is not acknowledged")
    request.app[GATE].forget()


async def undo_acknowledgement(request: web.Request) -> web.StreamResponse:
    """Take an acknowledgement back."""
    await _taken_back(request)
    return web.Response(status=204)


async def _ask_undo(request: web.Request) -> web.Response:
    services, mark = services_for(request), request.match_info["fingerprint"]
    held = await handling.acknowledged(services.store)
    item = next((acknowledgement_item(one) for one in held if one.fingerprint == mark), None)
    if item is None:
        raise web.HTTPNotFound(text="that is not acknowledged")
    return form_page(request, "acknowledge_undo.html", item=item)


async def _undo(request: web.Request) -> web.Response:
    await _taken_back(request)
    return _to_alerts()


ACTIONS: Final = (
    Action(
        add_silence,
        "POST",
        "/silences",
        201,
        SilenceRequest,
        SilenceAnswer,
        {"409": "there are too many silences already"},
    ),
    Action(end_silence, "DELETE", r"/silences/{id:\d{1,18}}", 204),
    Action(
        add_acknowledgement,
        "POST",
        "/acknowledgements",
        201,
        AcknowledgeRequest,
        AcknowledgementAnswer,
    ),
    Action(undo_acknowledgement, "DELETE", f"/acknowledgements/{_FINGERPRINT}", 204),
)
