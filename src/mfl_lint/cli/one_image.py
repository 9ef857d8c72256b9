"""Look at one image, for the commands that are not for many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import click

from mfl_lint.cli.failures import say
from mfl_lint.cli.looking import Looked, look
from mfl_lint.cli.options import Looking
from mfl_lint.core.observation import Observation
from mfl_lint.registry.target import NamespaceTarget, find_target


def look_at(text: str, call: Looking, *, refusal: str) -> tuple[list[Observation], Looked]:
    """Return what the reference is like; UsageError with `refusal` for a glob."""
    target = find_target(text)
    if isinstance(target, NamespaceTarget):
        raise click.UsageError(refusal)
    seen: list[Observation] = []
    looked = asyncio.run(
        look([target], call.config, call.access, quiet=call.quiet, looked=seen.append)
    )
    return seen, looked


def look_at_one(text: str, call: Looking, *, refusal: str) -> Observation | None:
    """Return what the one image is like; what could not be opened is said, None.

    UsageError as in `look_at`, and where the text names several images.
    """
    seen, looked = look_at(text, call, refusal=refusal)
    for problem in looked.scan.problems:
        say(f"could not look: {problem}")
    if len(seen) > 1:
        raise several(text, seen)
    return seen[0] if seen else None


def several(text: str, seen: Sequence[Observation]) -> click.UsageError:
    """Return the mistake of naming more images than one."""
    return click.UsageError(f"{text} holds {len(seen)} images; name one: {text}:TAG")
