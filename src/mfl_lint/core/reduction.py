"""As little of what was read inside an image as rules need: many images are held at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final

import msgspec

from mfl_lint.core.executable import Executable
from mfl_lint.core.inside import Inside, candidates, started
from mfl_lint.core.layer import LayerSummary, Member, MemberKind, above
from mfl_lint.core.manifest import ImageConfig

_MAX_ROUNDS: Final = 64
_MAX_LINKS: Final = 40
_PATH: Final = attrgetter("path")


def reduced(inside: Inside, config: ImageConfig | None) -> Inside:
    """Return what says the same of the file that is started, and of each layer's programs.

    Where less does not say the same, all of it is returned.
    """
    if config is None:
        return _less(inside, ())
    whole, paths = started(inside, config), candidates(config)
    for _ in range(_MAX_ROUNDS):
        less = _less(inside, paths)
        run = started(less, config)
        if run == whole:
            return less
        if run.wants_paths <= paths:
            break
        paths |= run.wants_paths
    return inside


def reduced_layer(layer: LayerSummary, paths: Iterable[str] = ()) -> LayerSummary:
    """Return what a layer says of these paths, and one path of each sort of program in it."""
    watched = frozenset(paths)
    pinned = watched.union(*map(above, watched))
    kept = {member.path: member for path in pinned for member in _at(layer, path)}
    kept |= {member.path: member for member in _programs(layer)}
    return msgspec.structs.replace(
        layer,
        members=tuple(sorted(kept.values(), key=_PATH)),
        whiteouts=tuple(path for path in layer.whiteouts if path in pinned),
        opaque=tuple(path for path in layer.opaque if not path or path in pinned),
        complete=False,
        watched=tuple(sorted(watched)),
    )


def _less(inside: Inside, paths: Iterable[str]) -> Inside:
    layers = tuple(layer and reduced_layer(layer, paths) for layer in inside.layers)
    return msgspec.structs.replace(inside, layers=layers)


def _at(layer: LayerSummary, path: str) -> Iterator[Member]:
    """Yield what lies at a path and what it is another name of, else one that lies below it."""
    member = layer.member(path)
    if member is None:
        below = f"{path}/"
        at = bisect_left(layer.members, below, key=_PATH)
        first = layer.members[at : at + 1]
        yield from (one for one in first if one.path.startswith(below))
        return
    for _ in range(_MAX_LINKS):
        yield member
        target = layer.member(member.target) if member.kind is MemberKind.HARDLINK else None
        if target is None:
            return
        member = target


def _programs(layer: LayerSummary) -> Iterator[Member]:
    """Yield one file of each sort of program that may be executed."""
    found: dict[Executable, Member] = {}
    for member in layer.members:
        if member.executable and member.is_executable and member.kind is MemberKind.FILE:
            found.setdefault(member.executable, member)
    yield from found.values()
