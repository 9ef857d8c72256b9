from __future__ import annotations

from mfl_lint.core.manifest import OCI_INDEX
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.nested_index import nested_index as rule
from tests.builders import attestation, image, index
from tests.rules.cases import DENIED, judged, only, outcome

AMD64 = image("linux", "amd64")
INNER = index(AMD64, attestation(AMD64))
FAILING = judged(rule, index(image("linux", "arm64"), INNER))
PASSING = judged(rule, index(AMD64, attestation(AMD64)))


def test_the_message_says_which_entry_and_what_is_in_it() -> None:
    finding = only(FAILING)
    assert ("warning", 1) == (finding.severity, finding.position)
    assert f"{INNER.digest} with 2 entries" in finding.message


def test_the_fix_takes_the_inner_entries() -> None:
    fix = only(FAILING).fix
    assert "docker buildx imagetools create -t test/team/app:latest" in fix
    assert f"test/team/app@{INNER.digest}" in fix
    assert "--platform linux/arm64,linux/amd64 " in fix


def test_an_entry_without_a_usable_digest_is_an_index_all_the_same() -> None:
    nameless = {"mediaType": OCI_INDEX, "digest": "digest", "size": 9}
    finding = only(judged(rule, index(AMD64, nameless)))
    assert "an index, without a digest that can be asked for" in finding.message


def test_each_level_is_a_finding() -> None:
    assert 2 == len(judged(rule, index(index(INNER))).findings)


def test_the_entry_is_enough_to_know() -> None:
    judgement = judged(rule, index(AMD64, INNER), looks={INNER.digest: DENIED})
    assert 1 == len(judgement.findings)


def test_a_lone_image_has_nothing_nested() -> None:
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, AMD64))


def test_a_list_of_what_refers_to_an_index_is_no_nested_image_list() -> None:
    tag = "sha256-" + "0" * 64
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, index(AMD64, INNER), tag=tag))
