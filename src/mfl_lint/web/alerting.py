"""Alerts: what was sent where, dead letters, and what people silence and acknowledge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.messages import Acknowledgement, Delivery, MessageState, Silence
from mfl_lint.store import handling, messages
from mfl_lint.web.answers import Answer
from mfl_lint.web.forms import form_page
from mfl_lint.web.query import PAGING, Query
from mfl_lint.web.services import Services
from mfl_lint.web.view import Action
from mfl_lint.web.viewer import VIEWER, services_for
from mfl_lint.web.writing import sent

PARAMETERS: Final = PAGING | {"delivery"}


class DeliveryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one channel. `state`: pending, sent, or dead, which is tried no more.

    `key` is the same at each try. `registry` is "" where it is about several.
    """

    id: int
    key: str
    route: str
    channel: str
    registry: str
    title: str
    state: str
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    problem: str


class SilenceItem(msgspec.Struct, frozen=True, kw_only=True):
    """News that nobody is told of until it expires. What it matches are patterns."""

    id: int
    rule: str
    registry: str
    repository: str
    tag: str
    reason: str
    who: str
    created_at: datetime
    expires: datetime | None


class AcknowledgementItem(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that somebody takes care of: it is not said again while it stands."""

    fingerprint: str
    rule: str
    registry: str
    place: str
    who: str
    reason: str
    at: datetime


class AlertsAnswer(Answer, frozen=True, kw_only=True):
    """Messages, the newest first; the silences that hold, and what is acknowledged and stands."""

    items: tuple[DeliveryItem, ...]
    next_cursor: str | None
    silences: tuple[SilenceItem, ...]
    acknowledged: tuple[AcknowledgementItem, ...]


class DeliveryAnswer(Answer, frozen=True, kw_only=True):
    """A dead letter that is tried again."""

    delivery: DeliveryItem


def add_alerting(app: web.Application) -> None:
    """Add what tries dead letters again."""
    app.router.add_get(r"/alerts/{id:\d{1,18}}/retry", _ask_retry)
    app.router.add_post(r"/alerts/{id:\d{1,18}}/retry", _send_retry)


async def read_alerts(services: Services, match: Mapping[str, str], query: Query) -> AlertsAnswer:
    """Return what was sent where, silences, and what is acknowledged."""
    store = services.store
    page = await messages.deliveries(
        store,
        states=query.choices("delivery", [str(state) for state in MessageState]),
        cursor=query.cursor,
        limit=query.limit,
    )
    return AlertsAnswer(
        items=tuple(map(_delivery, page.items)),
        next_cursor=page.next_cursor,
        silences=tuple(map(silence_item, await handling.silences_of(store, services.now()))),
        acknowledged=tuple(map(acknowledgement_item, await handling.acknowledged(store))),
    )


def _delivery(one: Delivery) -> DeliveryItem:
    return DeliveryItem(**msgspec.structs.asdict(one))


def silence_item(one: Silence) -> SilenceItem:
    """Return a silence as it is shown."""
    matcher = msgspec.structs.asdict(one.matcher)
    return SilenceItem(id=one.id, who=one.who, created_at=one.created_at, **matcher)


def acknowledgement_item(one: Acknowledgement) -> AcknowledgementItem:
    """Return an acknowledgement as it is shown."""
    return AcknowledgementItem(**msgspec.structs.asdict(one))


async def _retried(request: web.Request) -> Delivery:
    services, number = services_for(request), int(request.match_info["id"])
    who = request[VIEWER].name
    one = await messages.retry(services.store, number, who=who, now=services.now())
    if one is None:
        raise web.HTTPNotFound(text=f"there is no dead letter {number}")
    return one


async def retry_message(request: web.Request) -> web.StreamResponse:
    """Try a dead letter again."""
    return sent(DeliveryAnswer(delivery=_delivery(await _retried(request))), 202)


async def _ask_retry(request: web.Request) -> web.Response:
    services, number = services_for(request), int(request.match_info["id"])
    one = await messages.delivery(services.store, number)
    if one is None or one.state is not MessageState.DEAD:
        raise web.HTTPNotFound(text=f"there is no dead letter {number}")
    return form_page(request, "alert_retry.html", item=_delivery(one))


async def _send_retry(request: web.Request) -> web.Response:
    await _retried(request)
    return web.Response(status=303, headers={"Location": "/alerts"})


ACTIONS: Final = (
    Action(retry_message, "POST", r"/alerts/{id:\d{1,18}}/retry", 202, gives=DeliveryAnswer),
)
