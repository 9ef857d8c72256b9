"""The architecture level that `.ARM.attributes` names, found while a file streams by.

The table of sections lies at the file's end, the section before it. So what looks like such a
section is kept, and the table says afterwards which of them is it.
Source: Addenda to, and Errata in, the ABI for the Arm Architecture, "Build attributes"
(Tag_CPU_arch); ELF for the Arm Architecture, SHT_ARM_ATTRIBUTES.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import Final

_VENDOR: Final = b"aeabi\0"
_BEFORE: Final = 5
_KEPT_BYTES: Final = 512
_KEPT: Final = 32
_SECTION_TYPE: Final = 0x7000_0003
_SECTION: Final = struct.Struct("<10I")
_FILE_TAG: Final = 1
_CPU_ARCH: Final = 6
_TEXTS: Final = frozenset({4, 5})
_COMPATIBILITY: Final = 32

# Tag_CPU_arch; v4 and older run wherever v5 does, the M profile runs no Linux of ours.
_LEVELS: Final = {
    **dict.fromkeys(range(6), 5),
    **dict.fromkeys((6, 7, 8, 9), 6),
    10: 7,
    **dict.fromkeys((14, 15, 18, 19, 20), 8),
    22: 9,
}


class AttributeWatch:
    """Keeps what may be the section of a little-endian 32-bit ARM program."""

    def __init__(self) -> None:
        self._buffer = b""
        self._offset = 0
        self._found: deque[tuple[int, bytes]] = deque(maxlen=_KEPT)

    def feed(self, piece: bytes) -> None:
        """Look through the file's next bytes."""
        data = self._buffer + piece
        self._look(data, len(data) - _KEPT_BYTES)
        # What comes first in the rest is looked at with the next piece, once it is long enough.
        keep = min(len(data), _KEPT_BYTES)
        self._offset += len(data) - keep
        self._buffer = data[len(data) - keep :]

    def level(self, table: bytes, row_size: int) -> int:
        """Return the level that the section of this table names, 0 where there is none."""
        self._look(self._buffer, len(self._buffer))
        sections = dict(self._found)
        for at in range(0, len(table) - _SECTION.size + 1, max(row_size, _SECTION.size)):
            _, kind, _, _, offset, size, *_ = _SECTION.unpack_from(table, at)
            if kind == _SECTION_TYPE and offset in sections:
                return read_level(sections[offset][:size])
        return 0

    def _look(self, data: bytes, until: int) -> None:
        """Keep what begins before `until`; with its five bytes before the vendor's name."""
        at = data.find(_VENDOR, _BEFORE)
        while -1 < at - _BEFORE < until:
            start = at - _BEFORE
            if data[start : start + 1] == b"A":
                self._found.append((self._offset + start, data[start : start + _KEPT_BYTES]))
            at = data.find(_VENDOR, at + 1)


def read_level(section: bytes) -> int:
    """Return the level (5 to 9) that a section's bytes name, 0 where they name none."""
    try:
        return _LEVELS.get(_file_attributes(section).get(_CPU_ARCH, -1), 0)
    except IndexError:
        return 0


def _file_attributes(section: bytes) -> dict[int, int]:
    """Return the numeric attributes of the whole file; raise IndexError where it is cut."""
    at = _BEFORE + len(_VENDOR)
    if section[at] != _FILE_TAG:
        return {}
    size = int.from_bytes(section[at + 1 : at + 5], "little")
    data, at = section[at + 5 : at + size], 0
    values: dict[int, int] = {}
    while at < len(data):
        tag, at = _number(data, at)
        if tag == _COMPATIBILITY:
            _, at = _number(data, at)
        if tag in _TEXTS or tag == _COMPATIBILITY or (tag > _COMPATIBILITY and tag % 2):
            at = _after_text(data, at)
        else:
            values[tag], at = _number(data, at)
    return values


def _after_text(data: bytes, at: int) -> int:
    end = data.find(b"\0", at)
    if end < 0:
        raise IndexError(at)
    return end + 1


def _number(data: bytes, at: int) -> tuple[int, int]:
    """Return a ULEB128 number and where the next one begins."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
