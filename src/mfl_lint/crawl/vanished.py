"""Settle tags that answered 404: gone when confirmed, held when too many vanish at once."""

from __future__ import annotations

from collections.abc import Sequence

from mfl_lint.core.truth import settle_gone
from mfl_lint.crawl.job import Job
from mfl_lint.store import findings, observations, vanish


async def settle_vanished(job: Job, *, accept: bool = False) -> str:
    """Declare gone what was absent in two rounds far enough apart; return a notice, or "".

    If more than a share of the registry's tags (and a minimum) are absent, all are held and
    said so once: that is a registry in trouble far more often than a clean-up. `accept` is
    somebody's word that it was meant.
    """
    settings, name, now = job.settings, job.registry.name, job.now()
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
    by_repository: dict[int, list[str]] = {}
    for repository_id, _, tag in absent:
        by_repository.setdefault(repository_id, []).append(tag)
    settlements = {}
    for repository_id, missing in by_repository.items():
        tags = missing if accept else await _confirmed(job, repository_id, missing)
        tracked = await findings.tracked(job.store, repository_id, tags)
        for tag in tags:
            settlements[repository_id, tag] = settle_gone(
                tracked.get(tag, ()), reason="the tag is gone", now=now
            )
    if settlements:
        await vanish.declare_gone(job.store, name, tuple(settlements), settlements, now)
    return ""


async def _confirmed(job: Job, repository_id: int, tags: Sequence[str]) -> list[str]:
    """Return those whose last 404 came long enough after the first, however long a round takes."""
    stored = await observations.known_tags(job.store, repository_id)
    states = (stored[tag] for tag in tags if tag in stored)
    return [
        state.name
        for state in states
        if state.missing_since is not None
        and state.looked_at is not None
        and (state.looked_at - state.missing_since).total_seconds() >= job.settings.confirm_gone_s
    ]
