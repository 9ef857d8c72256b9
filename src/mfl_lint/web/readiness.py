"""Reading whether a platform of a tag can be pulled, as far as the store knows: no look is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aiohttp import web

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import PlatformInvalid, ReferenceInvalid
from mfl_lint.core.observation import Look, LookState, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.readiness import (
    USUAL_ENGINES,
    Answer,
    Unready,
    children,
    gone,
    layers_of,
    together,
)
from mfl_lint.core.records import TagState
from mfl_lint.core.reference import Reference, is_repository, is_tag
from mfl_lint.core.selection import Engine
from mfl_lint.crawl.stored import stored_observation
from mfl_lint.store import observations, registries, views
from mfl_lint.store.engine import Store
from mfl_lint.web.answers import ReadyAnswer
from mfl_lint.web.items import ReadyCheck
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services

_MAX_PLATFORMS: Final = 20
Place = tuple[str, str, str]


async def read_ready(services: Services, match: Mapping[str, str], query: Query) -> ReadyAnswer:
    """Return whether the platforms of a reference can be pulled."""
    try:
        reference = Reference.parse(query.text("reference")).with_default_tag()
    except ReferenceInvalid as error:
        raise web.HTTPBadRequest(text=f"reference: {error}") from None
    if reference.digest is not None or reference.tag is None:
        raise web.HTTPBadRequest(text="reference: only tags are remembered; name one, no digest")
    place = await _place_of(services.store, reference)
    return await _answer(services, query, str(reference), place)


async def read_ready_tag(services: Services, match: Mapping[str, str], query: Query) -> ReadyAnswer:
    """Return whether the platforms of a tag can be pulled."""
    place = (match["registry"], match["repository"], match["tag"])
    view = await views.registry(services.store, place[0]) if place[0].isprintable() else None
    if view is None or not is_repository(place[1]) or not is_tag(place[2]):
        return await _answer(services, query, "/".join(place), None)
    reference = str(Reference(view.host, place[1], place[2]))
    return await _answer(services, query, reference, place)


async def _place_of(store: Store, reference: Reference) -> Place | None:
    """Return where the store knows the repository: the first watched registry of that host."""
    known = await views.registries(store)
    for name in (one.name for one in known if one.watched and one.host == reference.registry):
        if await views.repository_view(store, name, reference.repository) is not None:
            return name, reference.repository, reference.tag or ""
    return None


async def _answer(
    services: Services, query: Query, reference: str, place: Place | None
) -> ReadyAnswer:
    platforms, engines = _platforms(query), _engines(query)
    row = await views.tag(services.store, *place) if place is not None else None
    checks: Sequence[ReadyCheck]
    if place is None or row is None:
        why = "no crawl has seen such a tag here"
        checks = [_check(platform, Answer.UNKNOWN, [why]) for platform in platforms]
    elif (doubt := _doubt(row.state)) is not None:
        checks = [_check(platform, doubt.answer, [doubt.why]) for platform in platforms]
    else:
        seen = await stored_observation(services.store, *place)
        checks = [await _look_up(services.store, place, seen, one, engines) for one in platforms]
    return ReadyAnswer(
        reference=reference,
        ready=_truth(together(Answer(check.answer) for check in checks)),
        verified_at=row.state.verified_at if row is not None else None,
        checks=tuple(checks),
    )


def _platforms(query: Query) -> tuple[Platform, ...]:
    given = [part.strip() for text in query.values.get("platform", ()) for part in text.split(",")]
    try:
        found = tuple(dict.fromkeys(Platform.parse(text) for text in given if text))
    except PlatformInvalid as error:
        raise web.HTTPBadRequest(text=f"platform: {error}") from None
    if not 1 <= len(found) <= _MAX_PLATFORMS:
        raise web.HTTPBadRequest(text=f"platform: name 1 to {_MAX_PLATFORMS}, like linux/arm64")
    return found


def _engines(query: Query) -> tuple[Engine, ...]:
    named = query.choices("engine", [str(engine) for engine in Engine])
    return tuple(Engine(name) for name in named) or USUAL_ENGINES


def _doubt(state: TagState) -> Unready | None:
    """Return what the last look at the tag itself leaves to say, None where it saw the tag."""
    if state.gone_at is not None:
        return Unready(Answer.NO, "the tag is gone from the registry")
    if not state.watched:
        return Unready(Answer.UNKNOWN, "the tag is no longer watched")
    if state.look is not LookState.VERIFIED or state.missing_since is not None:
        detail = f": {state.detail}" if state.detail else ""
        return Unready(Answer.UNKNOWN, f"the last look at the tag ended as {state.look}{detail}")
    return None


async def _look_up(
    store: Store,
    place: Place,
    seen: Observation | None,
    platform: Platform,
    engines: Iterable[Engine],
) -> ReadyCheck:
    """Return what is known of one platform of a tag that was seen."""
    if seen is None:
        return _check(platform, Answer.UNKNOWN, ["nothing of the tag is kept"])
    try:
        nodes = children(seen, platform, engines)
        unasked = await _check_layers(store, place, layers_of(nodes))
    except Unready as unready:
        return _check(platform, unready.answer, [unready.why])
    digests = tuple(node.entry.digest for node in nodes if node.entry.digest is not None)
    reasons = ["every engine finds an image for it that was seen, with its config"]
    if unasked:
        reasons.append(f"whether {unasked} of its layers are there was not asked")
    return _check(platform, Answer.YES, reasons, digests)


async def _check_layers(store: Store, place: Place, layers: Sequence[Digest]) -> int:
    """Return how many layers nobody asked for; raise Unready for one whose look failed."""
    held = await registries.repository(store, place[0], place[1])
    known = await observations.presences(store, held.id, layers) if held is not None else {}
    for digest, presence in sorted(known.items()):
        look = Look(presence.look, presence.detail)
        if look.state is not LookState.VERIFIED:
            raise gone(digest, look)
    return len(set(layers) - known.keys())


def _check(
    platform: Platform, answer: Answer, reasons: Iterable[str], digests: tuple[str, ...] = ()
) -> ReadyCheck:
    return ReadyCheck(
        platform=str(platform),
        ready=_truth(answer),
        answer=str(answer),
        reasons=tuple(reasons),
        digests=digests,
    )


def _truth(answer: Answer) -> bool | None:
    return None if answer is Answer.UNKNOWN else answer is Answer.YES
