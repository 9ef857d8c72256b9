"""`mfl-lint ready`: a gate before a deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Access
    from mfl_lint.cli.files import Mentioned
    from mfl_lint.config import Config
    from mfl_lint.core.platform import Platform
    from mfl_lint.core.readiness import Readiness
    from mfl_lint.core.reference import Reference
    from mfl_lint.core.selection import Engine
    from mfl_lint.crawl.ready import Wanted
    from mfl_lint.registry.source import Source


class Call(options.Looking, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    references: tuple[str, ...]
    files: tuple[str, ...]
    build_args: tuple[str, ...]
    platform_texts: tuple[str, ...]
    engine_names: tuple[str, ...]
    wait_s: float
    as_json: bool


@click.command("ready", cls=ProjectCommand)
@click.argument("references", nargs=-1, metavar="[REF…]")
@options.files_option
@options.build_arg_option
@click.option(
    "--platform",
    "platform_texts",
    multiple=True,
    metavar="P,P",
    help="The platforms that must be there, e.g. linux/arm64. Repeatable.",
)
@click.option(
    "--engine",
    "engine_names",
    multiple=True,
    type=click.Choice(options.ENGINES),
    help="Who will pull it, instead of docker, containerd and podman. Repeatable.",
)
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 86_400),
    default=0.0,
    metavar="SECONDS",
    help="Look again until it is ready, so many seconds long.",
)
@options.json_option
@options.config_option
@options.insecure_option
@options.anonymous_option
@options.debug_option
def command(**given: Any) -> int:
    """Say whether a platform of an image can be pulled, whole.

    A gate before a deployment: every engine must find a child for the platform; the child, its
    config (which must be for the platform too) and all of its layers must be in the registry. Of
    files (-f) all references are asked for; one for which a file names a platform itself is asked
    for that.

    Exit codes: 0 yes, 1 no, 2 usage or configuration, 3 unknown: it could not look.
    """
    return ready(Call(**given))


def ready(call: Call) -> int:
    """Look until it is ready or time is up, and return the exit code; raise UsageError."""
    from mfl_lint.cli.failures import say
    from mfl_lint.cli.files import mentioned
    from mfl_lint.cli.output import write_report
    from mfl_lint.cli.settings import platforms_of
    from mfl_lint.core.selection import Engine
    from mfl_lint.report import ready as report

    if not (call.references or call.files):
        raise click.UsageError("name a REF, or a file of references with -f")
    named = mentioned(call.files, call.build_args)
    platforms = platforms_of(call.platform_texts, "--platform", call.config.policy)
    wanted = _wanted(map(_typed, call.references), named, platforms)
    engines = tuple(Engine(name) for name in dict.fromkeys(call.engine_names))
    checks = asyncio.run(_look(wanted, engines, call.config, call.access, call.wait_s))
    render = report.render_ready_json if call.as_json else report.render_ready
    for note in named.notes:
        say(f"note: {note}")
    write_report(render(checks, named.unresolved), None)
    answer = report.overall(checks, named.unresolved)
    codes = {"yes": exit_codes.OK, "no": exit_codes.FINDINGS}
    return codes.get(answer, exit_codes.COULD_NOT_LOOK)


def _typed(text: str) -> Reference:
    """Return the reference that was typed; raise UsageError for any other target."""
    from mfl_lint.registry.target import ReferenceTarget, parse_target

    target = parse_target(text)
    if not isinstance(target, ReferenceTarget):
        raise click.UsageError(f"{text}: ready asks a registry for one reference")
    return target.reference.with_default_tag()


def _wanted(
    references: Iterable[Reference], named: Mentioned, platforms: tuple[Platform, ...]
) -> tuple[Wanted, ...]:
    """Return what is asked for; raise UsageError where no platform is."""
    from mfl_lint.crawl.ready import Wanted

    typed = list(references)
    wanted = []
    for reference in dict.fromkeys((*typed, *named.references)):
        own = named.required.get(reference, ())
        pinned = reference in named.pinned and reference not in typed
        asked = own if pinned else tuple(dict.fromkeys((*platforms, *own)))
        if not (asked if pinned else platforms):
            raise click.UsageError(f"{reference.familiar}: name its platform with --platform")
        wanted.append(Wanted(reference, asked, named.places.get(reference, ())))
    return tuple(wanted)


async def _look(
    wanted: tuple[Wanted, ...],
    engines: tuple[Engine, ...],
    config: Config,
    access: Access,
    wait_s: float,
) -> tuple[Readiness, ...]:
    from time import monotonic

    from mfl_lint.cli.connect import registries
    from mfl_lint.crawl.once import OnceSource
    from mfl_lint.crawl.ready import waited

    async with registries(config, access) as clients:
        # What was seen stays seen while we wait: only what was missing is asked for again.
        named = {one.reference.name: clients.client(one.reference.registry) for one in wanted}
        sources = {
            name: (OnceSource(client), client.registry.name) for name, client in named.items()
        }
        look = partial(_checks, wanted, sources, engines)
        return await waited(look, wait_s=wait_s, clock=monotonic, pause=asyncio.sleep)


async def _checks(
    wanted: tuple[Wanted, ...],
    sources: Mapping[str, tuple[Source, str]],
    engines: tuple[Engine, ...],
) -> tuple[Readiness, ...]:
    """Return one look at everything; `sources` with their registry's name are by repository."""
    from mfl_lint.core.readiness import USUAL_ENGINES
    from mfl_lint.crawl.ready import readiness

    found: list[Readiness] = []
    for one in wanted:
        source, registry = sources[one.reference.name]
        found += await readiness(source, registry, one, engines or USUAL_ENGINES, now=_now)
    return tuple(found)


def _now() -> datetime:
    return datetime.now(UTC)
