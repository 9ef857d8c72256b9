"""`mfl-lint config`: check the settings, or write a file to start from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report

if TYPE_CHECKING:
    from mfl_lint.config import RegistryConfig


@click.group("config")
def command() -> None:
    """Check the configuration, or write one to start from."""


@command.command("check")
@options.config_option
@options.debug_option
def check(config_path: Path | None) -> int:
    """Read the settings and show the registries; each mistake is named with its key (exit 2).

    Secrets that are named and not there are said, and no mistake: this may be another machine
    than the one where they are used. `mfl-lint doctor` fails by them.
    """
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.settings import settings
    from mfl_lint.config_tables import Reading
    from mfl_lint.core.errors import ConfigInvalid
    from mfl_lint.crawl.schedule import trigger_of
    from mfl_lint.report.paper import Paper
    from mfl_lint.service.secrets import missing_credentials, missing_secrets

    config, reading = settings(config_path), Reading()
    for registry in config.registries:
        try:
            trigger_of(registry, config.crawl.jitter)
        except ConfigInvalid as error:
            reading.add(f"{config.path}: {error}")
    reading.finish()
    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    if config.path is None:
        paper.line("No settings file: all defaults hold. `mfl-lint config init` writes one.")
    else:
        number = len(config.registries)
        held = f"{number} {'registry' if number == 1 else 'registries'}"
        paper.line(f"{config.path} is valid: {held}.")
    if config.registries:
        rows = ((_cells(registry), "") for registry in config.registries)
        paper.table(("name", "host", "repositories", "tags", "crawled", "credentials"), rows)
    write_report(paper.text(), None)
    for line in (*missing_credentials(config, os.environ), *missing_secrets(config, os.environ)):
        say(f"note: {line}")
    return exit_codes.OK


def _cells(registry: RegistryConfig) -> Iterable[str]:
    newest = f", newest {registry.newest}" if registry.newest else ""
    without = "".join(f", not {glob}" for glob in registry.exclude_repositories)
    yield registry.name
    yield registry.host
    yield ", ".join(registry.repositories) + without
    yield ", ".join(registry.tags) + newest
    yield _crawled(registry)
    yield _credentials(registry)


def _crawled(registry: RegistryConfig) -> str:
    if registry.cron:
        return registry.cron
    return f"every {registry.interval_s:g} s" if registry.interval_s else "on request"


def _credentials(registry: RegistryConfig) -> str:
    """Return where credentials come from, never what they are."""
    settings = registry.credentials
    if settings.anonymous:
        return "anonymous"
    named = (
        ("$" + settings.token_env if settings.token_env else ""),
        settings.token_file,
        ("$" + settings.password_env if settings.password_env else ""),
        settings.password_file,
    )
    found = next(filter(None, named), "")
    return found or ("docker's" if settings.docker_config else "anonymous")


@command.command("init")
@click.argument("path", type=click.Path(path_type=Path), default=Path("mfl-lint.toml"))
def init(path: Path) -> int:
    """Write a settings file to start from, with every setting explained.

    PATH is mfl-lint.toml where it is not given; a file that exists is never overwritten.
    """
    from mfl_lint.resources import example_config_path

    example = example_config_path().read_bytes()
    try:
        with path.open("xb") as file:
            file.write(example)
    except FileExistsError:
        raise click.UsageError(f"{path} exists already and is not overwritten") from None
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from None
    click.echo(f"Wrote {path}. Name your registries in it, then `mfl-lint config check`.")
    return exit_codes.OK
