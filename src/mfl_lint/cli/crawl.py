"""`mfl-lint crawl`: look at the configured registries once and record what is found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfl_lint.cli import exit_codes, options

if TYPE_CHECKING:
    from mfl_lint.config import Config
    from mfl_lint.core.records import Counts
    from mfl_lint.crawl.job import Progress


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
@options.quiet_option
@options.debug_option
def command(
    registries: tuple[str, ...],
    config_path: Path | None,
    fail_on: str,
    accept_vanished: bool,
    recheck: bool,
    quiet: bool,
) -> int:
    """Look at the configured registries and record what is found.

    REGISTRY is a configured name; without any, all are crawled. An interrupted crawl is gone
    on with at the next one.

    Exit codes: 0 no open finding at or above --fail-on, 1 findings, 2 usage or configuration,
    3 something could not be looked at.
    """
    import msgspec

    from mfl_lint.config_file import find_config

    config = find_config(config_path)
    if recheck:
        crawl = msgspec.structs.replace(config.crawl, presence_age_s=0.0)
        config = msgspec.structs.replace(config, crawl=crawl)
    ended, counts = asyncio.run(_crawl(config, registries, accept_vanished, quiet))
    for progress in ended:
        click.echo(_line(progress, counts.get(progress.registry)))
    return _code([counts[p.registry] for p in ended if p.registry in counts], ended, fail_on)


async def _crawl(
    config: Config, names: Sequence[str], accept_vanished: bool, quiet: bool
) -> tuple[tuple[Progress, ...], dict[str, Counts]]:
    """Return how the crawls went, and what stands open in each registry."""
    from mfl_lint.cli.progress import progress_line
    from mfl_lint.service.crawling import crawl_once, database_url
    from mfl_lint.store.engine import open_store
    from mfl_lint.store.views import registries

    async with progress_line(quiet=quiet) as show:

        def told(progress: Progress) -> None:
            done = f"{progress.repositories_done} of {progress.repositories} repositories"
            show(f"{progress.registry}: {done}, {progress.tags} tags")

        ended = await crawl_once(config, names, show=told, accept_vanished=accept_vanished)
    async with open_store(database_url(config)) as store:
        return ended, {view.name: view.counts for view in await registries(store)}


def _line(progress: Progress, counts: Counts | None) -> str:
    from mfl_lint.report.inert import inert

    line = (
        f"{progress.registry}: {progress.repositories_done} of {progress.repositories} "
        f"repositories, {progress.tags} tags; {progress.opened} findings opened, "
        f"{progress.resolved} resolved"
    )
    if counts is not None:
        line += f"; open: {counts.error} errors, {counts.warning} warnings, {counts.info} info"
        line += f", {counts.unknown} unknown" if counts.unknown else ""
    if progress.problem:
        line += f"; could not look: {progress.problem}"
    return inert(line)


def _code(counts: Sequence[Counts], ended: Sequence[Progress], fail_on: str) -> int:
    from mfl_lint.core.policy import Severity

    for severity in Severity:
        standing = any(getattr(item, str(severity)) for item in counts)
        if standing and exit_codes.reaches(severity, fail_on):
            return exit_codes.FINDINGS
    failed = any(progress.problem for progress in ended) or any(item.unknown for item in counts)
    return exit_codes.COULD_NOT_LOOK if failed else exit_codes.OK
