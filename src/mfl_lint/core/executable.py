"""What a program's first bytes say of where it runs, and whether a platform can run it.

Source: System V ABI (gABI 4.1) and its processor supplements; Microsoft PE/COFF and ECMA-335
II.25.3.3 (CLR header flags); Apple's <mach-o/fat.h> and <mach/machine.h>.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from mfl_lint.core.platform import Platform


class Format(StrEnum):
    """The container formats of programs that are read."""

    ELF = "elf"
    PE = "pe"
    MACH_O = "mach-o"


class Executable(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One program's header. "" and 0 stand for not said.

    `machine` is an architecture in GOARCH's spelling (`amd64`, `mips64le`, `ppc64`), or the
    format's number (`elf:0x9026`) where there is no such name. `slices` are those of a
    universal Mach-O, then `machine` is its first. `bits` is 32 or 64, `endianness` "little" or
    "big". `float_abi` is "hard" or "soft", of 32-bit ARM only. `arm_level` (5 to 9) is what
    `.ARM.attributes` says and 0 without it. `is_clr`, `il_only` and `requires_32_bit` are a
    .NET program's flags. `loader` is the path in ELF's PT_INTERP, "" in a static program.
    """

    format: Format
    machine: str
    bits: int = 0
    endianness: str = "little"
    float_abi: str = ""
    arm_level: int = 0
    is_clr: bool = False
    il_only: bool = False
    requires_32_bit: bool = False
    slices: tuple[str, ...] = ()
    loader: str = ""

    def __str__(self) -> str:
        """Return what it is, for people: `ELF for arm, hard float, v7`."""
        name = {Format.ELF: "ELF", Format.PE: "PE", Format.MACH_O: "Mach-O"}[self.format]
        parts = [" and ".join(self.slices[:10]) or self.machine]
        if self.machine in _ALSO_32_BIT and self.bits == 32:
            parts.append("32-bit")
        if self.float_abi:
            parts.append(f"{self.float_abi} float")
        if self.arm_level:
            parts.append(f"v{self.arm_level}")
        return f"{name} for {', '.join(parts)}"


class Runs(StrEnum):
    """Whether a platform runs a program.

    FALLBACK: only where its hosts can also do another architecture (arm on arm64). LEVEL: its
    lower hosts lack instructions that the program may use. UNKNOWN: the header does not say.
    """

    YES = "yes"
    FALLBACK = "fallback"
    LEVEL = "level"
    NO = "no"
    UNKNOWN = "unknown"


def runs_on(executable: Executable, platform: Platform) -> Runs:
    """Return whether hosts of the platform run the program, by its header alone.

    386 runs on amd64. A .NET program that is IL only and does not require 32 bits runs
    anywhere. A universal Mach-O runs where its best slice does.
    """
    normal = platform.normalized()
    if executable.format is Format.PE and executable.il_only and not executable.requires_32_bit:
        return Runs.YES
    if executable.format is not _FORMAT_OF.get(normal.os, Format.ELF):
        return Runs.NO
    answers = [
        _machine_on(executable, machine, normal)
        for machine in executable.slices or (executable.machine,)
    ]
    return min(answers, key=_BEST_FIRST.index)


def _machine_on(executable: Executable, machine: str, normal: Platform) -> Runs:
    wanted = normal.architecture
    if machine == wanted:
        return _same_machine(executable, normal)
    if (machine, wanted) == ("386", "amd64"):
        return Runs.YES
    os = normal.os if normal.os in _EMULATED else ""
    return Runs.FALLBACK if (machine, wanted) in _FALLBACKS | _EMULATED[os] else Runs.NO


def _same_machine(executable: Executable, normal: Platform) -> Runs:
    if executable.machine in _ALSO_32_BIT and executable.bits == 32:
        return _ALSO_32_BIT[executable.machine]
    if normal.architecture != "arm" or executable.format is not Format.ELF:
        return Runs.YES
    level = _LEVELS.get(normal.variant)
    if level is None:
        return Runs.UNKNOWN
    if executable.float_abi == "hard" and level < 6:
        return Runs.NO
    if executable.arm_level > level:
        return Runs.LEVEL
    # No program for 32-bit ARM in use needs more than v7.
    return Runs.YES if executable.arm_level or level >= 7 else Runs.UNKNOWN


_BEST_FIRST: Final = (Runs.YES, Runs.FALLBACK, Runs.LEVEL, Runs.UNKNOWN, Runs.NO)
_LEVELS: Final = {"v5": 5, "v6": 6, "v7": 7, "v8": 8, "v9": 9}

# What is not listed is ELF: linux, the BSDs, illumos, solaris, android.
_FORMAT_OF: Final = {"windows": Format.PE, "darwin": Format.MACH_O, "ios": Format.MACH_O}

# 32-bit programs of a machine that has 64: x32, ILP32, n32. Few kernels take the first two.
_ALSO_32_BIT: Final[Mapping[str, Runs]] = {
    "amd64": Runs.NO,
    "arm64": Runs.NO,
    "mips64": Runs.FALLBACK,
    "mips64le": Runs.FALLBACK,
}

# What hardware and an ordinary kernel can do beside their own, but need not.
_FALLBACKS: Final = frozenset(
    {
        ("arm", "arm64"),
        ("mips", "mips64"),
        ("mipsle", "mips64le"),
        ("ppc", "ppc64"),
        ("s390", "s390x"),
        ("sparc", "sparc64"),
    }
)
_EMULATED: Final[Mapping[str, frozenset[tuple[str, str]]]] = {
    "": frozenset(),
    "darwin": frozenset({("amd64", "arm64")}),
    "windows": frozenset({("386", "arm64"), ("amd64", "arm64")}),
}
