"""What is kept of a layer's members while they stream by, within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.layer import LayerSummary, Member, MemberKind, above

_MAX_TEXT: Final = 8 * 1024 * 1024
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_LINKS: Final = (MemberKind.LINK, MemberKind.HARDLINK)


class Kept:
    """Members by their paths, the last of equal ones. Beyond `limit` plain files go first."""

    def __init__(self, digest: Digest, limit: int, watched: Iterable[str]) -> None:
        self._digest = digest
        self._limit = limit
        self._watched = frozenset(watched)
        # The root is above every path: a mark that it is opaque hides them all.
        self._pinned = self._watched.union({""}, *map(above, self._watched))
        self._members: dict[str, Member] = {}
        self._whiteouts: set[str] = set()
        self._opaque: set[str] = set()
        self._complete = True
        self._text = 0

    def is_whiteout(self, path: str) -> bool:
        """Keep a whiteout or the mark of an opaque directory; say whether it was one."""
        folder, _, name = path.rpartition("/")
        if not name.startswith(_WHITEOUT):
            return False
        if name == _OPAQUE:
            self._note(self._opaque, folder)
        elif not name.startswith(_WHITEOUT * 2):
            hidden = name.removeprefix(_WHITEOUT)
            self._note(self._whiteouts, f"{folder}/{hidden}" if folder else hidden)
        return True

    def add(self, member: Member) -> None:
        """Keep a member, unless there are too many."""
        self._members.pop(member.path, None)
        if member.path not in self._pinned:
            if not self._has_room():
                self._drop_plain()
            if not self._has_room() or (not self._complete and _is_plain(member)):
                return
        self._members[member.path] = member
        self._text += _length(member)

    def summary(self, problem: str = "", read_bytes: int = 0, size_bytes: int = 0) -> LayerSummary:
        """Return what was kept."""
        return LayerSummary(
            self._digest,
            tuple(sorted(self._members.values(), key=attrgetter("path"))),
            tuple(sorted(self._whiteouts)),
            tuple(sorted(self._opaque)),
            self._complete,
            tuple(sorted(self._watched)),
            problem,
            read_bytes,
            size_bytes,
        )

    def _has_room(self) -> bool:
        count = len(self._members) + len(self._whiteouts) + len(self._opaque)
        return count < self._limit and self._text < _MAX_TEXT

    def _note(self, marks: set[str], path: str) -> None:
        if self._has_room() or path in self._pinned:
            marks.add(path)
            self._text += len(path)
        else:
            self._drop_plain()

    def _drop_plain(self) -> None:
        """Leave out, the first time that room is wanted, what starts no program."""
        if self._complete:
            self._complete = False
            kept = (one for one in self._members.values() if not _is_plain(one))
            pinned = (one for one in self._members.values() if one.path in self._pinned)
            self._members = {one.path: one for one in (*kept, *pinned)}
            self._text = sum(map(_length, self._members.values()))


def _length(member: Member) -> int:
    loader = member.executable.loader if member.executable else ""
    return len(member.path) + len(member.target) + len(member.shebang) + len(loader)


def _is_plain(member: Member) -> bool:
    """Say whether a member neither is nor leads to a program."""
    runs = member.is_executable and member.kind is MemberKind.FILE
    return not (member.kind in _LINKS or runs or member.executable)
