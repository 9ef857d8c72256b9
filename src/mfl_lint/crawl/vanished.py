"""Settle tags that answered 404: gone when confirmed, held when too many vanish at once."""

from __future__ import annotations

from datetime import timedelta

from mfl_lint.core.truth import settle_gone
from mfl_lint.crawl.job import Job
from mfl_lint.store import findings, registries, vanish


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
        notice = (
            f"{len(absent)} of {total} tags vanished at once; they are held as they were. "
            f"If that was meant: mfl-lint crawl {name} --accept-vanished"
        )
        await registries.set_notice(job.store, name, notice, now)
        return notice
    confirmed = now - timedelta(seconds=settings.confirm_gone_s)
    gone = absent if accept else await vanish.missing_tags(job.store, name, before=confirmed)
    by_repository: dict[int, list[str]] = {}
    for repository_id, _, tag in gone:
        by_repository.setdefault(repository_id, []).append(tag)
    settlements = {}
    for repository_id, tags in by_repository.items():
        tracked = await findings.tracked(job.store, repository_id, tags)
        for tag in tags:
            settlements[repository_id, tag] = settle_gone(
                tracked.get(tag, ()), reason="the tag is gone", now=now
            )
    if gone:
        keys = tuple(settlements)
        await vanish.declare_gone(job.store, name, keys, settlements, now)
    return ""
