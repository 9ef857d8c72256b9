"""`mfl-lint doctor`: what works here, what does not, and the cure."""

from __future__ import annotations

import asyncio
import os
import platform
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfl_lint import __version__
from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.service.soundness import Check

if TYPE_CHECKING:
    from mfl_lint.config import Config


@click.command("doctor")
@options.config_option
@options.debug_option
def command(config_path: Path | None) -> int:
    """Check the installation, the configuration, who may see what, and the registries.

    Exit codes: 0 all is well, 1 something needs care.
    """
    checks = asyncio.run(_checked(config_path))
    write_report(_rendered(checks), None)
    failed = any(check.ok is False for check in checks)
    return exit_codes.FINDINGS if failed else exit_codes.OK


async def _checked(config_path: Path | None) -> list[Check]:
    from mfl_lint.config_file import find_config
    from mfl_lint.core.errors import ConfigInvalid
    from mfl_lint.service.places import checked_places

    checks = [Check("mfl-lint", True, f"{__version__} on Python {platform.python_version()}")]
    try:
        config = await asyncio.to_thread(find_config, config_path)
    except ConfigInvalid as error:
        wrong = (
            Check("configuration", False, line, "change that setting in the file")
            for line in error.mistakes
        )
        return [*checks, *wrong]
    if config.path is None:
        cure = "`mfl-lint config init` writes a file"
        checks.append(Check("configuration", None, "none found; defaults hold", cure))
    else:
        checks.append(Check("configuration", True, f"{config.path} is valid"))
    checks += [Check("configuration", None, notice) for notice in config.notices]
    places = await asyncio.to_thread(lambda: list(checked_places(config)))
    checks += places
    reads = any(one.what == "database" and one.ok for one in places)
    checks += await _service(config, reads=reads)
    return checks + [check async for check in _registries(config)]


async def _service(config: Config, *, reads: bool) -> list[Check]:
    """Return what is wrong with access, files and schedules. `reads`: the database does."""
    from mfl_lint.core.errors import MflLintError
    from mfl_lint.service.crawling import database_url
    from mfl_lint.service.people import names_of_users
    from mfl_lint.service.secrets import missing_secrets
    from mfl_lint.service.soundness import (
        unservable,
        wrong_with_files,
        wrong_with_service,
        wrong_with_sqlite,
    )
    from mfl_lint.store.addresses import parse_address, sqlite_file

    missing = tuple(missing_secrets(config, os.environ))
    cure = "set it where the service runs, or take it out of the configuration"
    found = [Check("secrets", False, line, cure) for line in missing]
    others = [line for line in unservable(config) if line not in missing]
    found += [
        Check("serve", False, line, "change that setting; `serve` starts without this mistake only")
        for line in others
    ]
    try:
        users = await names_of_users(config) if reads else frozenset()
        file = sqlite_file(parse_address(database_url(config)))
    except MflLintError:  # said already, of the database
        return found
    found += wrong_with_service(config, users)
    found += wrong_with_files(config, file)
    endangered = wrong_with_sqlite(file) if file is not None and file.is_file() else None
    return [*found, endangered] if endangered is not None else found


async def _registries(config: Config) -> AsyncIterator[Check]:
    from mfl_lint.cli.reaching import reach

    for registry in config.registries:
        found = await reach(registry, config.http)
        yield Check(f"{registry.name} ({registry.host})", found.ok, found.said, found.cure)


def _rendered(checks: list[Check]) -> str:
    from mfl_lint.report.paper import Paper

    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    signs = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("!", "yellow")}
    for check in checks:
        paper.line(signs[check.ok], " ", (check.what, "bold"))
        paper.block("  │ ", [check.said], style="dim")
        if check.cure and check.ok is not True:
            paper.block("  │ ", [("cure: ", "green"), check.cure], style="dim")
    failed = sum(check.ok is False for check in checks)
    paper.line("")
    noted = any(check.ok is None for check in checks)
    well = "Nothing is broken; see what is marked with !." if noted else "All is well."
    paper.line(f"{failed} of {len(checks)} need care." if failed else well)
    return paper.text()
