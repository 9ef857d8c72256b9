"""ELF headers, from the first bytes of a file.

Source: System V ABI, gABI 4.1 "ELF Header", "Program Header"; ELF for the Arm Architecture
(e_flags); MIPS psABI supplements for n32 and n64 (EF_MIPS_ABI2).
"""

from __future__ import annotations

import struct
from typing import Final

import msgspec

from mfl_lint.core.executable import Executable, Format

MAGIC: Final = b"\x7fELF"
ARM: Final = 40
_MIPS: Final = (8, 10)
_INTERP: Final = 3
_MAX_PATH: Final = 4096
_EABI_5: Final = 5
_ABI_2: Final = 0x20


class Span(msgspec.Struct, frozen=True, gc=False):
    """Some bytes of a file: from `offset`, `size` bytes."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        """Return where the bytes end."""
        return self.offset + self.size


class ElfHeader(msgspec.Struct, frozen=True, gc=False):
    """What the header says. `interp` is where PT_INTERP lies, None where there is none.

    `sections` is where the table of sections lies, and `section_size` how long one row of it is.
    """

    executable: Executable
    interp: Span | None
    sections: Span
    section_size: int


def read_elf(head: bytes) -> ElfHeader | None:
    """Return what an ELF file's first bytes say, None where they are no ELF header.

    The loader is filled in where its path lies in `head`.
    """
    wide, order = head[4:5] == b"\x02", _ORDERS.get(head[5:6])
    if not head.startswith(MAGIC) or head[4:5] not in (b"\x01", b"\x02") or order is None:
        return None
    try:
        _, machine, _, _, phoff, shoff, flags, _, phsize, phnum, shsize, shnum, _ = (
            struct.unpack_from(f"{order}HHI{'QQQ' if wide else 'III'}I6H", head, 16)
        )
    except struct.error:
        return None
    big = order == ">"
    interp = _interp(head, wide, order, Span(phoff, phsize * phnum), phsize)
    executable = Executable(
        Format.ELF,
        _machine(machine, wide, big, flags),
        64 if wide else 32,
        "big" if big else "little",
        _float_abi(flags) if machine == ARM else "",
        loader=loader_path(head[interp.offset : interp.end]) if interp else "",
    )
    return ElfHeader(executable, interp, Span(shoff, shsize * shnum), shsize)


def loader_path(data: bytes) -> str:
    """Return the path that PT_INTERP's bytes hold."""
    return data.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _interp(head: bytes, wide: bool, order: str, table: Span, size: int) -> Span | None:
    """Return where PT_INTERP lies, as the kernel takes it: the first one, of a path's length."""
    row = struct.Struct(f"{order}II6Q" if wide else f"{order}8I")
    if size < row.size:
        return None
    for at in range(table.offset, min(table.end, len(head) - row.size + 1), size):
        fields = row.unpack_from(head, at)
        if fields[0] != _INTERP:
            continue
        offset, length = (fields[2], fields[5]) if wide else (fields[1], fields[4])
        return Span(offset, length) if 2 <= length <= _MAX_PATH else None
    return None


def _machine(number: int, wide: bool, big: bool, flags: int) -> str:
    if number in _MIPS:
        # n32 is a 64-bit processor's ABI with 32-bit pointers.
        width = "64" if wide or flags & _ABI_2 else ""
        return f"mips{width}{'' if big else 'le'}"
    return _MACHINES.get((number, wide, big)) or _EITHER.get((number, big), f"elf:{number:#x}")


def _float_abi(flags: int) -> str:
    if flags >> 24 != _EABI_5:
        return ""
    return "hard" if flags & 0x400 else "soft" if flags & 0x200 else ""


_ORDERS: Final = {b"\x01": "<", b"\x02": ">"}

# (e_machine, 64 bits, big endian)
_MACHINES: Final = {
    (21, True, True): "ppc64",
    (21, True, False): "ppc64le",
    (22, True, True): "s390x",
    (22, False, True): "s390",
    (43, True, True): "sparc64",
    (243, True, False): "riscv64",
    (243, False, False): "riscv",
    (258, True, False): "loong64",
    (258, False, False): "loong32",
}
# (e_machine, big endian), of either class
_EITHER: Final = {
    (2, True): "sparc",
    (18, True): "sparc",
    (3, False): "386",
    (6, False): "386",
    (20, True): "ppc",
    (20, False): "ppcle",
    (ARM, False): "arm",
    (ARM, True): "armbe",
    (62, False): "amd64",
    (183, False): "arm64",
    (183, True): "arm64be",
}
