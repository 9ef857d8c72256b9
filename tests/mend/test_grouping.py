"""Images under one name each become one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pytest

from mfl_lint.core import edit
from mfl_lint.core.errors import Refused
from mfl_lint.core.manifest import DOCKER_LIST, OCI_INDEX
from mfl_lint.core.names import platform_words
from mfl_lint.core.observation import Look, LookState, Observation
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Finding, Siblings
from mfl_lint.lint import judge
from mfl_lint.mend.grouping import Member, group_plan
from mfl_lint.rules import discover
from tests.builders import DOCKER, Built, Flavour, attestation, image, index, observation

ABSENT: Final = Look(LookState.ABSENT, "manifest unknown")
DENIED: Final = Look(LookState.DENIED, "401")
RULES: Final = discover()


def judged(seen: Observation) -> Sequence[Finding]:
    return judge(seen, RULES, Policy(), Siblings(tags=())).findings


def member(name: str, built: Built | None, look: Look = ABSENT) -> Member:
    (word,) = platform_words(name)
    seen = (
        observation(built, repository=name, look=look)
        if built is None
        else observation(built, repository=name)
    )
    return Member(word, seen)


def base(built: Built | None = None) -> Observation:
    return (
        observation(built, repository="a/app", look=ABSENT)
        if built is None
        else observation(built, repository="a/app")
    )


def seed(flavour: Flavour) -> list[Member]:
    """Return the four repositories of the story that this tool is for."""
    return [
        member("a/app-armhf", image("linux", "arm", "v7", flavour=flavour)),
        member("a/app-ppc64le", image("linux", "ppc64le", flavour=flavour)),
        member("a/app-s390x", image("linux", "s390x", flavour=flavour)),
        member("a/app-x86", image("linux", "amd64", flavour=flavour)),
    ]


def listed(plan: Any) -> list[tuple[str, str]]:
    return [(part.source.repository, str(part.entry.platform)) for part in plan.parts]


@pytest.mark.parametrize("flavour", [DOCKER, DOCKER.OCI])
def test_four_repositories_become_one_list(flavour: Flavour) -> None:
    plan = group_plan(base(), seed(flavour), judged)
    assert [
        ("a/app-armhf", "linux/arm/v7"),
        ("a/app-ppc64le", "linux/ppc64le"),
        ("a/app-s390x", "linux/s390x"),
        ("a/app-x86", "linux/amd64"),
    ] == listed(plan)
    assert (None, (), ["info"], "test/a/app:latest") == (
        plan.base,
        plan.refused,
        [finding.severity for finding in plan.begun],  # arm on arm64: one engine has no fallback
        str(plan.target),
    )
    media_type = DOCKER_LIST if flavour is DOCKER else OCI_INDEX
    assert edit.encode(edit.new_index(media_type, plan.steps)) == plan.raw


def test_a_list_that_is_there_gets_what_it_lacks() -> None:
    arm64, amd64 = image("linux", "arm64"), image("linux", "amd64")
    there = index(amd64, annotations={"a": "b"})
    members = [member("a/app-amd64", amd64), member("a/app-arm64", arm64)]
    plan = group_plan(base(there), members, judged)
    assert [("a/app", "linux/amd64"), ("a/app-arm64", "linux/arm64")] == listed(plan)
    assert there.digest == plan.base
    assert "MFL402" not in {finding.rule for finding in plan.begun}
    assert '"a":"b"' in plan.raw.decode()


def test_an_image_that_is_there_becomes_an_entry_of_the_list() -> None:
    arm64, amd64 = image("linux", "arm64"), image("linux", "amd64")
    plan = group_plan(base(amd64), [member("a/app-arm64", arm64)], judged)
    assert [("a/app", "linux/amd64"), ("a/app-arm64", "linux/arm64")] == listed(plan)
    assert amd64.digest == plan.base


def test_a_list_of_one_image_with_its_attestation_is_taken_apart() -> None:
    arm64, amd64 = image("linux", "arm64"), image("linux", "amd64")
    inner = index(arm64, attestation(arm64))
    plan = group_plan(base(), [member("a/app-arm64", inner), member("a/app-amd64", amd64)], judged)
    assert ["linux/arm64", "linux/amd64", "unknown/unknown"] == [one for _, one in listed(plan)]
    assert () == plan.begun


def test_a_word_tells_the_level_that_an_arm_config_does_not_say() -> None:
    members = [member("a/app-armel", image("linux", "arm")), *seed(DOCKER.OCI)[1:]]
    assert ("a/app-armel", "linux/arm/v6") == listed(group_plan(base(), members, judged))[0]


def test_a_name_without_that_tag_is_left_out() -> None:
    plan = group_plan(base(), [*seed(DOCKER)[:2], member("a/app-arm64", None)], judged)
    assert (2, ()) == (len(plan.parts), plan.refused)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (member("a/app-arm64", None, DENIED), "test/a/app-arm64:latest was not seen: denied 401"),
        (
            member("a/app-arm64", image("linux", "riscv64", flavour=DOCKER)),
            "the name says arm64, the image's config linux/riscv64: build it again",
        ),
        (
            member("a/app-ppc64el", image("linux", "ppc64le", flavour=DOCKER, name="x")),
            "hold different images for linux/ppc64le",
        ),
        (
            member("a/app-arm64", image(config={"os": ""}, flavour=DOCKER)),
            "its config does not say a platform",
        ),
    ],
)
def test_what_would_lose_or_mix_up_a_platform_is_refused(wrong: Member, why: str) -> None:
    plan = group_plan(base(), [*seed(DOCKER), wrong], judged)
    assert 1 == len(plan.refused)
    assert why in plan.refused[0]


def test_mixed_media_types_are_the_users_to_decide() -> None:
    members = [*seed(DOCKER), member("a/app-arm64", image("linux", "arm64"))]
    with pytest.raises(Refused, match="say --oci or --docker"):
        group_plan(base(), members, judged)
    assert OCI_INDEX == group_plan(base(), members, judged, (), OCI_INDEX).media_type
