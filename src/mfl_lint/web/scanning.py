"""Looks that people and programs ask for now, and those that wait."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.records import ASKED
from mfl_lint.core.reference import is_repository, is_tag
from mfl_lint.crawl.watch import watched_repositories
from mfl_lint.store import looks
from mfl_lint.web import links
from mfl_lint.web.answers import Answer
from mfl_lint.web.forms import form_page, typed
from mfl_lint.web.query import Query, read_query
from mfl_lint.web.services import Services
from mfl_lint.web.view import Action
from mfl_lint.web.viewer import VIEWER, services_for
from mfl_lint.web.writing import ScanItem, body_of, sent

_LOG: Final = logging.getLogger("mfl_lint")
_FIELDS: Final = ("registry", "repository", "tag")


class ScanRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to look at now: a repository of a registry, or one tag of it."""

    registry: str
    repository: str
    tag: str = ""


class ScanAnswer(Answer, frozen=True, kw_only=True):
    """What will be looked at. `queued` is false where the same was asked for already."""

    scan: ScanItem
    queued: bool


class ScansAnswer(Answer, frozen=True, kw_only=True):
    """The looks that were asked for and are not begun, the oldest first; 200 at most."""

    items: tuple[ScanItem, ...]
    next_cursor: str | None = None


def add_scanning(app: web.Application) -> None:
    """Add the form that asks for looks."""
    app.router.add_get("/scans/new", _form)
    app.router.add_post("/scans", _send)


async def read_scans(services: Services, match: Mapping[str, str], query: Query) -> ScansAnswer:
    """Return the looks that wait."""
    waiting = await looks.pending_looks(services.store)
    return ScansAnswer(
        items=tuple(
            ScanItem(
                registry=one.registry,
                repository=one.repository,
                tag=one.tag,
                reason=one.reason,
                requested_at=one.requested_at,
                page=links.subject(one.registry, one.repository, one.tag),
            )
            for one in waiting
        )
    )


async def ask(services: Services, who: str, wanted: ScanRequest) -> ScanAnswer:
    """Ask for a look; 404 for a registry that is not known here, 400 for what is not watched."""
    registry, sees = services.config().registry(wanted.registry), services.store.sees
    if registry is None or (sees is not None and registry.name not in sees):
        raise web.HTTPNotFound(text=f"no registry is called {wanted.registry[:100]!a}")
    if not is_repository(wanted.repository):
        raise web.HTTPBadRequest(text="repository is no repository's name")
    if wanted.tag and not is_tag(wanted.tag):
        raise web.HTTPBadRequest(text="tag is no tag's name")
    if not watched_repositories(registry, [wanted.repository]):
        raise web.HTTPBadRequest(
            text=f"{registry.name} is configured without {wanted.repository[:255]}"
        )
    now = services.now()
    place = (registry.name, wanted.repository, wanted.tag)
    queued = await looks.request_look(services.store, *place, now, ASKED, who=who)
    services.hurry()
    if queued:
        subject = f"{registry.name}/{wanted.repository}{wanted.tag and ':'}{wanted.tag}"
        _LOG.info("%s asks for a look at %s", who, subject)
    item = ScanItem(
        registry=registry.name,
        repository=wanted.repository,
        tag=wanted.tag,
        reason=ASKED,
        requested_at=now,
        page=links.subject(*place),
    )
    return ScanAnswer(scan=item, queued=queued)


async def scan_now(request: web.Request) -> web.StreamResponse:
    """Ask for a look at a repository, or at one tag of it, as soon as there is time."""
    wanted = await body_of(request, ScanRequest)
    return sent(await ask(services_for(request), request[VIEWER].name, wanted), 202)


async def _form(request: web.Request) -> web.Response:
    asked = read_query(request, _FIELDS)
    return form_page(request, "scan_new.html", wanted={name: asked.text(name) for name in _FIELDS})


async def _send(request: web.Request) -> web.Response:
    fields = await typed(request, *_FIELDS)
    await ask(services_for(request), request[VIEWER].name, ScanRequest(**fields))
    return web.Response(status=303, headers={"Location": "/scans"})


ACTIONS: Final = (Action(scan_now, "POST", "/scans", 202, ScanRequest, ScanAnswer),)
