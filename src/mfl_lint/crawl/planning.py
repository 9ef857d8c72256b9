"""How a round of a registry begins and ends: what to crawl, and what follows from all of it.

Between the two its repositories are crawled, each by itself, by whoever does that: this process,
those that help it, or workers on other machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from mfl_lint.core.errors import RegistryError
from mfl_lint.core.observation import VERIFIED, Look, LookState
from mfl_lint.core.records import CrawlStatus
from mfl_lint.crawl.job import Job, Progress, RepositoryResult
from mfl_lint.crawl.names import judge_names
from mfl_lint.crawl.vanished import settle_vanished
from mfl_lint.crawl.watch import exact_names, watched_repositories
from mfl_lint.registry.source import Listing
from mfl_lint.registry.tree import look_of
from mfl_lint.store import crawls, looks, registries

_LOOK_BACK: Final = 100
_FAILED: Final = frozenset(
    {LookState.DENIED, LookState.THROTTLED, LookState.UNREACHABLE, LookState.INVALID}
)


class Plan(msgspec.Struct, frozen=True):
    """The repositories to crawl. `look` is how listing them ended, `complete` if all are known."""

    names: tuple[str, ...]
    look: LookState
    detail: str = ""
    complete: bool = True


async def round_since(job: Job, crawl_id: int, started_at: datetime) -> datetime:
    """Return when the first of the interrupted crawls before this one began, else `started_at`."""
    page = await crawls.crawls(job.store, job.registry.name, limit=_LOOK_BACK, whole=True)
    for before in page.items:
        if before.id >= crawl_id:
            continue
        if before.status is not CrawlStatus.INTERRUPTED:
            break
        started_at = before.started_at
    return started_at


async def plan_round(job: Job) -> Plan:
    """List the registry's repositories, note which are watched now, and return what to crawl."""
    listing, look = await _list(job)
    return Plan(await _sync(job, listing), look.state, look.detail, listing.complete)


async def _list(job: Job) -> tuple[Listing, Look]:
    """Return the repositories' names; those configured by name need no catalogue."""
    named = exact_names(job.registry)
    if named is not None:
        return Listing(named), VERIFIED
    try:
        listing = await job.source.repositories()
    except RegistryError as error:
        look = look_of(error)
        return Listing((), look.detail or str(look.state)), look
    if listing.complete:
        return listing, VERIFIED
    return listing, Look(LookState.INVALID, listing.problem)


async def _sync(job: Job, listing: Listing) -> tuple[str, ...]:
    """Return the repositories to crawl: the listed ones, and those known that still count.

    One that is no longer listed is crawled all the same: only its own 404 says it is gone.
    """
    held = await registries.repositories(job.store, job.registry.name)
    wanted = watched_repositories(job.registry, listing.names)
    every = {item.name for item in held}
    known = [item.name for item in held if item.gone_at is None]
    kept = watched_repositories(job.registry, known)
    names = tuple(sorted({*wanted, *kept}))
    await registries.sync_repositories(
        job.store,
        job.registry.name,
        names,
        unwatch=sorted(every - {*names, *watched_repositories(job.registry, every)}),
        now=job.now(),
    )
    return names


def could_not_look(result: RepositoryResult) -> bool:
    """Say whether nothing of a repository could be looked at."""
    return result.look in _FAILED or bool(result.tags and not result.looked)


async def look_again(job: Job, failed: Sequence[RepositoryResult]) -> None:
    """Ask for another look at repositories whose registry asked for patience.

    It is to be as thorough as this one.
    """
    wanted = [
        looks.Wanted(job.registry.name, result.repository)
        for result in failed
        if result.look is LookState.THROTTLED
    ]
    reason = looks.again(looks.THROTTLED, thoroughly=not job.settings.presence_age_s)
    await looks.request_looks(job.store, wanted, job.now(), reason)


async def is_done(job: Job, repository: str, since: datetime) -> bool:
    """Say whether somebody else has crawled the repository since the round began, and saw it."""
    held = await registries.repository(job.store, job.registry.name, repository)
    if held is None or held.look in _FAILED:
        return False
    return held.last_crawled_at is not None and held.last_crawled_at >= since


def held_elsewhere(number: int) -> str:
    """Return the words for so many repositories that another crawl was at."""
    are = "repository is" if number == 1 else "repositories are"
    return f"{number} {are} held by another crawl"


async def close_round(
    job: Job, progress: Progress, plan: Plan, failed: Sequence[RepositoryResult]
) -> None:
    """Settle what vanished, judge names, and say what is wrong with all of the registry.

    `failed` are those of the plan's repositories that could not be looked at, by name.
    """
    vanished = await settle_vanished(job)
    if plan.complete:
        await judge_names(job, progress)
    total, text = len(plan.names), ""
    if plan.look is not LookState.VERIFIED:
        text = f"its repositories could not be listed: {plan.detail or plan.look}"
    elif total and len(failed) == total:
        text = f"none of {total} repositories could be looked at: {failed[0].detail}"
    elif failed:
        text = f"{len(failed)} of {total} repositories could not be looked at"
    text = "; ".join(part for part in (text, vanished) if part)
    if text:
        progress.problem = text
    await registries.set_notice(job.store, job.registry.name, text, job.now())


def status_of(progress: Progress) -> CrawlStatus:
    """Return how a crawl stands that went on to its end."""
    return CrawlStatus.FAILED if progress.problem and not progress.tags else CrawlStatus.DONE
