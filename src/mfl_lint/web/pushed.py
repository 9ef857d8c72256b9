"""Reading what was pushed: what was replaced by what, by whom, how it ended, the way back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from aiohttp import web

from mfl_lint.core.decoding import known
from mfl_lint.core.pushes import BEGUN, LEFT_OUT, KnownPush, plan_of, wanted_of
from mfl_lint.core.reference import Reference
from mfl_lint.mend.outcome import End
from mfl_lint.store import pushes, views
from mfl_lint.web import links
from mfl_lint.web.answers import Answer
from mfl_lint.web.plans import refusal_of
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services

PUSH: Final = r"/pushes/{id:\d{1,18}}"
_SAID: Final[Mapping[str, str]] = {
    End.PUSHED: "a look afterwards saw it",
    End.UNCHANGED: "the tag pointed there already",
    End.MOVED: "the tag had moved since the plan; nothing was pushed",
    End.REFUSED: "it was refused; the tag is as it was",
    End.OVERTAKEN: "somebody else's push came after it",
    End.REWRITTEN: "the registry keeps the list as something else",
    End.OVERWROTE: "it came over somebody else's push, which was seen too late",
    End.FAILED: "it failed; the tag is as it was",
    End.UNKNOWN: "nobody knows whether the tag was changed: look at it",
    BEGUN: "it is under way, or was cut off: nobody knows whether the tag was changed",
    LEFT_OUT: "an earlier tag of the same push failed; nothing was pushed here",
}
_UNSURE: Final = frozenset({End.UNKNOWN, BEGUN})
_REVERSIBLE: Final = frozenset({End.PUSHED, End.REWRITTEN}) | _UNSURE


@known
class ChangeItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an entry: `status` is changed, added or dropped; platforms, "" = none."""

    status: str
    digest: str
    before: str
    after: str
    why: str


class PushItem(msgspec.Struct, frozen=True, kw_only=True):
    """A push; `state` is begun until its end is known, `undoable` where it can be undone.

    `wanted` is the digest that was to be pushed, "" where that is not known; `said` the state in
    words. `changed` are the entries that the plan changed, none where no plan said so. `restore`
    is the command that puts back what was there, and `look` what shows whether the tag was changed
    where nobody knows; "" where there is nothing to be done. `overtaken`: the tag is something
    else by now, as a later push or look says.
    """

    id: int
    at: datetime
    who: str
    registry: str
    repository: str
    tag: str
    before: str | None
    after: str | None
    wanted: str
    state: str
    said: str
    problem: str
    changed: tuple[ChangeItem, ...]
    restore: str
    look: str
    undoable: bool
    overtaken: bool
    page: str


class PushesAnswer(Answer, frozen=True, kw_only=True):
    """What was pushed, the newest first."""

    items: tuple[PushItem, ...]
    next_cursor: str | None


class PushAnswer(Answer, frozen=True, kw_only=True):
    """One push. `compare` is the page of all that differs, "" where not both digests were seen."""

    push: PushItem
    compare: str


async def read_pushes(services: Services, match: Mapping[str, str], query: Query) -> PushesAnswer:
    """Return what was pushed, the newest first."""
    page = await pushes.known_pushes(services.store, query.cursor, query.limit)
    return PushesAnswer(
        items=tuple(push_item(services, one) for one in page.items), next_cursor=page.next_cursor
    )


async def read_push(services: Services, match: Mapping[str, str], query: Query) -> PushAnswer:
    """Return one push; 404 if there is none that whoever asks may know of."""
    one = await pushes.known_push(services.store, int(match["id"]))
    if one is None:
        raise web.HTTPNotFound(text=f"there is no push {match['id']}")
    item = push_item(services, one)
    place = (item.registry, item.repository, item.tag)
    past = await views.tag_history(services.store, *place) if item.tag else ()
    seen = {str(row.digest) for row in past}
    new = item.after or item.wanted
    compare = ""
    if item.before in seen and new in seen and item.before != new:
        compare = links.difference(*place, before=str(item.before), after=new)
    return PushAnswer(push=item, compare=compare)


def push_item(services: Services, one: KnownPush) -> PushItem:
    """Return a push as it is shown."""
    record, wanted = one.record, wanted_of(one) or ""
    return PushItem(
        id=one.id,
        at=record.at,
        who=record.who,
        registry=record.registry,
        repository=record.repository,
        tag=record.tag,
        before=record.before,
        after=one.after,
        wanted=wanted,
        state=one.state,
        said=_SAID.get(one.state, ""),
        problem=one.problem,
        changed=_changed(plan_of(one)),
        restore=_restore(services, one, wanted),
        look=f"mfl-lint inspect {_reference(services, one)}" if one.state in _UNSURE else "",
        undoable=is_undoable(one) and not refusal_of(services, record.registry, record.tag),
        overtaken=one.overtaken,
        page=links.subject(record.registry, record.repository, record.tag),
    )


def is_undoable(one: KnownPush) -> bool:
    """Say whether the tag may be what was pushed, so that it can go back to what it was."""
    if one.record.before is None or one.overtaken or not one.record.tag:
        return False
    if one.state in _UNSURE:
        return wanted_of(one) is not None
    return one.state == End.PUSHED and one.after is not None


def _restore(services: Services, one: KnownPush, wanted: str) -> str:
    """Return the command that puts back what was there, "" where there is nothing to undo."""
    pushed = one.after if one.state not in _UNSURE else wanted
    fits = one.state in _REVERSIBLE and not one.overtaken and one.record.tag
    if not (fits and one.record.before and pushed) or pushed == one.record.before:
        return ""
    back = f"{_reference(services, one)}@{one.record.before}"
    return f"mfl-lint manifest restore {back} --over {pushed}"


def _reference(services: Services, one: KnownPush) -> Reference:
    record = one.record
    settings = services.config().registry(record.registry)
    host = settings.host if settings is not None else record.registry
    return Reference(host, record.repository, record.tag or None)


def _changed(plan: Mapping[str, Any]) -> tuple[ChangeItem, ...]:
    """Return what a plan says became of entries; what is written down otherwise is left out."""
    try:
        return msgspec.convert(plan.get("changes", ()), tuple[ChangeItem, ...])
    except msgspec.ValidationError:
        return ()
