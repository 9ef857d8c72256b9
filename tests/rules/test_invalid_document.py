from __future__ import annotations

import pytest

from mfl_lint.core.manifest import OCI_INDEX
from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.invalid_document import invalid_document as rule
from tests.builders import attestation, document, image, index, observation
from tests.rules.cases import judged, judged_observation, only, outcome
from tests.rules.shell import pasted

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
FAILING = judged(rule, index(AMD64, ARM64, annotate={1: {"size": -1}}))
PASSING = judged(rule, index(AMD64, ARM64, attestation(AMD64)))


def test_the_message_says_where_and_what() -> None:
    finding = only(FAILING)
    assert ("error", None, "") == (finding.severity, finding.position, finding.platform)
    assert "manifests[1].size" in finding.message


@pytest.mark.parametrize(
    "raw",
    ["", "not json", "[]", "null", "{}", '{"schemaVersion":2}', '{"manifests":7}', "\udcff"],
)
def test_what_is_no_document_is_said_in_one_line(raw: str) -> None:
    built = document(raw.encode("utf-8", "surrogateescape"), OCI_INDEX)
    finding = only(judged(rule, built))
    assert finding.message.isprintable()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", "the document is empty"),
        (" \n", "the document is empty"),
        ("{oops", "the document is no JSON: "),
        ("7", "the document is invalid: 7 is not an object"),
    ],
)
def test_what_cannot_be_read_is_called_a_document(raw: str, expected: str) -> None:
    finding = only(judged(rule, document(raw, OCI_INDEX)))
    assert finding.message.startswith(expected)
    assert ("", "") == (finding.platform, finding.subject)
    assert ["docker", "buildx", "build"] == pasted(finding.fix)[0][:3]


def test_nothing_is_built_for_what_lies_on_disk() -> None:
    seen = observation(document("{oops", OCI_INDEX), repository="")
    (finding,) = judged_observation(rule, seen).findings
    assert [] == pasted(finding.fix)
    assert "docker" not in finding.fix


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"digest": "sha256:abc"}, "manifests[0].digest"),
        ({"size": "12"}, "manifests[0].size"),
        ({"size": 1.5}, "manifests[0].size"),
        ({"size": None}, "manifests[0].size"),
        ({"platform": ["linux"]}, "manifests[0].platform"),
    ],
)
def test_a_wrong_value_in_an_entry_is_named(change: dict[str, object], where: str) -> None:
    built = index(AMD64, annotate={0: change})
    assert any(where in item.message for item in judged(rule, built).findings)


def test_many_breaches_are_one_finding_with_the_first_of_them() -> None:
    built = index(AMD64, ARM64, annotate={n: {"size": -1, "digest": "x"} for n in (0, 1)})
    assert "; and 1 more" in only(judged(rule, built)).message


def test_a_config_that_is_no_json_is_invalid() -> None:
    config = {"rootfs": {"type": "layers", "diff_ids": 3}}
    assert "the config is invalid" in only(judged(rule, image(config=config))).message


def test_a_tree_that_is_not_followed_further_is_invalid() -> None:
    inner = index(AMD64)
    deep = Look(LookState.INVALID, "nested deeper than 4", bounded=True)
    finding = only(judged(rule, index(inner), looks={inner.digest: deep}))
    assert "not followed: nested deeper than 4" == finding.message


def test_a_child_that_was_not_seen_is_unknown() -> None:
    looks = {ARM64.digest: Look(LookState.UNREACHABLE)}
    assert Outcome.UNKNOWN == outcome(judged(rule, index(AMD64, ARM64), looks=looks))
