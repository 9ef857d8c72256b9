"""What the commands below `manifest` share: names, annotations, where drafts lie."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from mfl_lint.cli import options

if TYPE_CHECKING:
    from mfl_lint.cli.connect import Registries
    from mfl_lint.core.reference import Reference
    from mfl_lint.mend.drafts import Drafts

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

FORMS: Final = ("oci", "docker")


class Pushing(options.Looking, frozen=True, kw_only=True):
    """What every command that pushes is told besides."""

    copy: bool
    force: bool
    dry_run: bool


def push_options(function: F) -> F:
    """Add what every command that pushes can be told."""
    for option in (
        click.option("--dry-run", is_flag=True, help="Write the exact bytes; push nothing."),
        click.option("--force", is_flag=True, help="Push in spite of errors; it is on record."),
        click.option("--copy", is_flag=True, help="Copy what lies in other registries."),
    ):
        function = option(function)
    return options.looking_options(function)


def form_options(function: F) -> F:
    """Add --oci and --docker, both as `form`."""
    for name in FORMS:
        function = click.option(
            f"--{name}",
            "form",
            flag_value=name,
            help="Make an OCI index." if name == "oci" else "Make a docker manifest list.",
        )(function)
    return function


index_annotation_option: Final = click.option(
    "--index-annotation",
    "index_annotations",
    multiple=True,
    metavar="KEY=VALUE",
    help="Annotate the list itself (OCI). Repeatable.",
)
annotation_option: Final = click.option(
    "--annotation",
    "annotations",
    multiple=True,
    metavar="KEY=VALUE",
    help="Annotate each image named here (OCI). Repeatable.",
)


def demand(ctx: click.Context, given: Sequence[str], least: int, most: int | None = None) -> None:
    """Raise UsageError unless there are as many arguments as the command takes."""
    if least <= len(given) <= (len(given) if most is None else most):
        return
    if most == least:
        wanted = f"{least} argument" + ("s" if least != 1 else "")
    elif most is None:
        wanted = f"at least {least} argument" + ("s" if least != 1 else "")
    else:
        wanted = f"at least {least} and at most {most} arguments"
    raise click.UsageError(f"'{ctx.command_path}' requires {wanted}", ctx)


def named(text: str, what: str = "manifest") -> Reference:
    """Return what a user named, untagged = latest; ReferenceInvalid says what it was to be."""
    from mfl_lint.core.errors import ReferenceInvalid
    from mfl_lint.core.reference import Reference

    try:
        return Reference.parse(text).with_default_tag()
    except ReferenceInvalid as error:
        fault = str(error).removeprefix("not a reference: ")
        raise ReferenceInvalid(
            f"error parsing name for {what} {text[:100]}: invalid reference format: {fault}"
        ) from None


def demand_tag(text: str | None) -> None:
    """Raise UsageError where what was given to --to is no tag."""
    from mfl_lint.core.reference import is_tag

    if text is not None and not is_tag(text):
        raise click.UsageError(
            f"--to {text[:140]!r} is no tag: write letters, digits, '_', '.' and '-', at most 128"
        )


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """Return annotations as they were typed; UsageError for what is no KEY=VALUE."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise click.UsageError(f"{option} {text[:60]!r}: write KEY=VALUE")
        if not (_is_text(key) and _is_text(value)):
            raise click.UsageError(f"{option} {key[:60]!r}: it is not UTF-8")
        found[key] = value
    return found


def _is_text(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" or char == "\0" for char in text)


def drafts() -> Drafts:
    """Return the drafts of whoever runs this."""
    from mfl_lint.mend.drafts import Drafts, state_folder

    return Drafts(state_folder(os.environ))


def with_registries(call: options.Looking, work: Callable[[Registries], Awaitable[T]]) -> T:
    """Return what `work` returns of the registries that the call may reach."""
    from mfl_lint.cli.connect import registries
    from mfl_lint.cli.interrupting import run_broken_off

    async def go() -> T:
        async with registries(call.config, call.access) as clients:
            return await work(clients)

    return run_broken_off(go())
