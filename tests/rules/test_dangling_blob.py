from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.observation import VERIFIED, Look, LookState, Node
from mfl_lint.core.rule import Judgement, Outcome
from mfl_lint.rules.dangling_blob import dangling_blob as rule
from tests.builders import Built, artifact, image, index, observation
from tests.rules.cases import ABSENT, DENIED, judged, judged_observation, only, outcome

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
LIST = index(AMD64, ARM64)
CONFIG, LAYER = digest_of(AMD64.config), digest_of(AMD64.layers[0])


def checked(built: Built, looks: Mapping[Digest, Look], **more: Any) -> Judgement:
    """Judge a tag of which each blob was looked at; `looks` are those that did not end well."""

    def looked(node: Node) -> Node:
        document = node.document
        named = [*document.layers, document.config] if document is not None else []
        digests = [one.digest for one in named if one is not None and one.digest is not None]
        blobs = {digest: looks.get(digest, VERIFIED) for digest in digests}
        children = tuple(looked(child) for child in node.children)
        return msgspec.structs.replace(node, blobs=blobs, children=children)

    seen = observation(built, **more)
    assert seen.root is not None
    return judged_observation(rule, msgspec.structs.replace(seen, root=looked(seen.root)))


FAILING = judged(rule, LIST, looks={CONFIG: ABSENT})
PASSING = judged(rule, LIST)


def test_a_config_that_answers_404_is_gone_without_any_blob_being_checked() -> None:
    finding = only(FAILING)
    assert ("error", "linux/amd64", 0) == (finding.severity, finding.platform, finding.position)
    assert f"the config {CONFIG} is not in the registry" == finding.message


def test_layers_are_gone_only_where_somebody_looked() -> None:
    assert Outcome.PASS == outcome(judged(rule, LIST))
    finding = only(checked(LIST, {LAYER: ABSENT}))
    assert ("error", "linux/amd64 layers") == (finding.severity, finding.subject)
    assert f"1 of 1 layers are not in the registry: {LAYER}" == finding.message
    assert Outcome.PASS == outcome(checked(LIST, {}))


def test_a_config_and_layers_are_findings_of_their_own() -> None:
    judgement = checked(LIST, {CONFIG: ABSENT, LAYER: ABSENT})
    assert ["linux/amd64", "linux/amd64 layers"] == [one.subject for one in judgement.findings]


def test_what_could_not_be_looked_at_is_unknown_and_what_is_certain_stays() -> None:
    assert Outcome.UNKNOWN == outcome(judged(rule, LIST, looks={CONFIG: DENIED}))
    throttled = Look(LookState.THROTTLED, "429")
    assert Outcome.UNKNOWN == outcome(checked(LIST, {LAYER: throttled}))
    judgement = checked(LIST, {LAYER: ABSENT, CONFIG: DENIED})
    assert (Outcome.UNKNOWN, 1) == (outcome(judgement), len(judgement.findings))


def test_a_child_that_was_not_seen_names_blobs_that_nobody_knows() -> None:
    assert Outcome.UNKNOWN == outcome(judged(rule, LIST, looks={ARM64.digest: DENIED}))
    inner = index(ARM64)
    judgement = judged(rule, index(AMD64, inner), looks={inner.digest: DENIED})
    assert Outcome.UNKNOWN == outcome(judgement)


def test_a_look_that_our_own_bounds_forbid_leaves_nothing_open() -> None:
    bounded = Look(LookState.INVALID, "too large", bounded=True)
    assert Outcome.PASS == outcome(judged(rule, LIST, looks={CONFIG: bounded}))


@pytest.mark.parametrize("built", [AMD64, artifact("application/x", "text/plain", b"chart")])
def test_a_lone_image_and_an_artifact_are_judged_too(built: Built) -> None:
    blob = digest_of(built.blobs[1])
    assert Outcome.FAIL == outcome(checked(built, {blob: ABSENT}))


def test_a_child_that_is_gone_has_no_blobs_to_miss() -> None:
    assert Outcome.PASS == outcome(judged(rule, LIST, looks={AMD64.digest: ABSENT}))
