"""`mfl-lint demo`: everything on a small registry of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from mfl_lint.cli import exit_codes, options
from mfl_lint.cli.output import is_colorful, is_unicode, width, write_report

if TYPE_CHECKING:
    from mfl_lint.report.paper import Paper
    from mfl_lint.service.demonstration import Shown


@click.command("demo")
@click.option("--once", is_flag=True, help="End after printing, without serving pages.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Where the pages are served; 0 takes a free port.",
)
@options.debug_option
def command(once: bool, port: int) -> int:
    """Show everything on a small registry of its own.

    A registry on loopback is filled with good and broken images, crawled, and its findings are
    printed; then they are served as pages until Ctrl-C. Nothing is kept and nothing leaves this
    machine.
    """
    from mfl_lint.cli.failures import say
    from mfl_lint.service.demonstration import run_demo

    hosts: list[str] = []

    def show(shown: Shown) -> None:
        hosts.append(shown.host)
        _show(shown)

    def ready(address: str) -> None:
        _announce(address, *hosts)

    differences = asyncio.run(run_demo(show=show, ready=ready, once=once, port=port))
    for line in differences:
        say(f"not as expected: {line}")
    return exit_codes.FINDINGS if differences else exit_codes.OK


def _show(shown: Shown) -> None:
    from mfl_lint.report.paper import Paper
    from mfl_lint.report.text import render_text

    color, unicode = is_colorful(), is_unicode(None)
    write_report(render_text(shown.scan, width=width(), color=color, unicode=unicode), None)
    write_report(_stories(shown, Paper(width(), color=color, unicode=unicode)), None)


def _stories(shown: Shown, paper: Paper) -> str:
    found: dict[tuple[str, str], dict[str, None]] = {}
    for item in shown.scan.findings:
        found.setdefault((item.repository, item.tag), {})[item.rule] = None
    paper.line("")
    paper.line(f"The demo's registry is {shown.host}; what was put there, and what was found:")
    rows = []
    for image in shown.images:
        names = found.get((image.repository, ""), {}) | found.get((image.repository, image.tag), {})
        rules = ", ".join(sorted(names)) or "-"
        rows.append(((f"{image.repository}:{image.tag}", rules, image.story), ""))
    paper.table(("image", "found", "what it is"), rows)
    return paper.text()


def _announce(address: str, host: str) -> None:
    click.echo(
        f"The demo's registry is {host} until then. From another shell: "
        f"mfl-lint scan '{host}/*' --all-tags"
    )
    click.echo(f"Open {address} in a browser; Ctrl-C ends.")
