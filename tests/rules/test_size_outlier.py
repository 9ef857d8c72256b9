from __future__ import annotations

import msgspec
import pytest

from mfl_lint.core.manifest import OCI_MANIFEST, SCHEMA1
from mfl_lint.core.rule import Judgement, Outcome
from mfl_lint.rules.size_outlier import size_outlier as rule
from tests.builders import Built, BuiltImage, attestation, document, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome

MIB = 2**20
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def sized(arch: str, *sizes: int, os: str = "linux", version: str = "") -> BuiltImage:
    layers = [
        {"mediaType": LAYER, "digest": f"sha256:{arch:a>64.64}"[:71], "size": size}
        for size in sizes
    ]
    return image(os, arch, os_version=version, manifest={"layers": layers})


def of(*sizes: int) -> Judgement:
    arches = ("amd64", "arm64", "s390x", "ppc64le")
    return judged(rule, index(*(sized(a, s) for a, s in zip(arches, sizes, strict=False))))


FAILING = of(100 * MIB, 100 * MIB, 20 * MIB)
PASSING = of(100 * MIB, 100 * MIB, 30 * MIB)


def test_the_message_has_both_sizes() -> None:
    finding = only(FAILING)
    assert ("info", "linux/s390x", 2) == (finding.severity, finding.subject, finding.position)
    expected = "linux/s390x has 20.0 MiB of layers, 20% of the 100.0 MiB that is usual beside it"
    assert expected == finding.message


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((100 * MIB, 25 * MIB, 100 * MIB), Outcome.PASS),
        ((100 * MIB, 25 * MIB - 1, 100 * MIB), Outcome.FAIL),
        ((5000 * MIB, 1000 * MIB), Outcome.PASS),
        ((5000 * MIB, 499 * MIB), Outcome.FAIL),
        ((10 * MIB, 11 * MIB, 900 * MIB), Outcome.PASS),
        ((100_000, 1000, 100_000), Outcome.PASS),
        ((100 * MIB,), Outcome.PASS),
    ],
)
def test_a_quarter_of_several_or_a_tenth_of_one_is_little(
    sizes: tuple[int, ...], expected: Outcome
) -> None:
    assert expected == outcome(of(*sizes))


def test_layers_are_added_up() -> None:
    built = index(sized("amd64", 60 * MIB, 60 * MIB), sized("arm64", *[10 * MIB] * 5))
    assert Outcome.PASS == outcome(judged(rule, built))


def test_the_bases_of_windows_differ_by_nature() -> None:
    server = sized("amd64", 2000 * MIB, os="windows", version="10.0.20348.1")
    nano = sized("amd64", 100 * MIB, os="windows", version="10.0.26100.1")
    built: Built = index(server, nano, sized("amd64", 20 * MIB), sized("arm64", 20 * MIB))
    assert Outcome.PASS == outcome(judged(rule, built))


def test_attestations_are_small_and_no_images() -> None:
    amd64 = sized("amd64", 100 * MIB)
    assert Outcome.PASS == outcome(judged(rule, index(amd64, attestation(amd64))))


@pytest.mark.parametrize(
    "child", [document("no json", OCI_MANIFEST), document('{"fsLayers": []}', SCHEMA1)]
)
def test_what_has_no_layers_to_add_up_is_not_compared(child: Built) -> None:
    entry = child.descriptor(platform={"os": "linux", "architecture": "s390x"})
    whole = index(sized("amd64", 100 * MIB), sized("arm64", 100 * MIB), entry)
    built = msgspec.structs.replace(whole, children=(*whole.children, child))
    assert Outcome.PASS == outcome(judged(rule, built))


def test_a_size_that_is_not_said_is_not_compared() -> None:
    built = index(sized("amd64", 100 * MIB), sized("arm64", -1), sized("s390x", 100 * MIB))
    assert Outcome.PASS == outcome(judged(rule, built))


def test_an_unseen_image_leaves_it_unknown_and_an_absent_one_does_not() -> None:
    arm64 = sized("arm64", MIB)
    built = index(sized("amd64", 100 * MIB), arm64)
    assert Outcome.UNKNOWN == outcome(judged(rule, built, looks={arm64.digest: DENIED}))
    assert Outcome.PASS == outcome(judged(rule, built, looks={arm64.digest: ABSENT}))
