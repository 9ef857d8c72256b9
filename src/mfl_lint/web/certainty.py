"""What keeps a tag or a registry from being called well: unseen is never read as fine. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Policy
from mfl_lint.core.records import CrawlRecord, CrawlStatus, Entry, TagState
from mfl_lint.core.views import RegistryView, TagRow
from mfl_lint.store.view_uncertain import Uncertain
from mfl_lint.web.wording import counted

_SEEN: Final = (LookState.VERIFIED, LookState.ABSENT)
_NAMED: Final = 3
_WAITING: Final = ("MFL401", "MFL403", "MFL501")
_MAX_NAME: Final = 60
_ENDED: Final = {
    CrawlStatus.FAILED: "failed",
    CrawlStatus.INTERRUPTED: "was interrupted",
    CrawlStatus.RUNNING: "has not ended",
}


def tag_doubt(row: TagRow, policy: Policy) -> str:
    """Return why the last look at a tag leaves something open, "" where it does not."""
    state = row.state
    if state.look is not LookState.VERIFIED:
        return state.detail or f"the last look ended as {state.look}"
    if not state.complete:
        return f"not all of it was seen{_named(unseen(row.entries))}"
    return _undecided(state, policy) if state.unsettled else ""


def _undecided(state: TagState, policy: Policy) -> str:
    """Return what to say of rules that could not decide: most often they wait for more pushes."""
    settled_at, looked_at = policy.settled_at(state.moved_at), state.looked_at
    if settled_at is None or looked_at is None or looked_at >= settled_at:
        return "a rule could not decide at the last look, the next one may"
    return (
        f"{', '.join(_WAITING)} may wait for more to be pushed, until "
        f"{settled_at:%Y-%m-%d %H:%M:%S} UTC (policy.settle); a look after that decides"
    )


def unseen(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the entries of which nobody knows whether they are there."""
    return tuple(entry for entry in entries if entry.look not in _SEEN)


def registry_doubt(view: RegistryView, uncertain: Uncertain, ended: CrawlRecord | None) -> str:
    """Return why not all of a registry is known, "" where it is; `ended`: its last whole crawl."""
    return "; ".join(_doubts(view, uncertain, ended))


def _doubts(view: RegistryView, uncertain: Uncertain, ended: CrawlRecord | None) -> Iterator[str]:
    if view.notice:
        yield view.notice
    if ended is None:
        yield "no crawl of it has ended yet"
        return
    if ended.status is not CrawlStatus.DONE:
        yield f"its last crawl {_ENDED[ended.status]}"
    if ended.problem and ended.problem not in view.notice:
        yield ended.problem
    if uncertain.repositories:
        listed = counted(uncertain.repositories, "repository", "repositories")
        yield f"the tags of {listed} could not be listed"
    if uncertain.tags:
        yield f"{counted(uncertain.tags, 'tag is', 'tags are')} not certain"
    elif not view.tags:
        yield "it has no tags"


def _named(entries: Sequence[Entry]) -> str:
    """Return the first of the entries, with how the look at each ended."""
    named = [f"{_name(entry)} {entry.look or 'not looked at'}" for entry in entries[:_NAMED]]
    more = f" and {len(entries) - _NAMED} more" if len(entries) > _NAMED else ""
    return f": {', '.join(named)}{more}" if named else ""


def _name(entry: Entry) -> str:
    platform = entry.descriptor.platform
    return f"entry {entry.position}" if platform is None else str(platform)[:_MAX_NAME]
