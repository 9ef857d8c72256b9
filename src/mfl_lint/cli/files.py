"""The references that files name (`-f`), parsed, with where they stand and what they need."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import msgspec

from mfl_lint.core.errors import ConfigInvalid, ReferenceInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference
from mfl_lint.core.scan import Place, Scan, Unresolved
from mfl_lint.inputs.found import Contents
from mfl_lint.inputs.read import Settings, read_files


class Mentioned(msgspec.Struct, frozen=True):
    """What files name: references with their tags filled in, each once, in the files' order.

    `places` and `required` (the platforms that a file needs) are by reference; `pinned` are those
    that need a platform wherever they stand.
    """

    references: tuple[Reference, ...] = ()
    places: Mapping[Reference, tuple[Place, ...]] = {}
    required: Mapping[Reference, tuple[Platform, ...]] = {}
    pinned: frozenset[Reference] = frozenset()
    unresolved: tuple[Unresolved, ...] = ()
    notes: tuple[str, ...] = ()


def mentioned(files: Sequence[str], build_args: Sequence[str]) -> Mentioned:
    """Return what the files name; raise InputInvalid or ConfigInvalid."""
    settings = Settings(os.environ, _arguments(build_args))
    return _parsed(read_files(files, sys.stdin.buffer, settings)) if files else Mentioned()


def _parsed(contents: Contents) -> Mentioned:
    """Return the references of what was read; what is none is unresolved."""
    places: dict[Reference, dict[Place, None]] = {}
    required: dict[Reference, dict[Platform, None]] = {}
    free: set[Reference] = set()
    unresolved = list(contents.unresolved)
    notes = list(contents.notes)
    for found in contents.found:
        try:
            reference = Reference.parse(found.text).with_default_tag()
        except ReferenceInvalid as error:
            unresolved.append(Unresolved(found.text, found.file, found.line, str(error)))
            continue
        place = Place(found.file, found.line)
        places.setdefault(reference, {})[place] = None
        required.setdefault(reference, {}).update(dict.fromkeys(found.platforms))
        if not found.platforms:
            free.add(reference)
        if found.note:
            notes.append(f"{place}: {reference.familiar}: {found.note}")
    return Mentioned(
        tuple(places),
        {reference: tuple(items) for reference, items in places.items()},
        {reference: tuple(items) for reference, items in required.items() if items},
        frozenset(places.keys() - free),
        tuple(unresolved),
        tuple(notes),
    )


def _arguments(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise ConfigInvalid(f"--build-arg {name[:60]}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}


def with_places(scan: Scan, named: Mentioned) -> Scan:
    """Return the scan with where its targets stand, and with what the files do not tell."""
    by_name = {str(reference): places for reference, places in named.places.items()}
    targets = tuple(
        msgspec.structs.replace(target, places=by_name.get(target.canonical, ()))
        for target in scan.targets
    )
    unread = tuple(str(item) for item in named.unresolved)
    return msgspec.structs.replace(
        scan,
        targets=targets,
        problems=(*unread, *scan.problems),
        unresolved=named.unresolved,
        notes=(*scan.notes, *named.notes),
    )
