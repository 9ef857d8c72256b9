"""What the readers of files give back."""

from __future__ import annotations

from typing import Final

import msgspec

from mfl_lint.core.errors import InputInvalid, PlatformInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.scan import Unresolved

MAX_REFERENCES: Final = 10_000
_MAX_CHARACTERS: Final = 4096


class Found(msgspec.Struct, frozen=True):
    """One reference as a file has it, with its variables filled in; nobody parsed it yet.

    `platforms` are those that the file needs of it. `note` says what changed it on the way.
    """

    text: str
    file: str
    line: int
    platforms: tuple[Platform, ...] = ()
    note: str = ""


class ImageChange(msgspec.Struct, frozen=True):
    """One item of `images` in a kustomization: what becomes of every image called `name`."""

    name: str
    new_name: str
    new_tag: str
    digest: str
    place: str


class Follow(msgspec.Struct, frozen=True):
    """Another file that belongs to this one: `path` is relative to it.

    `changes` are the image changes of each kustomization that stands above it, inmost first.
    """

    path: str
    line: int
    changes: tuple[tuple[ImageChange, ...], ...] = ()


class Contents(msgspec.Struct, frozen=True):
    """All that one file says; `notes` are lines on what it names and nobody will look at."""

    found: tuple[Found, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    notes: tuple[str, ...] = ()
    follows: tuple[Follow, ...] = ()


class Collector:
    """Gathers what one file says, each thing once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: dict[Found, None] = {}
        self._unresolved: dict[Unresolved, None] = {}
        self._notes: dict[str, None] = {}
        self._follows: dict[Follow, None] = {}

    def reference(
        self, text: str, line: int, platforms: tuple[Platform, ...] = (), note: str = ""
    ) -> None:
        """Note a reference; raise InputInvalid where there are too many."""
        if len(text) > _MAX_CHARACTERS:
            self.unresolved(text, line, f"no reference is longer than {_MAX_CHARACTERS} characters")
            return
        self._found[Found(text, self.file, line, platforms, note)] = None
        self._bound()

    def unresolved(self, text: str, line: int, why: str) -> None:
        """Note that something names no reference."""
        self._unresolved[Unresolved(text[:1000], self.file, line, why)] = None
        self._bound()

    def note(self, line: int, said: str) -> None:
        """Note what is left out on purpose."""
        self._notes[f"{self.file}:{line}: {said}"] = None

    def follow(self, follow: Follow) -> None:
        """Note another file that belongs to this one."""
        self._follows[follow] = None

    def platform(self, text: str, line: int) -> tuple[Platform, ...]:
        """Return the platform that a file needs; where the text is none, that is noted."""
        try:
            return (Platform.parse(text),)
        except PlatformInvalid as error:
            self.unresolved(text, line, str(error))
            return ()

    def contents(self) -> Contents:
        """Return all that was gathered."""
        return Contents(
            tuple(self._found), tuple(self._unresolved), tuple(self._notes), tuple(self._follows)
        )

    def _bound(self) -> None:
        if len(self._found) + len(self._unresolved) > MAX_REFERENCES:
            raise InputInvalid(f"{self.file}: more than {MAX_REFERENCES} references")
