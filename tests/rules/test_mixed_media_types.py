from __future__ import annotations

import pytest

from mfl_lint.core.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.mixed_media_types import mixed_media_types as rule
from tests.builders import DOCKER, OCI, Built, Flavour, artifact, attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome, severities

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
DOCKER_AMD64 = image("linux", "amd64", flavour=DOCKER)
DOCKER_ARM64 = image("linux", "arm64", flavour=DOCKER)
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

FAILING = judged(rule, index(DOCKER_AMD64, ARM64))
PASSING = judged(rule, index(AMD64, ARM64))


def test_the_message_says_which_children_are_of_the_other_kind() -> None:
    finding = only(FAILING)
    assert "warning" == finding.severity
    assert "an OCI index that lists 1 Docker manifest (linux/amd64)" == finding.message
    assert "--output type=registry,oci-mediatypes=true" in finding.fix


def test_oci_children_in_a_docker_list_are_the_same_fault() -> None:
    finding = only(judged(rule, index(AMD64, DOCKER_ARM64, flavour=DOCKER)))
    assert "a Docker list that lists 1 OCI manifest (linux/amd64)" == finding.message


@pytest.mark.parametrize("flavour", [OCI, DOCKER])
def test_one_family_throughout_is_right(flavour: Flavour) -> None:
    built = index(image("linux", "amd64", flavour=flavour), flavour=flavour)
    assert Outcome.PASS == outcome(judged(rule, built))


@pytest.mark.parametrize("inner", [DOCKER_LIST, OCI_INDEX])
def test_an_inner_index_counts_as_well(inner: str) -> None:
    built = index(index(AMD64, media_type=inner), AMD64)
    found = severities(judged(rule, built))
    # An inner list of Docker's is of the other kind, and so is the image within.
    assert (2 if inner == DOCKER_LIST else 0) == len(found)


def test_attestations_and_artifacts_are_no_mixture() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    built = index(DOCKER_AMD64, attestation(DOCKER_AMD64), chart, flavour=DOCKER)
    assert Outcome.PASS == outcome(judged(rule, built))


def test_oci_layers_in_a_docker_manifest_are_an_error() -> None:
    layers = [{"mediaType": OCI_LAYER, "digest": f"sha256:{'a' * 64}", "size": 1}]
    built = image("linux", "amd64", flavour=DOCKER, manifest={"layers": layers})
    finding = only(judged(rule, built))
    assert "error" == finding.severity
    assert f"a Docker manifest with 1 OCI layer: {OCI_LAYER}" == finding.message


def test_docker_layers_in_an_oci_manifest_are_common_and_pulled_by_everybody() -> None:
    docker_layer = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    layers = [{"mediaType": docker_layer, "digest": f"sha256:{'a' * 64}", "size": 1}]
    assert Outcome.PASS == outcome(judged(rule, image(manifest={"layers": layers})))


def test_an_entry_that_calls_its_child_wrongly_is_no_mixture() -> None:
    built: Built = index(AMD64, annotate={0: {"mediaType": DOCKER_MANIFEST}})
    assert Outcome.PASS == outcome(judged(rule, built))


def test_an_unseen_child_leaves_it_unknown_and_an_absent_one_does_not() -> None:
    built = index(AMD64, ARM64)
    assert Outcome.UNKNOWN == outcome(judged(rule, built, looks={ARM64.digest: DENIED}))
    assert Outcome.PASS == outcome(judged(rule, built, looks={ARM64.digest: ABSENT}))
