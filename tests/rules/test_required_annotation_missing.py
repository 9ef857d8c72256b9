from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.policy import AnnotationDemand, Policy
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.required_annotation_missing import required_annotation_missing as rule
from tests.builders import Built, BuiltImage, attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome

SOURCE = "org.opencontainers.image.source"
SAID = {SOURCE: "https://example.org/team/app"}
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
POLICY = Policy(annotations=(AnnotationDemand((SOURCE,)),))


def labelled(arch: str) -> BuiltImage:
    return image("linux", arch, config={"config": {"Labels": SAID}})


FAILING = judged(rule, index(AMD64, ARM64), POLICY)
PASSING = judged(rule, index(AMD64, ARM64, annotations=SAID), POLICY)


def test_the_message_says_what_is_missing_where_and_nothing_of_the_fix_runs() -> None:
    finding = only(FAILING)
    assert ("warning", SOURCE) == (finding.severity, finding.subject)
    assert f"{SOURCE} is required and missing on linux/amd64, linux/arm64" == finding.message
    first, line = finding.fix.split("\n")
    assert "# with its value in place of VALUE:" == first
    assert f"#   docker buildx imagetools create --annotation index:{SOURCE}=VALUE" in line


@pytest.mark.parametrize(
    "built",
    [
        index(labelled("amd64"), labelled("arm64")),
        index(image(manifest={"annotations": SAID}), labelled("arm64")),
        index(AMD64, labelled("arm64"), annotate={0: {"annotations": SAID}}),
        image(manifest={"annotations": SAID}),
        labelled("amd64"),
    ],
)
def test_it_may_stand_on_each_image_in_any_of_three_places(built: Built) -> None:
    assert Outcome.PASS == outcome(judged(rule, built, POLICY))


def test_one_image_without_it_is_named() -> None:
    finding = only(judged(rule, index(labelled("amd64"), ARM64), POLICY))
    assert f"{SOURCE} is required and missing on linux/arm64" == finding.message


@pytest.mark.parametrize("empty", ["", " "])
def test_an_empty_value_is_none(empty: str) -> None:
    built = index(AMD64, annotations={SOURCE: empty})
    assert Outcome.FAIL == outcome(judged(rule, built, POLICY))


def test_each_key_is_a_finding_of_its_own() -> None:
    policy = Policy(annotations=(AnnotationDemand(("a", "b")), AnnotationDemand(("b", "c"))))
    judgement = judged(rule, AMD64, policy)
    assert ["a", "b", "c"] == [item.subject for item in judgement.findings]


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (AnnotationDemand((SOURCE,), repositories=("other/*",)), Outcome.PASS),
        (AnnotationDemand((SOURCE,), tags=("v*",)), Outcome.PASS),
        (AnnotationDemand((SOURCE,), ("team/*",), ("latest",)), Outcome.FAIL),
    ],
)
def test_a_demand_is_for_some_repositories_and_tags(
    demand: AnnotationDemand, expected: Outcome
) -> None:
    assert expected == outcome(judged(rule, AMD64, Policy(annotations=(demand,))))


def test_attestations_need_none() -> None:
    built = index(labelled("amd64"), attestation(labelled("amd64")))
    assert Outcome.PASS == outcome(judged(rule, built, POLICY))


def test_what_was_not_seen_may_have_it() -> None:
    built = index(labelled("amd64"), ARM64)
    for digest in (ARM64.digest, digest_of(ARM64.config)):
        judgement = judged(rule, built, POLICY, looks={digest: DENIED})
        assert Outcome.UNKNOWN == outcome(judgement)
    assert Outcome.PASS == outcome(judged(rule, built, POLICY, looks={ARM64.digest: ABSENT}))


def test_without_a_demand_nothing_is_looked_at() -> None:
    assert Outcome.PASS == outcome(judged(rule, AMD64, looks={digest_of(AMD64.config): DENIED}))
