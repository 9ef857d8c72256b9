from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.binary import HEAD_BYTES, Executable, read_executable
from mfl_lint.core.executable import Format
from tests.programs import HARD, MACHINES, SOFT, elf, mach_o, pe, universal

MUSL = "/lib/ld-musl-x86_64.so.1"


def read(data: bytes) -> Executable:
    found = read_executable(data[:HEAD_BYTES])
    assert found is not None
    return found


@pytest.mark.parametrize("machine", MACHINES)
def test_each_machine_of_elf_has_the_name_that_platforms_use(machine: str) -> None:
    _, wide, big = MACHINES[machine]
    expected = Executable(
        Format.ELF, machine, 64 if wide else 32, "big" if big else "little", loader=MUSL
    )
    assert expected == read(elf(machine, loader=MUSL))


def test_a_static_program_has_no_loader() -> None:
    assert "" == read(elf()).loader


def test_n32_is_a_program_for_64_bit_mips_with_short_pointers() -> None:
    found = read(elf("mips", flags=0x20))
    assert ("mips64", 32) == (found.machine, found.bits)


def test_x32_is_amd64_with_short_pointers() -> None:
    found = read(elf(number=(62, False, False)))
    assert ("amd64", 32) == (found.machine, found.bits)


@pytest.mark.parametrize(
    ("flags", "expected"), [(HARD, "hard"), (SOFT, "soft"), (0x0500_0000, ""), (0x0400_0400, "")]
)
def test_the_float_abi_is_read_from_the_flags_of_eabi_5_only(flags: int, expected: str) -> None:
    assert expected == read(elf("arm", flags=flags)).float_abi


def test_flags_of_another_machine_are_no_float_abi() -> None:
    assert "" == read(elf("arm64", flags=HARD)).float_abi


def test_a_machine_without_a_name_keeps_its_number() -> None:
    assert "elf:0x9026" == read(elf(number=(0x9026, True, False))).machine


@pytest.mark.parametrize(
    ("number", "wide", "name"),
    [
        (0x14C, False, "386"),
        (0x8664, True, "amd64"),
        (0xAA64, True, "arm64"),
        (0x1C4, False, "arm"),
    ],
)
def test_pe_names_its_machine(number: int, wide: bool, name: str) -> None:
    expected = Executable(Format.PE, name, 64 if wide else 32)
    assert expected == read(pe(number, wide=wide))


@pytest.mark.parametrize(
    ("flags", "il_only", "narrow"), [(1, True, False), (3, True, True), (0, False, False)]
)
def test_a_dot_net_program_keeps_its_flags(flags: int, il_only: bool, narrow: bool) -> None:
    found = read(pe(0x14C, wide=False, clr=flags))
    assert (True, il_only, narrow) == (found.is_clr, found.il_only, found.requires_32_bit)


def test_mach_o_is_thin_or_has_slices() -> None:
    assert Executable(Format.MACH_O, "arm64", 64) == read(mach_o(0x0100_000C))
    found = read(universal(0x0100_0007, 0x0100_000C))
    assert ("amd64", "arm64") == found.slices


@pytest.mark.parametrize("major", [45, 52, 61, 65])
def test_a_java_class_is_no_universal_program(major: int) -> None:
    data = struct.pack(">IHH", 0xCAFE_BABE, 0, major) + b"\0\x10\x0a\0\x02" * 100
    assert None is read_executable(data)


@pytest.mark.parametrize(
    "data", [b"", b"MZ", b"MZ" + b"\xff" * 100, b"\x7fELF", b"#!/bin/sh\n", b"\0asm"]
)
def test_what_is_no_header_is_no_program(data: bytes) -> None:
    assert None is read_executable(data)


@pytest.mark.parametrize("whole", [elf(loader=MUSL), pe(clr=1), mach_o(), universal(7, 12)])
def test_a_header_cut_anywhere_crashes_nothing(whole: bytes) -> None:
    found = [read_executable(whole[:length]) for length in range(len(whole))]
    assert None is found[0]


STARTS = [elf(loader=MUSL), elf("arm", flags=HARD, arch=10), pe(clr=1), mach_o(), universal(7)]


@given(st.sampled_from([b"", *STARTS]), st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_crash_nothing(start: bytes, damage: bytes, at: int) -> None:
    data = start[:at] + damage + start[at + len(damage) :]
    found = read_executable(data)
    assert found is None or isinstance(found.machine, str)
