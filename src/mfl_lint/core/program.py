"""Reads one file as it streams by, as far as it takes to know what program it is."""

from __future__ import annotations

from typing import Final

import msgspec

from mfl_lint.core.arm_attributes import AttributeWatch
from mfl_lint.core.binary import HEAD_BYTES, read_executable
from mfl_lint.core.elf import ElfHeader, Span, loader_path, read_elf
from mfl_lint.core.executable import Executable

MAX_PROGRAM_BYTES: Final = 64 * 1024 * 1024
_MAX_TABLE_BYTES: Final = 64 * 1024
# The kernel reads no more of a `#!` line.
_SHEBANG_BYTES: Final = 256


class ProgramReader:
    """Takes a file's bytes in pieces. What lies beyond MAX_PROGRAM_BYTES is not looked for."""

    def __init__(self) -> None:
        self._head = b""
        self._headed = False
        self._position = 0
        self._end = 0
        self._elf: ElfHeader | None = None
        self._watch: AttributeWatch | None = None
        self._spans: dict[Span, bytearray] = {}

    def feed(self, piece: bytes) -> bool:
        """Take the file's next bytes; return whether more are wanted."""
        if not self._headed:
            self._head += piece
            if len(self._head) < HEAD_BYTES:
                return True
            return self._begin()
        return self._take(piece)

    def finish(self) -> tuple[Executable | None, str]:
        """Return what program the file is, and what follows `#!` in its first line."""
        if not self._headed:
            self._begin()
        if self._head.startswith(b"#!"):
            line = self._head[2:_SHEBANG_BYTES].partition(b"\n")[0].strip(b" \t\r")
            return None, line.decode("utf-8", "backslashreplace")
        return self._completed(), ""

    def _begin(self) -> bool:
        """Decide by the head what else is needed; return whether it is anything."""
        self._headed = True
        self._elf = read_elf(self._head)
        for span in self._wanted(self._elf) if self._elf else ():
            self._spans[span] = bytearray()
            self._end = max(self._end, span.end)
        return bool(self._spans) and self._take(self._head)

    def _wanted(self, header: ElfHeader) -> list[Span]:
        spans = []
        interp, table = header.interp, header.sections
        if interp and len(self._head) < interp.end <= MAX_PROGRAM_BYTES:
            spans.append(interp)
        readable = table.size <= _MAX_TABLE_BYTES and table.end <= MAX_PROGRAM_BYTES
        if header.executable.machine == "arm" and table.size > 0 and readable:
            self._watch = AttributeWatch()
            spans.append(table)
        return spans

    def _take(self, piece: bytes) -> bool:
        for span, kept in self._spans.items():
            start = max(span.offset - self._position, 0)
            kept += piece[start : max(span.end - self._position, start)]
        if self._watch:
            self._watch.feed(piece)
        self._position += len(piece)
        return self._position < self._end

    def _completed(self) -> Executable | None:
        """Return the program with what its later bytes said."""
        executable, elf = read_executable(self._head), self._elf
        if executable is None or elf is None:
            return executable
        if elf.interp in self._spans:
            loader = loader_path(bytes(self._spans[elf.interp]))
            executable = msgspec.structs.replace(executable, loader=loader)
        if self._watch:
            level = self._watch.level(bytes(self._spans[elf.sections]), elf.section_size)
            executable = msgspec.structs.replace(executable, arm_level=level)
        return executable
