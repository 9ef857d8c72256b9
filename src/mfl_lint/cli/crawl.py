"""`mfl-lint crawl`: look at the configured registries once and record what is found."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from mfl_lint.cli import exit_codes, options

if TYPE_CHECKING:
    from mfl_lint.config import Config
    from mfl_lint.core.views import Counts
    from mfl_lint.crawl.job import Progress
    from mfl_lint.service.delivering import Trouble
    from mfl_lint.store.engine import Store

_MOST_IDS: Final = 10


@click.command("crawl")
@click.argument("registries", nargs=-1, metavar="[REGISTRY]…")
@options.config_option
@options.fail_on_option
@click.option(
    "--accept-vanished",
    is_flag=True,
    help="Believe that many tags are gone at once, instead of holding them.",
)
@click.option(
    "--recheck",
    is_flag=True,
    help="Look again now whether the images that unchanged lists name are still there.",
)
@click.option(
    "--alert",
    is_flag=True,
    help="Send alerts of what changed afterwards, as `alert.after_crawl` does.",
)
@options.quiet_option
@options.debug_option
def command(
    registries: tuple[str, ...],
    config_path: Path | None,
    fail_on: str,
    accept_vanished: bool,
    recheck: bool,
    alert: bool,
    quiet: bool,
) -> int:
    """Look at the configured registries and record what is found.

    REGISTRY is a configured name; without any, all are crawled. An interrupted crawl is gone
    on with at the next one.

    Exit codes: 0 no open finding at or above --fail-on, 1 findings, 2 usage or configuration,
    3 something could not be looked at.
    """
    config = _settings(config_path, recheck)
    crashes = _Crashes()
    logging.getLogger("mfl_lint").addHandler(crashes)
    try:
        work = _crawl(config, registries, accept_vanished, quiet, alert or config.alert.after_crawl)
        ended, standing, troubles = asyncio.run(work)
    finally:
        logging.getLogger("mfl_lint").removeHandler(crashes)
    _say_how_it_ended(config, ended, standing, crashes.said)
    _say_troubles(troubles)
    code = _code([standing[p.registry] for p in ended if p.registry in standing], ended, fail_on)
    return exit_codes.COULD_NOT_LOOK if crashes.said and code == exit_codes.OK else code


def _settings(path: Path | None, recheck: bool) -> Config:
    import msgspec

    from mfl_lint.cli.settings import settings

    config = settings(path)
    if not recheck:
        return config
    crawl = msgspec.structs.replace(config.crawl, presence_age_s=0.0)
    return msgspec.structs.replace(config, crawl=crawl)


def _say_how_it_ended(
    config: Config,
    ended: Sequence[Progress],
    standing: Mapping[str, Standing],
    crashes: Iterable[str],
) -> None:
    patterns = {one.name: (one.repositories, one.tags) for one in config.registries}
    for progress in ended:
        nothing = _nothing_matched(progress, *patterns.get(progress.registry, ((), ())))
        click.echo(f"{_line(progress, standing.get(progress.registry))}{nothing}")
    for crash in crashes:
        click.echo(f"mfl-lint: {crash}: --debug shows why", err=True)
    if any(item.counts != type(item.counts)() for item in standing.values()):
        click.echo("`mfl-lint serve` shows what was found, with the fix of each finding.")


class Standing(NamedTuple):
    """What stands in a registry after a crawl: findings, without the ignored ones, and gaps."""

    counts: Counts
    unseen: int


class _Crashes(logging.Handler):
    """Keeps what rules crashed, which is logged and stops no other rule."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.said.setdefault(record.getMessage())


async def _crawl(
    config: Config, names: Sequence[str], accept_vanished: bool, quiet: bool, alert: bool
) -> tuple[tuple[Progress, ...], dict[str, Standing], list[Trouble]]:
    """Return how the crawls went, what stands in each registry, and what nobody took."""
    from mfl_lint.cli.progress import progress_line
    from mfl_lint.service.crawling import crawl_once

    troubles: list[Trouble] = []

    async def tell(store: Store) -> None:
        from mfl_lint.service import alerting

        troubles.extend(await alerting.tell(store, config))

    async with progress_line(quiet=quiet) as show:

        def told(progress: Progress) -> None:
            done = f"{progress.repositories_done} of {progress.repositories} repositories"
            read = f", {progress.layers} layers" if progress.layers else ""
            show(f"{progress.registry}: {done}, {progress.tags} tags{read}")

        ended = await crawl_once(
            config,
            names,
            show=told,
            accept_vanished=accept_vanished,
            tell=tell if alert else None,
        )
    return ended, await _standing(config), troubles


def _say_troubles(troubles: Sequence[Trouble]) -> None:
    """Say of each channel what it did not take, and what becomes of that."""
    from mfl_lint.report.inert import inert

    for name in dict.fromkeys(one.channel for one in troubles):
        here = [one for one in troubles if one.channel == name]
        dead = [str(one.id) for one in here if one.dead]
        what = "1 message was" if len(here) == 1 else f"{len(here)} messages were"
        then = []
        if len(dead) < len(here):
            then.append("`mfl-lint serve` or the next `mfl-lint crawl --alert` tries again")
        if dead:
            numbers = " ".join(dead[:_MOST_IDS]) + (" …" if len(dead) > _MOST_IDS else "")
            then.append(f"dead letters are tried no more, but by `mfl-lint alerts retry {numbers}`")
        told = f"alert.channel {name}: {what} not taken: {here[-1].problem}; {'; '.join(then)}"
        click.echo(f"mfl-lint: {inert(told)}", err=True)


async def _standing(config: Config) -> dict[str, Standing]:
    from mfl_lint.core.views import Counts
    from mfl_lint.service.crawling import database_url, utc_now
    from mfl_lint.store.engine import open_store
    from mfl_lint.store.ignores import standing_ignores
    from mfl_lint.store.view_ignored import ignored_by_registry
    from mfl_lint.store.view_uncertain import unseen_by_registry
    from mfl_lint.store.views import registries

    now = utc_now()
    ignores = [one for one in config.policy.ignores if one.expires is None or now < one.expires]
    async with open_store(database_url(config)) as store:
        ignores += await standing_ignores(store, now)
        ignored = await ignored_by_registry(store, ignores)
        unseen = await unseen_by_registry(store)
        views = await registries(store)
    standing = {}
    for view in views:
        less = ignored.get(view.name, Counts())
        left = [
            getattr(view.counts, name) - getattr(less, name) for name in Counts.__struct_fields__
        ]
        standing[view.name] = Standing(Counts(*left), unseen.get(view.name, 0))
    return standing


def _line(progress: Progress, standing: Standing | None) -> str:
    from mfl_lint.report.inert import inert

    line = (
        f"{progress.registry}: {progress.repositories_done - progress.unseen} of "
        f"{progress.repositories} "
        f"repositories, {progress.tags} tags; findings: {progress.opened} opened, "
        f"{progress.resolved} resolved"
    )
    if standing is not None:
        counts = standing.counts
        line += f"; open: {counts.error} error, {counts.warning} warning, {counts.info} info"
        line += f", {counts.unknown} unknown" if counts.unknown else ""
        line += f"; not seen whole: {standing.unseen} tags" if standing.unseen else ""
    if progress.problem:
        line += f"; could not look: {progress.problem}"
    return inert(line)


def _nothing_matched(progress: Progress, repositories: Sequence[str], tags: Sequence[str]) -> str:
    """Return which patterns of the settings matched nothing, "" where some did, or nobody knows."""
    from mfl_lint.report.inert import inert

    if progress.problem or progress.partial or progress.held or progress.tags:
        return ""
    name, patterns = ("tags", tags) if progress.repositories else ("repositories", repositories)
    return inert(f"; nothing matched {name} = {', '.join(patterns)}"[:300])


def _code(standing: Sequence[Standing], ended: Sequence[Progress], fail_on: str) -> int:
    from mfl_lint.core.policy import Severity

    for severity in Severity:
        found = any(getattr(item.counts, str(severity)) for item in standing)
        if found and exit_codes.reaches(severity, fail_on):
            return exit_codes.FINDINGS
    failed = any(progress.problem for progress in ended)
    gaps = any(item.unseen or item.counts.unknown for item in standing)
    return exit_codes.COULD_NOT_LOOK if failed or gaps else exit_codes.OK
