from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.binary_contradicts_platform import binary_contradicts_platform as rule
from tests.builders import BuiltImage, attestation, image, index, layer
from tests.programs import HARD, SOFT, elf, mach_o, pe, universal
from tests.rules.cases import judged, only, outcome, severities
from tests.rules.deep import judged_deep

MUSL = "/lib/ld-musl-aarch64.so.1"


def app(os: str, arch: str, program: bytes, variant: str = "", **files: bytes) -> BuiltImage:
    return image(os, arch, variant, files={"app/hello": program, **files})


AMD64 = app("linux", "amd64", elf("amd64"))
WRONG = app("linux", "arm64", elf("amd64"))
FAILING = judged_deep(rule, index(AMD64, WRONG))
PASSING = judged_deep(rule, index(AMD64, app("linux", "arm64", elf("arm64"))))


def test_the_message_names_the_file_its_layer_and_both_machines() -> None:
    finding = only(FAILING)
    digest = digest_of(WRONG.layers[0])
    assert ("error", 1, "linux/arm64") == (finding.severity, finding.position, finding.platform)
    assert (
        f"/app/hello in layer {digest[:19]}… is ELF for amd64, which linux/arm64 cannot run"
        == finding.message
    )
    assert finding.fix.startswith("docker buildx build --platform linux/amd64,linux/arm64")


def test_a_lone_image_is_judged_by_its_config() -> None:
    assert ["error"] == severities(judged_deep(rule, WRONG))
    assert Outcome.PASS == outcome(judged_deep(rule, AMD64))


def test_without_having_asked_for_layers_it_does_not_apply() -> None:
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, index(AMD64, WRONG)))
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, AMD64))


@pytest.mark.parametrize(
    ("platform", "program", "expected"),
    [
        ("linux/amd64", elf("386"), []),
        ("linux/arm64", elf("arm", flags=HARD), ["info"]),
        ("linux/arm/v5", elf("arm", flags=HARD), ["error"]),
        ("linux/arm/v6", elf("arm", flags=HARD, arch=10), ["warning"]),
        ("linux/arm/v6", elf("arm", flags=HARD, arch=6), []),
        ("linux/arm/v7", elf("arm", flags=HARD), []),
        ("linux/ppc64le", elf("ppc64"), ["error"]),
        ("linux/ppc64le", elf("ppc64le"), []),
        ("linux/mips64le", elf("mipsle"), ["info"]),
        ("linux/s390x", elf("s390x"), []),
        ("linux/riscv64", elf("riscv64"), []),
        ("linux/riscv64", elf("amd64"), ["error"]),
        ("linux/amd64", pe(), ["error"]),
        ("linux/amd64", mach_o(), ["error"]),
        ("windows/amd64", pe(), []),
        ("windows/arm64", pe(0x8664), ["info"]),
        ("windows/amd64", pe(0xAA64), ["error"]),
        ("windows/arm64", pe(0x14C, wide=False, clr=1), []),
        ("darwin/arm64", universal(0x0100_0007, 0x0100_000C), []),
    ],
)
def test_machines_are_judged_as_kernels_take_them(
    platform: str, program: bytes, expected: list[str]
) -> None:
    os, arch, *variant = platform.split("/")
    found = judged_deep(rule, index(app(os, arch, program, *variant)))
    assert expected == severities(found)
    assert (Outcome.FAIL if expected else Outcome.PASS) == outcome(found)


@pytest.mark.parametrize("variant", ["v5", "v6"])
def test_a_level_that_the_program_does_not_say_is_unknown(variant: str) -> None:
    found = judged_deep(rule, index(app("linux", "arm", elf("arm", flags=SOFT), variant)))
    assert Outcome.UNKNOWN == outcome(found)
    assert not found.findings


def test_the_interpreter_of_a_script_is_judged() -> None:
    script = {"app/hello": b"#!/bin/sh\n", "bin/sh": elf("amd64")}
    finding = only(judged_deep(rule, index(image("linux", "arm64", files=script))))
    assert finding.message.startswith("/bin/sh in layer sha256:")
    assert ", started by /app/hello, is ELF for amd64" in finding.message


def test_the_loader_is_judged() -> None:
    files = {"app/hello": elf("arm64", loader=MUSL), MUSL[1:]: elf("amd64")}
    finding = only(judged_deep(rule, index(image("linux", "arm64", files=files))))
    assert finding.message.startswith(f"{MUSL} in layer sha256:")


def test_other_files_are_not_judged() -> None:
    files = {
        "app/hello": elf("arm64"),
        "app/node_modules/esbuild/prebuilds/linux-x64/esbuild.node": elf("amd64"),
        "app/testdata/tool": elf("s390x"),
        "app/win.exe": pe(),
    }
    assert Outcome.PASS == outcome(judged_deep(rule, index(image("linux", "arm64", files=files))))


def test_an_image_that_starts_nothing_that_is_there_is_unknown() -> None:
    for files in ({"other": elf("amd64")}, {"app/hello": b"echo hello\n"}):
        found = judged_deep(rule, index(image("linux", "arm64", files=files)))
        assert Outcome.UNKNOWN == outcome(found)


def test_a_layer_that_was_not_read_is_unknown_unless_the_wrong_program_is_proven() -> None:
    base, top = layer({"lib/x": b""}), layer({"app/hello": elf("arm64", loader=MUSL)})
    hidden = digest_of(base.raw)
    right = image("linux", "arm64", layers=[base, top])
    assert Outcome.UNKNOWN == outcome(judged_deep(rule, right, unread=[hidden]))
    assert Outcome.UNKNOWN == outcome(judged_deep(rule, right, problems={hidden: "HTTP 503"}))
    wrong = image("linux", "amd64", layers=[base, top])
    assert Outcome.FAIL == outcome(judged_deep(rule, wrong, unread=[hidden]))


def test_attestations_and_web_assembly_are_not_judged() -> None:
    wasm = image("wasip1", "wasm", files={"app/hello": b"\0asm\1\0\0\0"})
    assert Outcome.PASS == outcome(judged_deep(rule, index(AMD64, attestation(AMD64), wasm)))


def test_one_image_without_a_verdict_keeps_no_other_from_being_found() -> None:
    vague = image("linux", "s390x", files={"x": b""})
    found = judged_deep(rule, index(vague, WRONG))
    assert Outcome.UNKNOWN == outcome(found)
    assert ["error"] == severities(found)
