"""Programs' headers: ELF, PE and Mach-O, from the first bytes of a file.

Nothing here raises for any bytes; what is no program's header is None.
Source: gABI 4.1; Microsoft PE format; ECMA-335 II.25.3.3; Apple <mach-o/fat.h>, <mach-o/loader.h>.
"""

from __future__ import annotations

import struct
from typing import Final

from mfl_lint.core.elf import MAGIC, read_elf
from mfl_lint.core.executable import Executable, Format, Runs, runs_on

__all__ = ["HEAD_BYTES", "Executable", "Runs", "read_executable", "runs_on"]

# Program headers, PE's optional header and Go's .interp lie within the first page.
HEAD_BYTES: Final = 4096

_CLR_DIRECTORY: Final = 14
_IL_ONLY: Final = 1
_REQUIRES_32_BIT: Final = 2
_MAX_SLICES: Final = 30


def read_executable(head: bytes) -> Executable | None:
    """Return what a program's first bytes say, None where they are no program's.

    `head` are up to HEAD_BYTES; a loader's path or .NET flags beyond them are not seen.
    """
    if head.startswith(MAGIC):
        header = read_elf(head)
        return header.executable if header else None
    try:
        return _read_pe(head) if head.startswith(b"MZ") else _read_mach_o(head)
    except struct.error:
        return None


def _read_pe(head: bytes) -> Executable | None:
    (at,) = struct.unpack_from("<I", head, 0x3C)
    if head[at : at + 4] != b"PE\0\0":
        return None
    machine, sections, _, _, _, optional_size, _ = struct.unpack_from("<HHIIIHH", head, at + 4)
    (magic,) = struct.unpack_from("<H", head, at + 24)
    if magic not in _PE_DIRECTORIES:
        return None
    directories = at + 24 + _PE_DIRECTORIES[magic]
    (count,) = struct.unpack_from("<I", head, directories - 4)
    clr = 0
    if count > _CLR_DIRECTORY:
        (clr,) = struct.unpack_from("<I", head, directories + 8 * _CLR_DIRECTORY)
    flags = _clr_flags(head, clr, at + 24 + optional_size, sections) if clr else 0
    return Executable(
        Format.PE,
        _PE_MACHINES.get(machine, f"pe:{machine:#x}"),
        64 if magic == 0x20B else 32,
        is_clr=clr != 0,
        il_only=bool(flags & _IL_ONLY),
        requires_32_bit=bool(flags & _REQUIRES_32_BIT),
    )


def _clr_flags(head: bytes, address: int, table: int, sections: int) -> int:
    """Return the CLR header's flags, 0 where it lies beyond the head."""
    for row in range(min(sections, len(head) // 40)):
        size, start, raw_size, raw = struct.unpack_from("<4I", head, table + 40 * row + 8)
        if start <= address < start + max(size, raw_size):
            at = raw + address - start + 16
            return int.from_bytes(head[at : at + 4], "little")
    return 0


def _read_mach_o(head: bytes) -> Executable | None:
    if head[:4] in _FAT:
        return _read_universal(head, _FAT[head[:4]])
    if head[:4] not in _THIN:
        return None
    order, bits = _THIN[head[:4]]
    cpu, _, kind = struct.unpack_from(f"{order}III", head, 4)
    if kind > 12:
        return None
    endianness = "little" if order == "<" else "big"
    return Executable(Format.MACH_O, _cpu_name(cpu), bits, endianness)


def _read_universal(head: bytes, row: int) -> Executable | None:
    """Return a universal Mach-O's slices; a Java class has the same magic, a version follows."""
    (count,) = struct.unpack_from(">I", head, 4)
    if not 0 < count <= _MAX_SLICES:
        return None
    cpus = [struct.unpack_from(">I", head, 8 + row * index)[0] for index in range(count)]
    slices = tuple(dict.fromkeys(map(_cpu_name, cpus)))
    if not any(cpu in _CPUS for cpu in cpus):
        return None
    return Executable(Format.MACH_O, slices[0], slices=slices)


def _cpu_name(cpu: int) -> str:
    return _CPUS.get(cpu, f"mach-o:{cpu:#x}")


# Where the data directories begin in the optional header, by its magic (PE32, PE32+).
_PE_DIRECTORIES: Final = {0x10B: 96, 0x20B: 112}

_PE_MACHINES: Final = {
    0x014C: "386",
    0x01C0: "arm",
    0x01C2: "arm",
    0x01C4: "arm",
    0x0200: "ia64",
    0x5064: "riscv64",
    0x6264: "loong64",
    0x8664: "amd64",
    0xAA64: "arm64",
    0xA641: "arm64",
}

_FAT: Final = {b"\xca\xfe\xba\xbe": 20, b"\xca\xfe\xba\xbf": 32}

_THIN: Final = {
    b"\xce\xfa\xed\xfe": ("<", 32),
    b"\xcf\xfa\xed\xfe": ("<", 64),
    b"\xfe\xed\xfa\xce": (">", 32),
    b"\xfe\xed\xfa\xcf": (">", 64),
}

_CPUS: Final = {
    7: "386",
    0x0100_0007: "amd64",
    12: "arm",
    0x0100_000C: "arm64",
    0x0200_000C: "arm64_32",
    18: "ppc",
    0x0100_0012: "ppc64",
}
