from __future__ import annotations

import msgspec
import pytest

from mfl_lint.core.manifest import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.media_type_mismatch import media_type_mismatch as rule
from tests.builders import Built, document, image, index
from tests.rules.cases import judged, only, outcome, severities

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
FAILING = judged(rule, index(AMD64, ARM64, annotate={1: {"mediaType": DOCKER_MANIFEST}}))
PASSING = judged(rule, index(AMD64, ARM64))


def served(built: Built, media_type: str) -> Built:
    return document(built.raw, media_type)


def test_the_message_names_who_says_what() -> None:
    finding = only(FAILING)
    assert ("error", 1) == (finding.severity, finding.position)
    assert f"the index says {DOCKER_MANIFEST}, the document says {OCI_MANIFEST}" in finding.message
    assert finding.fix.startswith("docker manifest create --amend test/team/app:latest ")


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        (OCI_INDEX, []),
        (f"{OCI_INDEX}; charset=utf-8", []),
        (OCI_INDEX.upper(), []),
        (OCI_MANIFEST, ["error"]),
        ("text/html", ["error"]),
        ("application/json", ["info"]),
        ("text/plain; charset=utf-8", ["info"]),
        ("application/octet-stream", ["info"]),
        ("", ["info"]),
    ],
)
def test_parameters_and_capitals_do_not_count_and_generic_types_are_information(
    content_type: str, expected: list[str]
) -> None:
    assert expected == severities(judged(rule, served(index(), content_type)))


def test_a_document_without_its_own_media_type_disagrees_with_nothing() -> None:
    quiet = image("linux", "amd64", manifest={"mediaType": None})
    assert Outcome.PASS == outcome(judged(rule, index(quiet)))


def test_a_document_of_another_form_than_it_is_listed_as_disagrees() -> None:
    inner = msgspec.structs.replace(
        index(AMD64, media_type=OCI_INDEX), raw=b'{"schemaVersion":2,"manifests":[]}', children=()
    )
    built = index(served(inner, "application/json"), annotate={0: {"mediaType": OCI_MANIFEST}})
    assert "but it is an index" in only(judged(rule, built)).message
