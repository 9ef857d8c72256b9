from __future__ import annotations

from mfl_lint.core.digest import digest_of
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.layers_contradict_config import layers_contradict_config as rule
from tests.builders import attestation, image, index, layer
from tests.rules.cases import DENIED, judged, only, outcome

AMD64 = image("linux", "amd64")
NONE = {"rootfs": {"type": "layers", "diff_ids": []}}
FAILING = judged(rule, index(AMD64, image("linux", "arm64", config=NONE)))
PASSING = judged(rule, index(AMD64, image("linux", "arm64")))


def test_the_message_names_both_counts() -> None:
    finding = only(FAILING)
    assert ("error", 1) == (finding.severity, finding.position)
    assert "the manifest has 1 layers, the config 0 diff_ids" == finding.message


def test_several_layers_with_their_diff_ids_pass() -> None:
    parts = [layer({f"file{n}": b"x"}) for n in range(3)]
    assert Outcome.PASS == outcome(judged(rule, image(layers=parts)))
    assert Outcome.PASS == outcome(judged(rule, image(layers=[])))


def test_attestations_are_not_judged() -> None:
    assert Outcome.PASS == outcome(judged(rule, index(AMD64, attestation(AMD64))))


def test_a_config_without_a_root_filesystem_is_the_matter_of_another_rule() -> None:
    assert Outcome.PASS == outcome(judged(rule, image(config={"rootfs": None})))


def test_a_config_that_was_denied_is_unknown() -> None:
    judgement = judged(rule, AMD64, looks={digest_of(AMD64.config): DENIED})
    assert Outcome.UNKNOWN == outcome(judgement)
