from __future__ import annotations

import gzip

from mfl_lint.core.digest import digest_of
from mfl_lint.core.rule import Outcome
from mfl_lint.demo.build import Layer
from mfl_lint.rules.layers_shared_across_architectures import (
    layers_shared_across_architectures as rule,
)
from tests.builders import Built, attestation, image, index, layer
from tests.programs import elf, file, pe, tar
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome, severities
from tests.rules.deep import judged_deep

MEBIBYTE = 1024 * 1024


def listed(shared: Layer, *arches: str) -> Built:
    """Return an index of images that share a layer beside one of their own."""
    own = {arch: layer({"own": elf(arch)}) for arch in arches}
    return index(*(image("linux", arch, layers=[own[arch], shared]) for arch in arches))


BINARY = layer({"app/hello": elf("amd64"), "app/data": b"data"})
STATIC = layer({"app/index.html": b"x" * 2000})
LARGE = layer({"app/app.jar": b"PK" * MEBIBYTE})
FAILING = judged_deep(rule, listed(BINARY, "amd64", "arm64"))
PASSING = judged_deep(rule, listed(STATIC, "amd64", "arm64"))


def test_the_message_names_both_platforms_the_layer_and_the_program() -> None:
    finding = only(FAILING)
    assert ("error", "linux/arm64", 1) == (finding.severity, finding.platform, finding.position)
    assert (
        f"linux/arm64 shares layer {digest_of(BINARY.raw)[:19]}… with linux/amd64: "
        "/app/hello in it is ELF for amd64"
    ) == finding.message


def test_every_image_that_cannot_run_it_is_found_once() -> None:
    found = judged_deep(rule, listed(BINARY, "arm64", "amd64", "s390x"))
    assert ["linux/arm64", "linux/s390x"] == [one.platform for one in found.findings]


def test_data_and_jars_may_be_shared_once_they_were_read() -> None:
    assert Outcome.PASS == outcome(judged_deep(rule, listed(LARGE, "amd64", "arm64")))


def test_programs_for_several_machines_may_be_shared() -> None:
    prebuilt = layer({"p/linux-x64.node": elf("amd64"), "p/linux-arm64.node": elf("arm64")})
    assert Outcome.PASS == outcome(judged_deep(rule, listed(prebuilt, "amd64", "arm64")))


def test_programs_that_nobody_could_run_are_data() -> None:
    firmware = layer({"firmware": elf("s390x"), "tool.exe": pe()})
    assert Outcome.PASS == outcome(judged_deep(rule, listed(firmware, "amd64", "arm64")))


def test_files_that_may_not_be_executed_are_data() -> None:
    raw = tar(file("testdata/tool", elf("amd64")))
    data = Layer(gzip.compress(raw), digest_of(raw))
    assert Outcome.PASS == outcome(judged_deep(rule, listed(data, "amd64", "arm64")))


def test_386_beside_amd64_and_arm_beside_arm64_may_share() -> None:
    narrow = layer({"app/hello": elf("386")})
    assert Outcome.PASS == outcome(judged_deep(rule, listed(narrow, "amd64", "386")))
    arm = layer({"app/hello": elf("arm")})
    assert Outcome.PASS == outcome(judged_deep(rule, listed(arm, "arm", "arm64")))


def test_variants_of_one_architecture_may_share() -> None:
    built = index(
        *(image("linux", "arm", variant, layers=[BINARY], name=variant) for variant in ("v6", "v7"))
    )
    assert Outcome.PASS == outcome(judged_deep(rule, built))


def test_without_having_read_layers_a_large_share_is_information() -> None:
    built = listed(LARGE, "amd64", "arm64")
    found = judged(rule, built)
    assert ["info"] == severities(found)
    assert "linux/amd64 and linux/arm64 share 2," in only(found).message
    assert "mfl-lint scan --deep" in only(found).fix
    assert ["info"] == severities(judged_deep(rule, built, unread=[digest_of(LARGE.raw)]))


def test_a_small_share_or_few_bytes_are_nothing() -> None:
    assert Outcome.PASS == outcome(judged(rule, listed(STATIC, "amd64", "arm64")))
    other = {arch: layer({"own": arch.encode() * MEBIBYTE}) for arch in ("amd64", "arm64")}
    built = index(*(image("linux", arch, layers=[LARGE, other[arch]]) for arch in other))
    assert Outcome.PASS == outcome(judged(rule, built))


def test_the_empty_layer_may_be_shared() -> None:
    empty = Layer(gzip.compress(bytes(1024)), digest_of(bytes(1024)))
    assert Outcome.PASS == outcome(judged_deep(rule, listed(empty, "amd64", "arm64")))


def test_a_shared_layer_that_could_not_be_read_is_unknown() -> None:
    built = listed(BINARY, "amd64", "arm64")
    found = judged_deep(rule, built, problems={digest_of(BINARY.raw): "timed out"})
    assert Outcome.UNKNOWN == outcome(found)
    cut = Layer(BINARY.raw[:-20], BINARY.diff_id)
    assert Outcome.UNKNOWN == outcome(judged_deep(rule, listed(cut, "s390x", "arm64")))


def test_an_image_that_was_not_seen_may_share_a_layer() -> None:
    built = listed(STATIC, "amd64", "arm64")
    for look, expected in ((DENIED, Outcome.UNKNOWN), (ABSENT, Outcome.PASS)):
        looks = {built.children[1].digest: look}
        assert expected == outcome(judged(rule, built, looks=looks))


def test_attestations_are_not_judged() -> None:
    one = image()
    assert Outcome.PASS == outcome(judged_deep(rule, index(one, attestation(one))))
