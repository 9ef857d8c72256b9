"""Headers of programs, and layers that hold them, as linkers and engines write them."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
from collections.abc import Iterable
from typing import Final

from backports import zstd

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.inside import Inside
from mfl_lint.core.layer import LayerSummary
from mfl_lint.registry.layers import LayerLimits, read_layer

TAR: Final = "application/vnd.oci.image.layer.v1.tar"
HARD: Final = 0x0500_0400
SOFT: Final = 0x0500_0200

# e_machine, 64 bits, big endian
MACHINES: Final = {
    "386": (3, False, False),
    "amd64": (62, True, False),
    "arm": (40, False, False),
    "arm64": (183, True, False),
    "loong64": (258, True, False),
    "mips": (8, False, True),
    "mipsle": (8, False, False),
    "mips64": (8, True, True),
    "mips64le": (8, True, False),
    "ppc64": (21, True, True),
    "ppc64le": (21, True, False),
    "riscv64": (243, True, False),
    "s390x": (22, True, True),
}


def attributes(arch: int) -> bytes:
    """Return an `.ARM.attributes` section with a CPU name and this Tag_CPU_arch."""
    numbers = b"\x05cortex\0" + bytes([6, arch, 8, 1, 28, 1])
    of_file = b"\x01" + struct.pack("<I", 5 + len(numbers)) + numbers
    return b"A" + struct.pack("<I", 4 + 6 + len(of_file)) + b"aeabi\0" + of_file


def elf(
    machine: str = "amd64",
    *,
    flags: int = 0,
    loader: str = "",
    arch: int | None = None,
    padding: int = 0,
    number: tuple[int, bool, bool] | None = None,
) -> bytes:
    """Return an ELF program; `padding` bytes of code lie before the loader's path and the rest."""
    code, wide, big = number or MACHINES[machine]
    order, size, row = (">" if big else "<"), (64 if wide else 52), (56 if wide else 32)
    path = loader.encode() + b"\0" if loader else b""
    at = size + row + padding
    section = attributes(arch) if arch is not None else b""
    table_at = at + len(path) + len(section)
    rows = 2 if section else 0
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]) + b"\0" * 9
    header = struct.pack(
        f"{order}HHI{'QQQ' if wide else 'III'}I6H",
        *(2, code, 1, 0, size, table_at if rows else 0, flags, size, row, 1, 40, rows, 0),
    )
    kind = 3 if loader else 1
    words = (kind, 4, at, 0, 0, len(path), len(path), 1)
    narrow = (kind, at, 0, 0, len(path), len(path), 4, 1)
    program = struct.pack(f"{order}II6Q", *words) if wide else struct.pack(f"{order}8I", *narrow)
    table = b"\0" * 40 + struct.pack(
        "<10I", 1, 0x7000_0003, 0, 0, at + len(path), len(section), 0, 0, 1, 0
    )
    return ident + header + program + b"\0" * padding + path + section + (table if rows else b"")


def pe(machine: int = 0x8664, *, wide: bool = True, clr: int | None = None) -> bytes:
    """Return a PE program; `clr` are the flags of a .NET header."""
    optional = bytearray(struct.pack("<H", 0x20B if wide else 0x10B).ljust(112 if wide else 96))
    optional[-4:] = struct.pack("<I", 16)
    directories = bytearray(16 * 8)
    if clr is not None:
        struct.pack_into("<II", directories, 14 * 8, 0x2008, 72)
    optional += directories
    stub = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    coff = struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 2)
    text = b".text\0\0\0" + struct.pack("<4I", 0x1000, 0x2000, 0x200, 0x400) + b"\0" * 16
    head = stub.ljust(0x80, b"\0") + b"PE\0\0" + coff + bytes(optional) + text
    header = struct.pack("<IHHIII", 72, 2, 5, 0, 0, clr or 0)
    return head.ljust(0x408, b"\0") + header.ljust(0x200, b"\0")


def mach_o(cpu: int = 0x0100_0007) -> bytes:
    """Return a thin 64-bit Mach-O program."""
    return struct.pack("<8I", 0xFEED_FACF, cpu, 3, 2, 0, 0, 0, 0)


def universal(*cpus: int) -> bytes:
    """Return a universal Mach-O's header."""
    rows = (struct.pack(">5I", cpu, 3, 4096, 64, 12) for cpu in cpus)
    return struct.pack(">II", 0xCAFE_BABE, len(cpus)) + b"".join(rows)


File = tuple[str, bytes | str | None, int]


def exe(path: str, data: bytes) -> File:
    """Return a file that may be executed."""
    return path, data, 0o755


def file(path: str, data: bytes = b"") -> File:
    """Return a file that may not be executed."""
    return path, data, 0o644


def link(path: str, target: str) -> File:
    """Return a symbolic link."""
    return path, target, 0o777


def hard(path: str, target: str) -> File:
    """Return a hard link."""
    return path, target, -1


def folder(path: str) -> File:
    """Return a directory."""
    return path, None, 0o755


def tar(*files: File, format: int = tarfile.GNU_FORMAT) -> bytes:  # noqa: A002  # tarfile's word
    """Return a tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for path, data, mode in files:
            info = tarfile.TarInfo(path)
            info.mode = max(mode, 0)
            if data is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(data, str):
                info.type = tarfile.LNKTYPE if mode < 0 else tarfile.SYMTYPE
                info.linkname = data
            else:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data) if isinstance(data, bytes) else None)
    return buffer.getvalue()


def packed(data: bytes, packing: str) -> bytes:
    """Return data as gzip, zstd or plain."""
    if packing == "gzip":
        return gzip.compress(data, 1, mtime=0)
    return zstd.compress(data, 1) if packing == "zstd" else data


def summary(
    *files: File, limits: LayerLimits | None = None, watched: Iterable[str] = ()
) -> LayerSummary:
    """Return what is read of a layer with these files."""
    data = tar(*files)
    return read_layer(io.BytesIO(data), TAR, digest_of(data), limits or LayerLimits(), watched)


def inside(*layers: LayerSummary | None, problems: dict[Digest, str] | None = None) -> Inside:
    """Return what was read of an image with these layers, from the bottom to the top."""
    digests = tuple(
        layer.digest if layer else digest_of(str(place).encode())
        for place, layer in enumerate(layers)
    )
    return Inside(digests, layers, problems or {})
