from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.arm_attributes import read_level
from mfl_lint.core.executable import Executable
from mfl_lint.core.program import MAX_PROGRAM_BYTES, ProgramReader
from tests.programs import HARD, attributes, elf

GLIBC = "/lib/ld-linux-armhf.so.3"


def read(data: bytes, piece: int = 4096) -> tuple[Executable | None, str, int]:
    """Return the program, the shebang and how many bytes were wanted."""
    reader = ProgramReader()
    at = 0
    while at < len(data):
        wanted = reader.feed(data[at : at + piece])
        at += piece
        if not wanted:
            break
    return *reader.finish(), min(at, len(data))


def program(data: bytes, piece: int = 4096) -> Executable:
    found, _, _ = read(data, piece)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("arch", "level"), [(0, 5), (4, 5), (6, 6), (9, 6), (10, 7), (14, 8), (22, 9), (11, 0), (99, 0)]
)
def test_the_level_of_arm_is_read_from_its_attributes(arch: int, level: int) -> None:
    assert level == program(elf("arm", flags=HARD, arch=arch, padding=9000)).arm_level


@pytest.mark.parametrize("piece", [1, 7, 511, 512, 513, 4096, 100_000])
def test_the_size_of_the_pieces_makes_no_difference(piece: int) -> None:
    found = program(elf("arm", flags=HARD, arch=10, loader=GLIBC, padding=20_000), piece)
    assert ("arm", "hard", 7, GLIBC) == (
        found.machine,
        found.float_abi,
        found.arm_level,
        found.loader,
    )


def test_without_the_section_the_level_is_not_known() -> None:
    assert 0 == program(elf("arm", flags=HARD, padding=9000)).arm_level


def test_bytes_that_look_like_the_section_are_not_it() -> None:
    decoys = attributes(14) * 40
    whole = elf("arm", flags=HARD, arch=6, padding=20_000 + len(decoys))
    assert 6 == program(whole[:10_000] + decoys + whole[10_000 + len(decoys) :]).arm_level
    assert 0 == program(elf("arm", flags=HARD, padding=9000) + decoys).arm_level


def test_a_loader_behind_the_head_is_read() -> None:
    assert (
        "/lib/ld-musl-x86_64.so.1"
        == program(elf("amd64", loader="/lib/ld-musl-x86_64.so.1", padding=50_000)).loader
    )


def test_of_other_machines_only_the_head_is_wanted() -> None:
    _, _, wanted = read(elf("arm64") + b"\0" * 100_000)
    assert 4096 == wanted
    assert 4096 == read(b"text\n" * 10_000)[2]


def test_a_table_beyond_the_bound_is_not_waited_for() -> None:
    whole = bytearray(elf("arm", flags=HARD, arch=10))
    whole[32:36] = (MAX_PROGRAM_BYTES + 1).to_bytes(4, "little")
    found, _, wanted = read(bytes(whole) + b"\0" * 100_000)
    assert found is not None
    assert (0, 4096) == (found.arm_level, wanted)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"#!/bin/sh\necho\n", "/bin/sh"),
        (b"#! /usr/bin/env  python3 \r\n", "/usr/bin/env  python3"),
        (b"#!" + b"x" * 1000, "x" * 254),
        (b"#!/\xff\n", "/\\xff"),
        (b"echo\n", ""),
    ],
)
def test_a_script_names_its_interpreter(data: bytes, expected: str) -> None:
    found, shebang, _ = read(data)
    assert (None, expected) == (found, shebang)


WHOLE = elf("arm", flags=HARD, arch=10, loader=GLIBC, padding=6000)


@given(st.integers(0, len(WHOLE)), st.binary(max_size=64), st.integers(1, 5000))
def test_any_damage_crashes_nothing(at: int, damage: bytes, piece: int) -> None:
    found, _, _ = read(WHOLE[:at] + damage + WHOLE[at + len(damage) :], piece)
    assert found is None or 0 <= found.arm_level <= 9


@pytest.mark.parametrize("length", range(0, len(WHOLE), 97))
def test_a_program_cut_anywhere_crashes_nothing(length: int) -> None:
    found, _, _ = read(WHOLE[:length])
    assert found is None or found.machine == "arm"


@pytest.mark.parametrize("length", range(len(attributes(10))))
def test_a_section_cut_anywhere_names_no_level_or_the_right_one(length: int) -> None:
    assert read_level(attributes(10)[:length]) in (0, 7)


def test_a_section_of_one_part_of_the_file_names_no_level() -> None:
    whole = bytearray(attributes(10))
    whole[11] = 2
    assert 0 == read_level(bytes(whole))


def test_every_sort_of_attribute_is_stepped_over() -> None:
    others = b"\x20\x01gnu\0" + b"\x43text\0" + b"\x42\x81\x01" + b"\x06\x0a"
    of_file = b"\x01" + (5 + len(others)).to_bytes(4, "little") + others
    assert 7 == read_level(b"A\0\0\0\0aeabi\0" + of_file)
