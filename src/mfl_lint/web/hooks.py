"""Webhooks: where registries tell of pushes. A hint only: the registry is read, never the payload.

A request is believed by its proof alone; what it asks for is kept before it is answered, and the
same look is queued once however often it is asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.config import HookConfig, RegistryConfig
from mfl_lint.core.errors import ConfigInvalid, StoreError
from mfl_lint.core.records import WEBHOOK
from mfl_lint.core.reference import is_repository, is_tag
from mfl_lint.crawl.watch import is_watched_tag, watched_repositories
from mfl_lint.store import looks
from mfl_lint.store.looks import Wanted
from mfl_lint.web.answers import Answer
from mfl_lint.web.gate import client_address
from mfl_lint.web.hook_bodies import Bodies
from mfl_lint.web.hook_events import Hint, PayloadInvalid, hints
from mfl_lint.web.hook_log import UNKNOWN, Came, Told
from mfl_lint.web.hook_proof import is_secret, is_signature, proof_in, secret_of
from mfl_lint.web.query import Query
from mfl_lint.web.services import SERVICES, Services
from mfl_lint.web.throttle import Throttle

_LOG: Final = logging.getLogger("mfl_lint")
PATH: Final = "/hooks/{name}"
_MINUTE_S: Final = 60.0
# More places in one body are no push that anybody made.
_MOST_PLACES: Final = 1000
# So many places of a request are named in the log.
_NAMED: Final = 3
_UNPROVEN: Final = (
    "this needs the webhook's own secret, in the way that its [[hook]] wants it: in a header, as a "
    "signature, or in the address (docs/webhooks.md)"
)


class HookItem(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook, and what came of it since the service began: counts of events by outcome."""

    name: str
    kind: str
    registry: str
    proof: str
    path: str
    last_event_at: datetime | None
    last_refused_at: datetime | None
    accepted: int
    refused: int
    events: dict[str, int]


class HooksAnswer(Answer, frozen=True, kw_only=True):
    """The configured webhooks."""

    items: tuple[HookItem, ...]
    next_cursor: str | None = None


class Intake:
    """How much is taken at once, and how much of each webhook a minute."""

    def __init__(self) -> None:
        self.bodies = Bodies()
        self._quotas: dict[HookConfig, Throttle] = {}

    def wait_s(self, hook: HookConfig) -> float:
        """Count a request and return 0, or how long whoever sends it is to wait."""
        quota = self._quotas.setdefault(hook, Throttle(hook.per_minute, _MINUTE_S))
        return quota.wait_s("", asyncio.get_running_loop().time())


_INTAKE: Final = web.AppKey("intake", Intake)


def add_hooks(app: web.Application) -> None:
    """Add what registries ask."""
    app[_INTAKE] = Intake()
    app.router.add_post(PATH, _post)


async def read_hooks(services: Services, match: Mapping[str, str], query: Query) -> HooksAnswer:
    """Return the webhooks, and what came of them since the service began."""
    sees = services.store.sees
    return HooksAnswer(
        items=tuple(
            _item(services, hook)
            for hook in services.config().hooks
            if sees is None or hook.registry in sees
        )
    )


def _item(services: Services, hook: HookConfig) -> HookItem:
    record = services.hooks.of(hook.name)
    return HookItem(
        name=hook.name,
        kind=hook.kind,
        registry=hook.registry,
        proof=hook.proven_by,
        path=PATH.format(name=hook.name),
        last_event_at=record.accepted_at,
        last_refused_at=record.refused_at,
        accepted=record.requests[Came.ACCEPTED],
        refused=record.refused,
        events={str(told): record.events[told] for told in Told},
    )


async def _post(request: web.Request) -> web.Response:
    """Take what a registry tells: 202 when all that it asks for is kept."""
    services, name = request.app[SERVICES], request.match_info["name"]
    hook = services.config().hook(name)
    known, now = UNKNOWN if hook is None else name, services.now()
    try:
        if hook is None:
            raise web.HTTPUnauthorized(text=_UNPROVEN)
        body = await _proven(request, hook)
        told = await _take(services, hook, body, request.headers)
    except web.HTTPException as error:
        services.hooks.note(known, _CAME.get(error.status, Came.FAILED), now)
        raise
    except StoreError:
        services.hooks.note(known, Came.FAILED, now)
        raise
    services.hooks.note(known, Came.ACCEPTED, now)
    services.hooks.of(known).events.update(told)
    if told[Told.QUEUED]:
        services.hurry()
    sent = {str(one): told[one] for one in Told}
    return web.Response(status=202, body=msgspec.json.encode(sent), content_type="application/json")


_CAME: Final = {
    400: Came.MALFORMED,
    401: Came.UNAUTHORIZED,
    408: Came.FAILED,
    413: Came.TOO_LARGE,
    415: Came.MALFORMED,
    429: Came.THROTTLED,
}


async def _proven(request: web.Request, hook: HookConfig) -> bytes:
    """Return the body of a request that is to be believed, within its quota."""
    proof = proof_in(hook, request)
    if proof is None:
        raise web.HTTPUnauthorized(text=_UNPROVEN)
    try:
        secret = await asyncio.to_thread(secret_of, hook)
    except ConfigInvalid as error:
        _LOG.error("a webhook is refused: %s", error)
        raise web.HTTPServiceUnavailable(text="the webhook's secret cannot be read here") from None
    intake = request.app[_INTAKE]
    if hook.proven_by == "hmac":
        peer = client_address(request, request.app[SERVICES].config().serve.proxy)
        body = await intake.bodies.unproven(request, hook.name, peer)
        if not is_signature(proof, secret, body):
            raise web.HTTPUnauthorized(text=_UNPROVEN)
    else:
        if not is_secret(proof, secret):
            raise web.HTTPUnauthorized(text=_UNPROVEN)
        body = await intake.bodies.proven(request, hook.name)
    wait_s = intake.wait_s(hook)
    if wait_s:
        later = {"Retry-After": str(int(wait_s) + 1)}
        raise web.HTTPTooManyRequests(text="that was enough for this minute", headers=later)
    return body


async def _take(
    services: Services, hook: HookConfig, body: bytes, headers: Mapping[str, str]
) -> Counter[Told]:
    """Keep what a body asks for; return what became of each event."""
    try:
        found = hints(hook.kind, body, headers)
    except PayloadInvalid as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    told = Counter({Told.IGNORED: found.count(None)})
    registry = services.config().registry(hook.registry)
    wanted: set[Wanted] = set()
    for hint, number in Counter(filter(None, found)).items():
        refused = _refused(registry, hint)
        told[refused or Told.WAITING] += number
        if refused is None:
            wanted.add(Wanted(hook.registry, hint.repository, hint.tag))
    if len(wanted) > _MOST_PLACES:
        raise web.HTTPRequestEntityTooLarge(
            _MOST_PLACES, len(wanted), text=f"more than {_MOST_PLACES} tags in one request"
        )
    new = await looks.request_looks(services.store, sorted(wanted), services.now(), WEBHOOK)
    told[Told.QUEUED], told[Told.WAITING] = new, told[Told.WAITING] - new
    if new:
        named = [f"{one.repository}{one.tag and ':'}{one.tag}" for one in sorted(wanted)]
        more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        places = f"{', '.join(named[:_NAMED])}{more}"
        _LOG.info("webhook %s asks for a look at %s/%s", hook.name, hook.registry, places)
    return told


def _refused(registry: RegistryConfig | None, hint: Hint) -> Told | None:
    """Return why nothing is looked at for a hint; names are matched in full before all else."""
    if not is_repository(hint.repository) or not (not hint.tag or is_tag(hint.tag)):
        return Told.INVALID
    if registry is None or not watched_repositories(registry, [hint.repository]):
        return Told.OUTSIDE
    return None if not hint.tag or is_watched_tag(registry, hint.tag) else Told.OUTSIDE
