"""Who takes the same of a list, on one machine."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection.choose import ZSTD, Listing
from mfl_lint.core.selection.engines import Engine, detected, is_32_bit_fallback

# Machines, each with the engines that are compared on it.
Machines = tuple[tuple[Platform, tuple[Engine, ...]], ...]
_MOST_ENTRIES: Final = 32


class Side(msgspec.Struct, frozen=True):
    """An image, or None for none, and the engines that take it."""

    taken: Node | None
    engines: tuple[Engine, ...]

    def is_32_bit_fallback(self, machine: Platform) -> bool:
        """Say whether the image is the 32-bit sister of what the machine is."""
        said = self.taken.entry.platform if self.taken is not None else None
        return said is not None and is_32_bit_fallback(machine, said)


def sides(listing: Listing, machine: Platform, engines: Iterable[Engine]) -> tuple[Side, ...]:
    """Return the sides that engines fall into, each asking for what it detects of the machine.

    What is no image counts as nothing, the same image packed twice as one. Raises NotObserved.
    """
    found: list[Side] = []
    for engine in engines:
        node = listing.choose(engine, detected(engine, machine))
        taken = node if node is not None and node.kind is not Kind.ARTIFACT else None
        place = next((at for at, one in enumerate(found) if _is_same(one.taken, taken)), None)
        if place is None:
            found.append(Side(taken, (engine,)))
        else:
            found[place] = Side(found[place].taken, (*found[place].engines, engine))
    return tuple(found)


def agree(listing: Listing, machines: Machines) -> bool:
    """Say whether the engines take the same on each of the machines, as far as entries tell.

    False where configs decide, or where entries of one digest may: `sides` knows then. Nearly
    all lists of a registry offer the same few sets of platforms, so that answers are kept.
    """
    if listing.bare or len(listing.candidates) > _MOST_ENTRIES:
        return False
    said = tuple(
        (node.entry.platform, node.kind, node.entry.annotations.get(ZSTD) == "true")
        for node in listing.candidates
    )
    return _agree(said, listing.docker_list, machines)


@lru_cache(maxsize=256)
def _agree(
    said: tuple[tuple[Platform | None, Kind, bool], ...], docker_list: bool, machines: Machines
) -> bool:
    nodes = (
        Node(at, Descriptor(platform=one, annotations={ZSTD: "true"} if packed else {}), kind)
        for at, (one, kind, packed) in enumerate(said)
    )
    listing = Listing(nodes, docker_list=docker_list)
    return all(len(sides(listing, machine, engines)) == 1 for machine, engines in machines)


def _is_same(one: Node | None, other: Node | None) -> bool:
    """Say whether two choices are one image, perhaps packed with gzip and with zstd."""
    if one is None or other is None:
        return one is other
    if one is other or (one.entry.digest and one.entry.digest == other.entry.digest):
        return True
    mine, yours = one.entry.platform, other.entry.platform
    packings = {node.entry.annotations.get(ZSTD) == "true" for node in (one, other)}
    same = mine is not None and yours is not None and mine.normalized() == yours.normalized()
    return same and len(packings) == 2
