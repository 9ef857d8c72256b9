"""Ignores: those of the configuration, and those that people set and undo here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.config_checks import check_globs
from mfl_lint.config_policy import rule_names, rule_pattern
from mfl_lint.core.errors import ConfigInvalid, Refused
from mfl_lint.core.policy import Ignore, glob_matches
from mfl_lint.core.views import SetIgnore
from mfl_lint.store import ignores
from mfl_lint.web.answers import Answer
from mfl_lint.web.forms import form_page, typed
from mfl_lint.web.gate import GATE
from mfl_lint.web.query import Query, read_query
from mfl_lint.web.services import Services
from mfl_lint.web.view import Action
from mfl_lint.web.viewer import VIEWER, services_for
from mfl_lint.web.writing import IgnoreItem, body_of, sent

_FIELDS: Final = ("rule", "registry", "repository", "tag")
_LONGEST_REASON: Final = 500


class IgnoreRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings to live with, why, and until when: in one registry, of a rule, id, slug or family.

    `repository` and `tag` are patterns; left out, they are everything. `expires` has a zone.
    """

    rule: str
    registry: str
    reason: str
    repository: str = "*"
    tag: str = "*"
    expires: datetime | None = None


class IgnoreAnswer(Answer, frozen=True, kw_only=True):
    """One ignore."""

    ignore: IgnoreItem


class IgnoresAnswer(Answer, frozen=True, kw_only=True):
    """All ignores: what people set, the newest first, then the configuration's."""

    items: tuple[IgnoreItem, ...]
    next_cursor: str | None = None


def add_ignoring(app: web.Application) -> None:
    """Add the forms that set and undo ignores."""
    app.router.add_get("/ignores/new", _form)
    app.router.add_post("/ignores", _send)
    app.router.add_get(r"/ignores/{id:\d{1,18}}/undo", _ask_undo)
    app.router.add_post(r"/ignores/{id:\d{1,18}}/undo", _undo)


async def read_ignores(services: Services, match: Mapping[str, str], query: Query) -> IgnoresAnswer:
    """Return the ignores that concern whoever asks."""
    now, own = services.now(), await ignores.set_ignores(services.store)
    items = [set_item(one, now) for one in own]
    held = {one.ignore for one in own}
    items += [_item(one, now) for one in _configured(services) if one not in held]
    return IgnoresAnswer(items=tuple(items))


def _configured(services: Services) -> Iterator[Ignore]:
    """Yield the configuration's ignores, but for those in registries that nobody may know of."""
    sees = services.store.sees
    for one in services.config().policy.ignores:
        if sees is None or any(glob_matches(one.registry, name) for name in sees):
            yield one


def set_item(one: SetIgnore, now: datetime) -> IgnoreItem:
    """Return an ignore that somebody set, as it is shown."""
    item = _item(one.ignore, now)
    return msgspec.structs.replace(item, id=one.id, who=one.who, created_at=one.created_at)


def _item(one: Ignore, now: datetime) -> IgnoreItem:
    return IgnoreItem(
        id=None,
        rule=one.rule,
        registry=one.registry,
        repository=one.repository,
        tag=one.tag,
        reason=one.reason,
        who="the configuration",
        created_at=None,
        expires=one.expires,
        state="standing" if one.expires is None or now < one.expires else "expired",
    )


async def set_one(request: web.Request, wanted: IgnoreRequest) -> IgnoreItem:
    """Ignore what is asked for; 404 for a registry that is not known here, 400 for nonsense."""
    services, who = services_for(request), request[VIEWER].name
    ignore, now = checked(services, wanted), services.now()
    try:
        number = await ignores.set_ignore(services.store, ignore, who=who, now=now)
    except Refused as error:
        raise web.HTTPConflict(text=str(error)) from None
    request.app[GATE].forget()
    return set_item(SetIgnore(number, ignore, who, now), now)


def reason_of(text: str) -> str:
    """Return why somebody does something, in one line; 400 for what is no reason."""
    reason = " ".join(text.split())
    if not 0 < len(reason) <= _LONGEST_REASON or not reason.isprintable():
        raise web.HTTPBadRequest(text=f"reason: say why, in at most {_LONGEST_REASON} characters")
    return reason


def _end_of(expires: datetime | None, now: datetime) -> datetime | None:
    """Return the end in UTC; 400 for one that is over, has no zone, or is in no year of UTC."""
    if expires is None:
        return None
    try:
        end = expires.astimezone(UTC)
    except OverflowError:
        end = now
    if expires.tzinfo is None or end <= now:
        raise web.HTTPBadRequest(text="expires: name a time to come, with its zone")
    return end


def checked(services: Services, wanted: IgnoreRequest) -> Ignore:
    """Return what is matched; 404 for a registry that is not known here, 400 for nonsense."""
    registry, sees = services.config().registry(wanted.registry), services.store.sees
    if registry is None or (sees is not None and registry.name not in sees):
        raise web.HTTPNotFound(text=f"no registry is called {wanted.registry[:100]!a}")
    reason, end = reason_of(wanted.reason), _end_of(wanted.expires, services.now())
    patterns = (wanted.rule, wanted.repository, wanted.tag)
    try:
        check_globs(patterns, "rule, repository, tag")
        rule = rule_pattern(wanted.rule, "rule", rule_names())
    except ConfigInvalid as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    if not all(map(str.isprintable, patterns)):
        raise web.HTTPBadRequest(text="a pattern holds a character that is not printable")
    return Ignore(rule, reason, registry.name, wanted.repository, wanted.tag, end)


async def _undone(request: web.Request) -> None:
    """Undo the ignore that the path names; 404 where there is none for whoever asks."""
    services, number = services_for(request), int(request.match_info["id"])
    who, now = request[VIEWER].name, services.now()
    if not await ignores.undo_ignore(services.store, number, who=who, now=now):
        raise _no_such(request)
    request.app[GATE].forget()


def _no_such(request: web.Request) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"there is no ignore {request.match_info['id']}")


async def add_ignore(request: web.Request) -> web.StreamResponse:
    """Live with findings, for a reason, and until when."""
    item = await set_one(request, await body_of(request, IgnoreRequest))
    return sent(IgnoreAnswer(ignore=item), 201)


async def undo_ignore(request: web.Request) -> web.StreamResponse:
    """Undo an ignore that somebody set: what it hid counts again."""
    await _undone(request)
    return web.Response(status=204)


async def _form(request: web.Request) -> web.Response:
    asked = read_query(request, _FIELDS)
    wanted = {name: asked.text(name) for name in _FIELDS}
    return form_page(request, "ignore_new.html", wanted=wanted)


async def _send(request: web.Request) -> web.Response:
    fields = await typed(request, *_FIELDS, "reason", "expires")
    wanted = IgnoreRequest(
        rule=fields["rule"],
        registry=fields["registry"],
        reason=fields["reason"],
        repository=fields["repository"] or "*",
        tag=fields["tag"] or "*",
        expires=_day(fields["expires"]),
    )
    await set_one(request, wanted)
    return web.Response(status=303, headers={"Location": "/ignores"})


def _day(text: str) -> datetime | None:
    """Return the first moment of a day in UTC, None for none."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise web.HTTPBadRequest(text="expires: write a day as 2027-06-30") from None


async def _ask_undo(request: web.Request) -> web.Response:
    services = services_for(request)
    one = await ignores.set_ignore_of(services.store, int(request.match_info["id"]))
    if one is None:
        raise _no_such(request)
    return form_page(request, "ignore_undo.html", item=set_item(one, services.now()))


async def _undo(request: web.Request) -> web.Response:
    await _undone(request)
    return web.Response(status=303, headers={"Location": "/ignores"})


ACTIONS: Final = (
    Action(
        add_ignore,
        "POST",
        "/ignores",
        201,
        IgnoreRequest,
        IgnoreAnswer,
        {"409": "there are too many ignores already"},
    ),
    Action(undo_ignore, "DELETE", r"/ignores/{id:\d{1,18}}", 204),
)
