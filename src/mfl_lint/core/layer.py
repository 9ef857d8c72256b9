"""What is kept of a layer that was read: paths, links, whiteouts and programs' headers.

A summary is stored by the layer's digest, so that a layer is normally read once ever.
Source: OCI image-spec 1.1 layer.md ("Representing Changes", "Whiteouts").
"""

from __future__ import annotations

from bisect import bisect_left
from enum import StrEnum
from operator import attrgetter
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.executable import Executable

MAX_MEMBERS: Final = 20_000
# What the kernel takes as a path.
MAX_PATH: Final = 4096


class MemberKind(StrEnum):
    """What a path in a layer is; `link` is a symbolic link, `other` a device or the like."""

    FILE = "file"
    LINK = "link"
    HARDLINK = "hardlink"
    DIRECTORY = "directory"
    OTHER = "other"


class Member(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One path of a layer.

    `path` is relative to the root, without `.` and `..`. `target` is a link's text as it is
    written, a hard link's as a normalised path. `is_executable` says whether any of the mode's
    execute bits is set. `executable` is what the file's header says, None where it is no
    program; `shebang` is what follows `#!` in its first line.
    """

    path: str
    kind: MemberKind
    target: str = ""
    is_executable: bool = False
    executable: Executable | None = None
    shebang: str = ""


class LayerSummary(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One layer's members, sorted by path, each path once (the last of equal ones).

    `whiteouts` are the paths of which the layer removes what lies underneath, `opaque` the
    directories of which it hides all that lies underneath ("" = the root); both sorted.
    `complete` is False where there were more than MAX_MEMBERS: then files that are no programs
    are left out first, and only of the paths in `watched` and of those above them the summary
    still tells all.
    `problem` is why the layer could not be read to its end, one line, "" = it was.
    `read_bytes` are compressed, `size_bytes` unpacked.
    """

    digest: Digest
    members: tuple[Member, ...] = ()
    whiteouts: tuple[str, ...] = ()
    opaque: tuple[str, ...] = ()
    complete: bool = True
    watched: tuple[str, ...] = ()
    problem: str = ""
    read_bytes: int = 0
    size_bytes: int = 0

    def tells_of(self, path: str) -> bool:
        """Say whether a path that is not among the members is not in the layer either."""
        if self.problem:
            return False
        below = f"{path}/"
        return self.complete or any(one == path or one.startswith(below) for one in self.watched)

    def member(self, path: str) -> Member | None:
        """Return what lies at a path, None where nothing is known to."""
        at = bisect_left(self.members, path, key=_PATH)
        found = self.members[at] if at < len(self.members) else None
        return found if found is not None and found.path == path else None

    def has_below(self, path: str) -> bool:
        """Say whether anything is known to lie below a path."""
        below = f"{path}/"
        at = bisect_left(self.members, below, key=_PATH)
        return at < len(self.members) and self.members[at].path.startswith(below)

    def hides(self, path: str) -> bool:
        """Say whether a whiteout, or an opaque directory above it, hides a path underneath."""
        if not (self.whiteouts or self.opaque):
            return False
        folders = above(path)
        return (
            any(_holds(self.whiteouts, one) for one in (path, *folders))
            or any(_holds(self.opaque, one) for one in folders)
            or _holds(self.opaque, "")
        )


def plain_text(text: str) -> str:
    """Return a name of any bytes as text that can be stored, as long as a path may be."""
    data = text[:MAX_PATH].encode("utf-8", "surrogateescape" if _escaped(text) else "replace")
    return data.decode("utf-8", "backslashreplace")


def _escaped(text: str) -> bool:
    """Say whether the only surrogates are those that stand for bytes, as tarfile makes them."""
    return all(0xDC80 <= ord(one) <= 0xDCFF for one in text if "\ud800" <= one <= "\udfff")


def clean_path(name: str) -> str:
    """Return a member's name as a path from the root, "" for the root and beyond bounds."""
    if len(name) > MAX_PATH:
        return ""
    parts: list[str] = []
    for part in plain_text(name).split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def above(path: str) -> tuple[str, ...]:
    """Return the directories above a path, the nearest first, without the root."""
    parts = path.split("/")
    return tuple("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))


def _holds(paths: tuple[str, ...], path: str) -> bool:
    at = bisect_left(paths, path)
    return at < len(paths) and paths[at] == path


_PATH: Final = attrgetter("path")
