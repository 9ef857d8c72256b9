"""From what a user names to what is looked at: references of one repository at a time."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from mfl_lint.cli.connect import Registries
from mfl_lint.cli.tags import TagChoice
from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import MflLintError, RegistryError
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import glob_matches
from mfl_lint.core.reference import Reference
from mfl_lint.crawl.scan import Asked
from mfl_lint.registry.archive import ArchiveSource
from mfl_lint.registry.bare import BareSource
from mfl_lint.registry.layout import Layout, LayoutSource
from mfl_lint.registry.source import Source
from mfl_lint.registry.target import (
    ArchiveTarget,
    FileTarget,
    LayoutTarget,
    NamespaceTarget,
    ReferenceTarget,
    StdinTarget,
    Target,
)

_STDIN: Final = "stdin"


class Expansion:
    """Finds what targets stand for; `problems` fills with what could not be looked at.

    `notes` fills with what was left out and hides nothing. `required` are platforms that single
    references must offer besides the policy's.
    """

    def __init__(
        self,
        registries: Registries,
        tags: TagChoice = TagChoice(),  # noqa: B008  # frozen
        required: Mapping[Reference, tuple[Platform, ...]] | None = None,
    ) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._registries = registries
        self._choice = tags
        self._required = required or {}
        self._asked: set[Reference] = set()

    async def groups(
        self, targets: Iterable[Target], named: Iterable[Reference] = ()
    ) -> AsyncIterator[Asked]:
        """Yield what is to be looked at, each reference once.

        Of the `named` ones (a file's) nothing but what they name, whichever tags are chosen.
        """
        listed = tuple(targets)
        typed = [item.reference for item in listed if isinstance(item, ReferenceTarget)]
        for references in _by_repository(typed):
            yield await self._repository(references)
        for target in listed:
            if not isinstance(target, ReferenceTarget):
                async for group in self._other(target):
                    yield group
        for references in _by_repository(named):
            client = self._registries.client(references[0].registry)
            asked = self._new(references)
            yield Asked(client, client.registry, asked, required=self._required)

    async def _other(self, target: Target) -> AsyncIterator[Asked]:
        if isinstance(target, NamespaceTarget):
            async for group in self._namespace(target):
                yield group
            return
        try:
            source, references = _opened(target)
        except MflLintError as error:
            self.problems.append(str(error))
            return
        try:
            name = references[0].registry if references else ""
            registry = RegistryConfig(name=name, host=name)
            yield Asked(source, registry, self._new(references))
        finally:
            await source.close()

    async def _repository(
        self,
        references: Sequence[Reference],
        repositories: tuple[str, ...] | None = None,
        missing: list[str] | None = None,
    ) -> Asked:
        """Return the references of one repository, with all of its tags if they are wanted.

        Where none is there that is wanted it is said in `missing`, else it is a problem.
        """
        first = references[0]
        client = self._registries.client(first.registry)
        wanted = [item.with_default_tag() for item in references]
        whole = False
        if self._choice.lists:
            bare = Reference(first.registry, first.repository)
            wanted = [item for item in references if item != bare]
            names, whole, without = await self._tags(client, bare)
            (self.problems if missing is None else missing).extend(without)
            wanted += [msgspec.structs.replace(bare, tag=name) for name in names]
        asked = self._new(wanted)
        return Asked(client, client.registry, asked, whole, repositories, self._required)

    async def _tags(
        self, source: Source, bare: Reference
    ) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
        """Return the tags that are asked for, whether they are all, and why there is none."""
        try:
            listing = await source.tags(bare.repository)
        except RegistryError as error:
            self.problems.append(f"{bare.familiar}: its tags could not be listed: {error}")
            return (), False, ()
        without: tuple[str, ...] = ()
        if not listing.complete:
            self.problems.append(f"{bare.familiar}: not all tags are known: {listing.problem}")
        elif not listing.names:
            without = (f"{bare.familiar}: it has no tags",)
        chosen = self._choice.chosen(listing.names)
        if listing.names and not chosen:
            globs = ", ".join(self._choice.globs)
            without = (f"{bare.familiar}: none of its tags matches {globs[:200]}",)
        return chosen, listing.complete and not self._choice.is_partial, without

    async def _namespace(self, target: NamespaceTarget) -> AsyncIterator[Asked]:
        client = self._registries.client(target.registry)
        shown = f"{target.registry}/{target.pattern}"
        try:
            listing = await client.repositories()
        except RegistryError as error:
            self.problems.append(f"{shown}: its repositories could not be listed: {error}")
            return
        names = [name for name in listing.names if glob_matches(target.pattern, name)]
        if not listing.complete:
            self.problems.append(f"{shown}: not all repositories are known: {listing.problem}")
        elif not names:
            self.problems.append(f"{shown}: no repository matches")
        known = listing.names if listing.complete else None
        missing: list[str] = []
        for name in names:
            yield await self._repository([Reference(target.registry, name)], known, missing)
        # Among many a repository without such a tag is nothing unusual; no tag at all is.
        (self.notes if len(missing) < len(names) else self.problems).extend(missing)

    def _new(self, references: Iterable[Reference]) -> tuple[Reference, ...]:
        """Return those that nobody asked for yet."""
        new = [item for item in dict.fromkeys(references) if item not in self._asked]
        self._asked.update(new)
        return tuple(new)


def _by_repository(references: Iterable[Reference]) -> Iterable[list[Reference]]:
    """Return the references in groups, in the order in which their repositories come up."""
    groups: dict[tuple[str, str], list[Reference]] = {}
    for item in references:
        groups.setdefault((item.registry, item.repository), []).append(item)
    return groups.values()


def _opened(target: Target) -> tuple[Source, tuple[Reference, ...]]:
    """Return what is on disk, open, and how to ask for what it holds; raise MflLintError."""
    if isinstance(target, LayoutTarget):
        return _held(LayoutSource(target.path), target.tag, target.path)
    if isinstance(target, ArchiveTarget):
        return _held(ArchiveSource(target.path), target.tag, target.path)
    if isinstance(target, FileTarget):
        name = f"file:{target.path}"
        return BareSource.from_file(target.path), (BareSource.reference(name),)
    if isinstance(target, StdinTarget):
        return BareSource.from_stream(sys.stdin.buffer), (BareSource.reference(_STDIN),)
    raise TypeError(target)


def _held(source: Layout, tag: str | None, path: Path) -> tuple[Layout, tuple[Reference, ...]]:
    """Return a layout and its references."""
    references = source.references(tag)
    if not references:
        raise MflLintError(f"{path} holds no images")
    return source, references
