"""An image's file system, as its layers lie on one another: what a path leads to.

A directory that a layer does not list but puts files into hides nothing of what lies
underneath; where that is a link, engines differ, and nothing is said.
Source: OCI image-spec 1.1 layer.md "Applying Changesets"; overlayfs; path_resolution(7).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.layer import MAX_PATH, LayerSummary, Member, MemberKind, above
from mfl_lint.core.process import windows_path

_MAX_LINKS: Final = 40
_MAX_STEPS: Final = 300_000


class LayerWantedError(Exception):
    """The layer at `position` has to be read, `path` watched in it, to go on."""

    def __init__(self, position: int, path: str) -> None:
        super().__init__(position)
        self.position = position
        self.path = path


class Found(msgspec.Struct, frozen=True):
    """What a path leads to. `path` is without links, `via` are the links on the way."""

    path: str
    position: int
    member: Member
    via: tuple[str, ...] = ()


class Rootfs:
    """Layers from the bottom to the top, None = not read; `problems` say why, by position.

    `exact` is False where upper and lower case are the same (Windows).
    """

    def __init__(
        self,
        layers: Sequence[LayerSummary | None],
        problems: Sequence[str],
        *,
        exact: bool = True,
    ) -> None:
        self._layers = layers if exact else [one and _folded(one) for one in layers]
        self._problems = problems
        self._exact = exact
        self._steps = 0

    def resolve(self, path: str) -> Found | None:
        """Return what a path from the root leads to, through links; None = no such file.

        Raises LayerWantedError; and NotObserved where it cannot be said.
        """
        walk = _Walk(path)
        found: Found | None = None
        while walk.todo:
            here = walk.next()
            if not here:
                continue
            try:
                found = self._entry(here) if len(here) <= MAX_PATH else None
            except LayerWantedError as error:
                raise LayerWantedError(error.position, walk.goal(here)) from None
            if found is None or not walk.enter(here, found.member):
                return None
        return found and msgspec.structs.replace(found, via=tuple(walk.via))

    def _entry(self, path: str) -> Found | None:
        """Return what lies at a path whose directories are no links, in the uppermost layer."""
        folders = above(path)
        listed: set[str] = set()
        for position in range(len(self._layers) - 1, -1, -1):
            self._steps += 1 + len(folders)
            if self._steps > _MAX_STEPS:
                raise NotObserved("the paths lead through too many directories and layers")
            layer = self._readable(position, path)
            member = layer.member(path)
            if member is not None:
                return Found(path, position, self._linked(layer, member))
            if layer.has_below(path):
                return Found(path, position, Member(path, MemberKind.DIRECTORY))
            self._check_complete(layer, position, path)
            if layer.hides(path) or _is_replaced(layer, folders, listed):
                return None
        return None

    def _readable(self, position: int, path: str) -> LayerSummary:
        layer, problem = self._layers[position], self._problems[position]
        if layer is None and not problem:
            raise LayerWantedError(position, path)
        if layer is None or layer.problem:
            raise NotObserved(f"a layer was not read: {problem or (layer and layer.problem)}")
        return layer

    def _check_complete(self, layer: LayerSummary, position: int, path: str) -> None:
        if layer.tells_of(path):
            return
        if not self._exact:
            raise NotObserved(f"layer {layer.digest} holds too many files to look for {path}")
        raise LayerWantedError(position, path)

    def _linked(self, layer: LayerSummary, member: Member) -> Member:
        """Return the file that a hard link is another name of; it is in the same layer."""
        for _ in range(_MAX_LINKS):
            if member.kind is not MemberKind.HARDLINK:
                return member
            target = layer.member(member.target)
            if target is None:
                break
            member = target
        raise NotObserved(f"a hard link in layer {layer.digest} leads to no file: {member.target}")


class _Walk:
    """The way along one path: what is still to do, where it stands, the links it took."""

    def __init__(self, path: str) -> None:
        self.todo = path.split("/")[::-1]
        self.via: list[str] = []
        self._done: list[str] = []

    def next(self) -> str:
        """Take the next part; return the path it stands for, "" where that is a directory above."""
        part = self.todo.pop()
        if part == "..":
            del self._done[-1:]
        return "" if part in ("", ".", "..") else "/".join((*self._done, part))

    def goal(self, here: str) -> str:
        """Return the whole path, as far as it is known."""
        rest = [part for part in reversed(self.todo) if part not in ("", ".", "..")]
        return "/".join((here, *rest))

    def enter(self, here: str, member: Member) -> bool:
        """Go into what lies here; say whether the way goes on."""
        if member.kind is MemberKind.LINK:
            self.via.append(f"/{here}")
            if len(self.via) > _MAX_LINKS:
                raise NotObserved(f"/{here} leads through more than {_MAX_LINKS} links")
            if member.target.startswith("/"):
                self._done = []
            self.todo += member.target.split("/")[::-1]
            return True
        self._done.append(here.rpartition("/")[2])
        return member.kind is MemberKind.DIRECTORY or not any(self.todo)


def _is_replaced(layer: LayerSummary, folders: tuple[str, ...], listed: set[str]) -> bool:
    """Say whether the layer has something else where a directory is in an upper layer.

    `listed` gathers the directories that upper layers list.
    """
    for folder in folders:
        member = layer.member(folder)
        if member is None:
            continue
        if member.kind is MemberKind.DIRECTORY:
            listed.add(folder)
        elif member.kind is MemberKind.LINK and folder not in listed:
            raise NotObserved(
                f"a layer above {layer.digest} puts files below /{folder}, which is a link there"
            )
        else:
            return True
    return False


def _folded(layer: LayerSummary) -> LayerSummary:
    """Return a Windows layer as paths are looked up: without `Files/`, in lower case."""
    members = {
        path: msgspec.structs.replace(member, path=path, target=windows_path(member.target))
        for member in layer.members
        if (path := _folded_path(member.path))
    }
    return msgspec.structs.replace(
        layer,
        members=tuple(members[path] for path in sorted(members)),
        whiteouts=tuple(sorted(map(_folded_path, layer.whiteouts))),
        opaque=tuple(sorted(map(_folded_path, layer.opaque))),
        watched=(),
    )


def _folded_path(path: str) -> str:
    lower = path.lower()
    return "" if lower == "files" else lower.removeprefix("files/")
