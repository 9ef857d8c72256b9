"""What the page of a tag shows beside its entries; keys may be added, never changed."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Taken(msgspec.Struct, frozen=True):
    """What an engine takes: the entry at `path`, null for nothing.

    `state` is how that entry is, as in a matrix's cell; `none` where nothing is taken, `unknown`
    with its reason where nobody can tell.
    """

    engine: str
    path: str | None
    platform: str
    state: str
    reason: str = ""


class HostItem(msgspec.Struct, frozen=True):
    """Hosts on which every engine takes the same."""

    hosts: tuple[str, ...]
    taken: tuple[Taken, ...]


class ProofItem(msgspec.Struct, frozen=True):
    """A file that the kernel would run: its path, its layer, what its header says.

    `runs`: whether the entry's platform runs it: yes, fallback, level, no or unknown.
    """

    path: str
    layer: str
    what: str
    runs: str


class LayerItem(msgspec.Struct, frozen=True):
    """A layer of an image; `files` counts what is kept of it, null where it was not read."""

    digest: str
    size_bytes: int | None
    files: int | None
    problem: str


class InsideItem(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of the layers of the entry at `path`, from the bottom to the top.

    `chain` leads from what the config names to the program; `without_loader` are programs whose
    loader is in no layer; `unknown` says why no more is known.
    """

    path: str
    platform: str
    chain: tuple[str, ...]
    programs: tuple[ProofItem, ...]
    loaders: tuple[ProofItem, ...]
    without_loader: tuple[str, ...]
    unknown: str
    layers: tuple[LayerItem, ...]


class PastItem(msgspec.Struct, frozen=True):
    """What a tag pointed at, from when until when (null = still).

    `platforms` are those of its images, null where that is not known.
    """

    digest: str
    seen_at: datetime
    until: datetime | None
    platforms: tuple[str, ...] | None
