"""`mfl-lint select`: which entry of a list an engine takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mfl_lint.cli import options
from mfl_lint.cli.exit_codes import COULD_NOT_LOOK, FINDINGS, OK
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report
from mfl_lint.cli.project import ProjectCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mfl_lint.config import Config
    from mfl_lint.core.observation import Observation
    from mfl_lint.core.platform import Platform
    from mfl_lint.report.select import EngineV1


class Call(options.Looking, frozen=True, kw_only=True):
    """What one call asks for, by the names of its options."""

    reference: str
    platform: str | None
    engine: str | None
    explain: bool
    all_hosts: bool
    as_json: bool


@click.command("select", cls=ProjectCommand)
@click.argument("reference", metavar="REF")
@click.option("--platform", metavar="P", help="What the engine is asked for, e.g. linux/arm/v7.")
@click.option(
    "--engine", type=click.Choice(options.ENGINES), help="Only this engine, instead of all."
)
@click.option("--explain", is_flag=True, help="Say of every entry why it is taken or not.")
@click.option("--all-hosts", is_flag=True, help="Show what is taken on each common host.")
@options.json_option
@options.looking_options
def command(**given: Any) -> int:
    """Say which entry of a list an engine takes.

    docker is Docker with the containerd store, docker-classic with the older one; containerd is
    Kubernetes too; podman stands for CRI-O, buildah and skopeo; first-match for crane and the
    like. REF may also be oci:DIR:TAG, oci-archive:FILE, file:F, or - for the standard input.

    With --platform each engine is asked for just that; with --all-hosts for what it detects.

    Exit codes: 0 something is taken, 1 no engine that was asked takes anything, 2 usage, 3 could
    not look at what decides.
    """
    return select(Call(**given))


def select(call: Call) -> int:
    """Look, say what is taken, and return the exit code; raise UsageError."""
    from mfl_lint.cli.one_image import look_at_one

    if (call.platform is None) is not call.all_hosts:
        raise click.UsageError("name a platform (--platform linux/arm64) or --all-hosts")
    if call.explain and call.all_hosts:
        raise click.UsageError("--explain goes with --platform")
    asked = _asked(call.platform, call.config) if call.platform is not None else None
    seen = look_at_one(
        call.reference, call, refusal="select takes one image; `mfl-lint scan` takes globs"
    )
    if seen is None:
        return COULD_NOT_LOOK
    return _report(seen, asked, call.engine, explain=call.explain, as_json=call.as_json)


def _asked(text: str, config: Config) -> Platform:
    """Return the platform; raise ConfigInvalid for a typing error, UsageError for two."""
    from mfl_lint.cli.settings import platforms_of

    first, *others = platforms_of([text], "--platform", config.policy)
    if others:
        raise click.UsageError("--platform: an engine is asked for one platform")
    return first


def _report(
    seen: Observation, asked: Platform | None, engine: str | None, *, explain: bool, as_json: bool
) -> int:
    """Write the report and return the exit code."""
    from mfl_lint.core.selection import ENGINES as ALL
    from mfl_lint.core.selection import Engine
    from mfl_lint.report.paper import Paper
    from mfl_lint.report.select import all_hosts, render_all_hosts, render_selection, selection
    from mfl_lint.report.select import render_selection_json as render_json

    engines = (Engine(engine),) if engine is not None else ALL
    paper = Paper(width(), color=is_colorful(), unicode=is_unicode(None))
    if asked is None:
        hosts = all_hosts(seen, engines)
        write_report(render_json(hosts) if as_json else render_all_hosts(hosts, paper), None)
        unknown = any(one.unknown for host in hosts.hosts for one in host.engines)
        return COULD_NOT_LOOK if unknown else OK
    shown = selection(seen, asked, engines, explain=explain)
    write_report(render_json(shown) if as_json else render_selection(shown, paper), None)
    return _exit_code(shown.engines)


def _exit_code(engines: Sequence[EngineV1]) -> int:
    if any(one.unknown for one in engines):
        return COULD_NOT_LOOK
    return OK if any(one.selected is not None for one in engines) else FINDINGS
