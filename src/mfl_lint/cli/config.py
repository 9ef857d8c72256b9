"""`mfl-lint config`: check the settings, or write a file to start from."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report

if TYPE_CHECKING:
    from mfl_lint.config import Config, RegistryConfig
    from mfl_lint.config_alert import ChannelConfig, RouteConfig


@click.group("config")
def command() -> None:
    """Check the configuration, or write one to start from."""


@command.command("check")
@options.config_option
@options.debug_option
def check(config_path: Path | None) -> int:
    """Read the settings and show what they name; each mistake is named with its key (exit 2).

    Secrets, variables and files that are named and not there are said, and no mistake: this may
    be another machine than the one where they are used. `mfl-lint doctor` fails by them.
    """
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.settings import settings
    from mfl_lint.config_tables import Reading
    from mfl_lint.report.paper import Paper
    from mfl_lint.service.places import absent
    from mfl_lint.service.secrets import missing_credentials, missing_secrets

    config, reading = settings(config_path), Reading()
    for mistake in _mistakes(config):
        reading.add(f"{config.path}: {mistake}")
    reading.finish()
    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    if config.path is None:
        paper.line("No settings file: all defaults hold. `mfl-lint config init` writes one.")
    else:
        paper.line(f"{config.path} is valid: {_held(config)}.")
    for titles, rows in _tables(config):
        if rows:
            paper.table(titles, ((row, "") for row in rows))
    write_report(paper.text(), None)
    for missing in (absent, missing_credentials, missing_secrets):
        for line in missing(config, os.environ):
            say(f"note: {line}")
    return exit_codes.OK


def _mistakes(config: Config) -> Iterator[str]:
    """Yield what only shows where settings are used: schedules, databases, queues."""
    from mfl_lint.core.errors import ConfigInvalid
    from mfl_lint.crawl.schedule import trigger_of
    from mfl_lint.service.places import mistaken

    for registry in config.registries:
        try:
            trigger_of(registry, config.crawl.jitter)
        except ConfigInvalid as error:
            yield str(error)
    yield from mistaken(config, os.environ)


def _held(config: Config) -> str:
    """Return how much of what the settings name."""
    numbers = (
        (len(config.registries), "registry", "registries"),
        (len(config.alert.channel), "channel", "channels"),
        (len(config.alert.route), "route", "routes"),
        (len(config.hooks), "hook", "hooks"),
    )
    said = [f"{number} {one if number == 1 else many}" for number, one, many in numbers if number]
    return ", ".join(said if config.registries else ["no registry", *said])


def _tables(config: Config) -> Iterator[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Yield titles and rows of what the settings name."""
    titles = ("name", "host", "repositories", "tags", "crawled", "credentials")
    yield titles, [tuple(_cells(one)) for one in config.registries]
    yield (
        ("channel", "kind", "to"),
        [(one.name, one.kind, _to(one)) for one in config.alert.channel],
    )
    yield ("route", "to", "registries", "of", "sends"), list(map(_route, config.alert.route))
    yield (
        ("hook", "kind", "registry", "path"),
        [(one.name, one.kind, one.registry, f"/hooks/{one.name}") for one in config.hooks],
    )


def _to(channel: ChannelConfig) -> str:
    """Return where a channel leads; what may be a secret only by where it stands."""
    if channel.url_env or channel.url_file:
        return f"${channel.url_env}" if channel.url_env else channel.url_file
    return urlsplit(channel.url).hostname or ""


def _route(route: RouteConfig) -> tuple[str, ...]:
    rules = f", {', '.join(route.rules)}" if route.rules else ""
    sends = f"a {route.digest.every} report" if route.digest.every else "messages"
    wanted = f"{route.severity} and worse{rules}"
    return (route.name, ", ".join(route.channels), ", ".join(route.registries), wanted, sends)


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
