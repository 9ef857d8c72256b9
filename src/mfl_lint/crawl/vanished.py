"""Settle tags that answered 404: gone when confirmed, held when too many vanish at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mfl_lint.config import Scheme
from mfl_lint.core.history import GoneCase
from mfl_lint.core.records import TagState
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Scope
from mfl_lint.core.truth import Settlement, Tracked, settle, settle_gone
from mfl_lint.crawl.job import Job
from mfl_lint.lint import judge_gone
from mfl_lint.rules.tag_vanished import REMEMBERED, tag_vanished
from mfl_lint.store import findings, observations, vanish

Place = tuple[int, str, str]


async def settle_vanished(job: Job, *, accept: bool = False) -> str:
    """Declare gone what was absent in two rounds far enough apart; return a notice, or "".

    If more than a share of the registry's tags (and a minimum) are absent, all are held and
    said so once: that is a registry in trouble far more often than a clean-up. `accept` is
    somebody's word that it was meant: then no rule has anything to say of it.
    """
    settings, name, now = job.settings, job.registry.name, job.now()
    await _forget(job)
    absent = await vanish.missing_tags(job.store, name, before=now)
    if not absent:
        return ""
    total = await vanish.tag_count(job.store, name)
    many = len(absent) >= settings.vanish_minimum and len(absent) > settings.vanish_share * total
    if many and not accept:
        return (
            f"{len(absent)} of {total} tags vanished at once; they are held as they were. "
            f"If that was meant: mfl-lint crawl {name} --accept-vanished"
        )
    settlements: dict[vanish.Key, Settlement] = {}
    for place, tags in _by_repository(absent):
        stored = await observations.known_tags(job.store, place[0])
        states = [stored[tag] for tag in tags if tag in stored]
        gone = states if accept else [state for state in states if _is_confirmed(job, state)]
        names = [state.name for state in gone]
        tracked = await findings.tracked(job.store, place[0], names)
        for state in gone:
            previous = tracked.get(state.name, ())
            settlement = _ended(job, previous)
            if not accept:
                settlement = _joined(settlement, _judged(job, place[1], state, previous))
            settlements[place[0], state.name] = settlement
    if settlements:
        await vanish.declare_gone(job.store, name, tuple(settlements), settlements, now)
    return ""


async def _forget(job: Job) -> None:
    """Judge again the tags that have been gone for so long that it is no news any more."""
    now = job.now()
    news = tag_vanished.id not in job.policy.disabled
    before = now - REMEMBERED if news else now
    name = job.registry.name
    gone = await vanish.gone_tags(job.store, name, tag_vanished.id, before)
    settlements: dict[vanish.Key, Settlement] = {}
    for place, tags in _by_repository(gone):
        stored = await observations.known_tags(job.store, place[0])
        tracked = await findings.tracked(job.store, place[0], tags)
        for tag in tags:
            settlements[place[0], tag] = _judged(job, place[1], stored[tag], tracked.get(tag, ()))
    if settlements:
        await vanish.settle_gone_tags(job.store, name, settlements, now)


def _by_repository(places: Iterable[Place]) -> Iterator[tuple[tuple[int, str], list[str]]]:
    """Yield each repository's id and name with its tags."""
    found: dict[tuple[int, str], list[str]] = {}
    for number, repository, tag in places:
        found.setdefault((number, repository), []).append(tag)
    yield from found.items()


def _is_confirmed(job: Job, state: TagState) -> bool:
    """Say whether the last 404 came long enough after the first, however long a round takes."""
    if state.missing_since is None or state.looked_at is None:
        return False
    return (state.looked_at - state.missing_since).total_seconds() >= job.settings.confirm_gone_s


def _ended(job: Job, previous: Sequence[Tracked]) -> Settlement:
    """Return what becomes of what was found of a tag while it was there."""
    own = _judging(job)
    others = [item for item in previous if item.finding.rule not in own]
    return settle_gone(others, reason="the tag is gone", now=job.now())


def _judged(job: Job, repository: str, state: TagState, previous: Sequence[Tracked]) -> Settlement:
    """Return what rules say of a tag that is gone, since now where that is not known yet."""
    own, now = _judging(job), job.now()
    summary = state.summary
    case = GoneCase(
        Reference(job.registry.host, repository, state.name),
        job.policy,
        state.digest,
        is_image=summary is not None and summary.platforms != (),
        gone_at=state.gone_at or now,
        judged_at=now,
    )
    insecure = job.registry.scheme is Scheme.HTTP
    judgement = judge_gone(job.registry.name, case, job.rules, insecure=insecure)
    return settle(
        [item for item in previous if item.finding.rule in own],
        judgement,
        complete=True,
        judged=own,
        now=now,
        missed_rounds=job.settings.missed_rounds,
    )


def _judging(job: Job) -> frozenset[str]:
    """Return the ids of the rules that judge what is gone."""
    return frozenset(rule.id for rule in job.rules if rule.scope is Scope.GONE)


def _joined(first: Settlement, second: Settlement) -> Settlement:
    return Settlement((*first.changed, *second.changed), (*first.transitions, *second.transitions))
