from __future__ import annotations

import pytest

from mfl_lint.core.executable import Executable, Format, Runs, runs_on
from mfl_lint.core.platform import Platform

ELF, PE, MACH_O = Format.ELF, Format.PE, Format.MACH_O


def on(executable: Executable, platform: str) -> str:
    return runs_on(executable, Platform.parse(platform)).value


def arm(float_abi: str = "", level: int = 0) -> Executable:
    return Executable(ELF, "arm", 32, float_abi=float_abi, arm_level=level)


@pytest.mark.parametrize(
    ("machine", "platform", "expected"),
    [
        ("amd64", "linux/amd64", "yes"),
        ("amd64", "linux/x86_64", "yes"),
        ("amd64", "linux/amd64/v3", "yes"),
        ("amd64", "freebsd/amd64", "yes"),
        ("amd64", "linux/arm64", "no"),
        ("amd64", "linux/386", "no"),
        ("386", "linux/amd64", "yes"),
        ("386", "linux/arm64", "no"),
        ("arm", "linux/arm64", "fallback"),
        ("arm", "linux/arm64/v8", "fallback"),
        ("arm64", "linux/arm", "no"),
        ("ppc64", "linux/ppc64le", "no"),
        ("ppc64le", "linux/ppc64", "no"),
        ("s390", "linux/s390x", "fallback"),
        ("mips", "linux/mips64", "fallback"),
        ("mips", "linux/mipsle", "no"),
        ("mipsle", "linux/mips64le", "fallback"),
        ("mips64le", "linux/mips64le", "yes"),
        ("riscv", "linux/riscv64", "no"),
        ("elf:0x9026", "linux/amd64", "no"),
        ("amd64", "windows/amd64", "no"),
        ("amd64", "darwin/amd64", "no"),
    ],
)
def test_elf_runs_where_its_machine_is(machine: str, platform: str, expected: str) -> None:
    bits = 64 if "64" in machine or machine == "s390x" else 32
    assert expected == on(Executable(ELF, machine, bits), platform)


@pytest.mark.parametrize(
    ("machine", "platform", "expected"),
    [
        ("amd64", "linux/amd64", "no"),
        ("arm64", "linux/arm64", "no"),
        ("mips64", "linux/mips64", "fallback"),
        ("mips64", "linux/mips", "no"),
    ],
)
def test_short_pointers_are_an_abi_of_their_own(machine: str, platform: str, expected: str) -> None:
    assert expected == on(Executable(ELF, machine, 32), platform)


@pytest.mark.parametrize(
    ("float_abi", "level", "platform", "expected"),
    [
        ("hard", 0, "linux/arm/v5", "no"),
        ("hard", 5, "linux/arm/v5", "no"),
        ("soft", 5, "linux/arm/v5", "yes"),
        ("soft", 0, "linux/arm/v5", "unknown"),
        ("soft", 7, "linux/arm/v5", "level"),
        ("hard", 0, "linux/arm/v6", "unknown"),
        ("hard", 6, "linux/arm/v6", "yes"),
        ("hard", 7, "linux/arm/v6", "level"),
        ("hard", 0, "linux/arm/v7", "yes"),
        ("hard", 7, "linux/arm/v7", "yes"),
        ("hard", 8, "linux/arm/v7", "level"),
        ("hard", 7, "linux/arm", "yes"),
        ("hard", 8, "linux/arm/v8", "yes"),
        ("soft", 5, "linux/arm/v7", "yes"),
        ("hard", 7, "linux/arm/v4", "unknown"),
    ],
)
def test_arm_runs_by_its_float_abi_and_level(
    float_abi: str, level: int, platform: str, expected: str
) -> None:
    assert expected == on(arm(float_abi, level), platform)


def test_intermediate_code_runs_anywhere_unless_it_requires_32_bits() -> None:
    anywhere = Executable(PE, "386", 32, is_clr=True, il_only=True)
    narrow = Executable(PE, "386", 32, is_clr=True, il_only=True, requires_32_bit=True)
    assert ["yes"] * 3 == [on(anywhere, f"windows/{name}") for name in ("amd64", "arm64", "386")]
    assert "yes" == on(anywhere, "linux/arm64")
    assert ("yes", "no") == (on(narrow, "windows/amd64"), on(narrow, "linux/arm64"))


@pytest.mark.parametrize(
    ("machine", "platform", "expected"),
    [
        ("amd64", "windows/amd64", "yes"),
        ("arm64", "windows/amd64", "no"),
        ("amd64", "windows/arm64", "fallback"),
        ("386", "windows/amd64", "yes"),
        ("amd64", "linux/amd64", "no"),
    ],
)
def test_pe_runs_on_windows(machine: str, platform: str, expected: str) -> None:
    assert expected == on(Executable(PE, machine, 64), platform)


def test_a_universal_program_runs_where_its_best_slice_does() -> None:
    both = Executable(MACH_O, "amd64", slices=("amd64", "arm64"))
    assert ["yes", "yes"] == [on(both, "darwin/amd64"), on(both, "darwin/arm64")]
    assert "no" == on(both, "linux/amd64")
    assert "fallback" == on(Executable(MACH_O, "amd64", 64), "darwin/arm64")
    assert "no" == on(Executable(MACH_O, "arm64", 64), "darwin/amd64")


def test_every_answer_has_a_place_in_the_order() -> None:
    answers = {on(Executable(ELF, "amd64", 64), "linux/amd64")}
    assert answers <= {one.value for one in Runs}


@pytest.mark.parametrize(
    ("executable", "expected"),
    [
        (Executable(ELF, "arm", 32, float_abi="hard", arm_level=7), "ELF for arm, hard float, v7"),
        (Executable(ELF, "mips64", 32, "big"), "ELF for mips64, 32-bit"),
        (Executable(PE, "amd64", 64), "PE for amd64"),
        (Executable(MACH_O, "amd64", slices=("amd64", "arm64")), "Mach-O for amd64 and arm64"),
    ],
)
def test_it_is_named_for_people(executable: Executable, expected: str) -> None:
    assert expected == str(executable)
