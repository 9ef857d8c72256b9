"""Which tags of a repository are looked at: --all-tags, --tags and --newest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

import click
import msgspec

from mfl_lint.core.policy import any_glob

F = TypeVar("F", bound=Callable[..., Any])

_EVERY: Final = ("*",)


class TagChoice(msgspec.Struct, frozen=True):
    """What is asked for: every tag, those that globs match, the newest N versions (0 = all)."""

    every: bool = False
    globs: tuple[str, ...] = ()
    newest: int = 0

    @property
    def lists(self) -> bool:
        """Say whether the repository's tags have to be listed."""
        return self.every or bool(self.globs) or self.newest > 0

    @property
    def is_partial(self) -> bool:
        """Say whether some of the listed tags may be left out."""
        return bool(self.globs) or self.newest > 0

    def chosen(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the tags to look at, in the given order; versions are ordered as crawls do."""
        from mfl_lint.crawl.watch import newest

        globs = self.globs or _EVERY
        matching = tuple(name for name in names if any_glob(globs, name))
        return newest(matching, self.newest) if self.newest else matching


def tags_options(function: F) -> F:
    """Add --all-tags, --tags and --newest."""
    for option in (
        click.option(
            "--newest",
            type=click.IntRange(min=1),
            metavar="N",
            help="Of the tags that are versions look at those of the newest N, and at all others.",
        ),
        click.option(
            "--tags",
            "tag_globs",
            multiple=True,
            metavar="GLOB",
            help="Look at those tags of each TARGET that match, e.g. 'v1.*'. Repeatable.",
        ),
        click.option("--all-tags", is_flag=True, help="Look at every tag of each TARGET."),
    ):
        function = option(function)
    return function
