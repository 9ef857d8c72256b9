"""Plans: each mendable fault, alone and together; what is refused; what has to be built again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import msgspec
import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.observation import Look, LookState, Node, Observation
from mfl_lint.core.plan import Plan
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Requirement
from mfl_lint.core.rule import Finding, Siblings
from mfl_lint.core.spare import Spare
from mfl_lint.lint import judge
from mfl_lint.mend.plan import plan_for
from mfl_lint.rules import discover
from tests.builders import (
    ABSENT,
    DOCKER,
    OCI,
    Built,
    Flavour,
    attestation,
    document,
    image,
    index,
    observation,
)
from tests.programs import HARD, elf
from tests.rules.deep import read_inside

RULES: Final = discover()
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
ARM: Final = image("linux", "arm")
ARMV6: Final = image("linux", "arm", "v6")
OTHER: Final = image("linux", "amd64", name="other")
NEWER: Final = image("linux", "amd64", name="newer", created="2026-03-02T12:00:00Z")
PPC: Final = image("linux", "ppc64le")
GONE: Final = image("linux", "s390x")
WINDOWS: Final = image("windows", "amd64", os_version="10.0.20348.1")
NOWHERE: Final = Policy()


def judging(policy: Policy = NOWHERE) -> Any:
    def judged(seen: Observation) -> tuple[Finding, ...]:
        return judge(seen, RULES, policy, Siblings(tags=())).findings

    return judged


def planned(
    built: Built,
    policy: Policy = NOWHERE,
    *,
    gone: Sequence[Built] = (),
    unseen: Collection[Digest] = (),
    tag: str = "latest",
    deep: bool = False,
) -> Plan:
    looks: Mapping[Digest, Look] = {
        **{one.digest: ABSENT for one in gone},
        **{digest: Look(LookState.UNREACHABLE, "no answer") for digest in unseen},
    }
    seen = observation(built, looks=looks, tag=tag)
    if deep:
        seen = read_inside(seen, built)
    plan = plan_for(seen, judging(policy), tuple(policy.required("team/app", tag)))
    assert plan is not None
    return plan


def platforms(plan: Plan) -> list[str]:
    return [str(part.entry.platform) for part in plan.parts]


def rules(findings: Sequence[Finding]) -> list[str]:
    return sorted({finding.rule for finding in findings})


@pytest.mark.parametrize("flavour", [OCI, DOCKER])
@pytest.mark.parametrize(
    ("rule", "second", "changes", "expected"),
    [
        ("MFL102", ("linux", "arm64"), None, "linux/arm64"),
        ("MFL102", ("linux", "arm64"), {"os": "linux", "architecture": ""}, "linux/arm64"),
        ("MFL102", ("linux", "arm", "v6"), None, "linux/arm/v6"),
        ("MFL103", ("linux", "arm64"), "linux/aarch64", "linux/arm64"),
        ("MFL103", ("linux", "arm64"), "Linux/arm64v8", "linux/arm64"),
        ("MFL103", ("linux", "arm", "v7"), "linux/armhf", "linux/arm/v7"),
        ("MFL103", ("linux", "arm", "v7"), "linux/arm/armv7", "linux/arm/v7"),
        ("MFL104", ("linux", "arm", "v6"), "linux/arm", "linux/arm/v6"),
        ("MFL104", ("linux", "arm"), "linux/arm", "linux/arm/v7"),
    ],
)
def test_a_missing_or_misspelt_platform_is_written_as_the_config_says_it(
    flavour: Flavour, rule: str, second: tuple[str, ...], changes: Any, expected: str
) -> None:
    one, other = image("linux", "s390x", flavour=flavour), image(*second, flavour=flavour)
    plan = planned(index(one, other, flavour=flavour, annotate={1: {"platform": changes}}))
    assert ["linux/s390x", expected] == platforms(plan)
    assert rule in rules(plan.fixed)
    assert () == plan.refused
    assert [part.entry.digest for part in plan.before] == [x.entry.digest for x in plan.parts]


def test_of_two_images_for_one_platform_the_newest_stays() -> None:
    plan = planned(index(AMD64, NEWER, ARM64))
    assert [NEWER.digest, ARM64.digest] == [part.entry.digest for part in plan.parts]
    assert ["MFL105", "MFL112"] == rules(plan.fixed)
    ((dropped, why),) = plan.dropped
    assert (
        AMD64.digest,
        "entry 1 is for the same platform and the newest, of 2026-03-02 12",
    ) == (
        dropped.entry.digest,
        why.partition(":")[0],
    )


def test_of_two_images_of_one_age_the_one_stays_that_engines_take_today() -> None:
    plan = planned(index(AMD64, OTHER, ARM64))
    assert [AMD64.digest, ARM64.digest] == [part.entry.digest for part in plan.parts]


@pytest.mark.parametrize("unseen", [AMD64.digest, digest_of(AMD64.config)])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_image_that_was_not_seen_never_wins_over_one_that_was(unseen: Digest, at: int) -> None:
    parts = [OTHER, NEWER]
    parts.insert(at, AMD64)
    plan = planned(index(*parts, ARM64), unseen=[unseen])
    assert [NEWER.digest, ARM64.digest] == [part.entry.digest for part in plan.parts]


def test_of_several_images_the_newest_stays_in_which_nothing_is_wrong() -> None:
    wrong = image("linux", "arm64", name="wrong", created="2026-04-02T12:00:00Z")
    plan = planned(index(OTHER, wrong, NEWER, ARM64, annotate={1: {"platform": "linux/amd64"}}))
    assert [NEWER.digest, ARM64.digest] == [part.entry.digest for part in plan.parts]


def test_the_same_image_twice_stays_once() -> None:
    plan = planned(index(AMD64, AMD64, ARM64))
    assert [AMD64.digest, ARM64.digest] == [part.entry.digest for part in plan.parts]
    assert ["MFL105"] == rules(plan.fixed)


def test_a_dropped_image_takes_its_attestation_with_it() -> None:
    built = index(AMD64, NEWER, ARM64, attestation(AMD64), attestation(NEWER))
    plan = planned(built)
    assert [NEWER.digest, ARM64.digest, attestation(NEWER).digest] == [
        part.entry.digest for part in plan.parts
    ]
    assert () == plan.begun


def test_an_orphaned_attestation_goes_and_the_others_stay() -> None:
    plan = planned(index(AMD64, ARM64, attestation(OTHER), attestation(AMD64)))
    assert [AMD64.digest, ARM64.digest, attestation(AMD64).digest] == [
        part.entry.digest for part in plan.parts
    ]
    assert ["MFL109"] == rules(plan.fixed)


def test_an_entry_whose_image_is_gone_goes() -> None:
    plan = planned(index(AMD64, GONE, ARM64), gone=[GONE])
    assert ["linux/amd64", "linux/arm64"] == platforms(plan)
    assert ["MFL201"] == rules(plan.fixed)


def test_an_entry_whose_image_is_gone_is_pointed_at_the_one_that_a_tag_beside_it_names() -> None:
    again = image("linux", "s390x", name="built again")
    seen = observation(index(AMD64, GONE, PPC), looks={GONE.digest: ABSENT}, tag="v1")
    beside = observation(again, tag="v1-s390x")
    assert beside.root is not None
    plan = plan_for(seen, judging(), (), [Spare(beside.root, beside.reference)])
    assert plan is not None
    assert ["linux/amd64", "linux/s390x", "linux/ppc64le"] == platforms(plan)
    assert again.digest == plan.parts[1].entry.digest
    assert f"test/team/app@{again.digest}" == str(plan.parts[1].source)
    assert (["MFL201"], ()) == (rules(plan.fixed), plan.begun)


def test_an_entry_whose_platform_another_one_offers_is_not_pointed_anywhere() -> None:
    again = image("linux", "s390x", name="built again")
    seen = observation(index(AMD64, GONE, again), looks={GONE.digest: ABSENT})
    beside = observation(again, tag="latest-s390x")
    assert beside.root is not None
    plan = plan_for(seen, judging(), (), [Spare(beside.root, beside.reference)])
    assert plan is not None
    assert [AMD64.digest, again.digest] == [part.entry.digest for part in plan.parts]


def test_an_entry_that_the_policy_demands_stays_until_it_is_built() -> None:
    policy = Policy(requirements=(Requirement((Platform("linux", "s390x"),)),))
    plan = planned(index(AMD64, GONE), policy, gone=[GONE])
    assert not plan.changes
    (left,) = plan.left
    assert left.rebuild
    assert "the policy demands linux/s390x" in left.why


def test_a_list_never_becomes_empty() -> None:
    plan = planned(index(GONE), gone=[GONE])
    assert not plan.changes
    assert "the list would be empty" in plan.left[0].why


def test_a_list_that_does_not_say_what_it_is_says_it() -> None:
    bare = index(AMD64, ARM64)
    fields = msgspec.json.decode(bare.raw)
    del fields["mediaType"]
    built = msgspec.structs.replace(bare, raw=msgspec.json.encode(fields))
    plan = planned(built)
    assert bare.media_type == msgspec.json.decode(plan.raw)["mediaType"]
    assert ["MFL213"] == rules(plan.fixed)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("MFL204", {"size": len(ARM64.raw) + 1}),
        ("MFL205", {"mediaType": "application/vnd.docker.distribution.manifest.v2+json"}),
    ],
)
def test_what_an_entry_says_wrongly_of_its_child_is_corrected(rule: str, changes: Any) -> None:
    plan = planned(index(AMD64, ARM64, annotate={1: changes}))
    assert index(AMD64, ARM64).raw == plan.raw
    assert [rule] == [one for one in rules(plan.fixed) if one != "MFL208"]


def test_all_faults_of_a_list_go_in_one_plan() -> None:
    built = index(
        AMD64,
        NEWER,
        ARM64,
        ARMV6,
        GONE,
        attestation(OTHER),
        attestation(AMD64),
        annotate={
            0: {"platform": "linux/x86_64"},
            2: {"platform": None},
            3: {"platform": "linux/arm"},
        },
    )
    plan = planned(built, gone=[GONE])
    assert ["linux/amd64", "linux/arm64", "linux/arm/v6"] == platforms(plan)
    assert NEWER.digest == plan.parts[0].entry.digest
    mended = {"MFL102", "MFL103", "MFL104", "MFL105", "MFL109", "MFL201"}
    assert mended <= set(rules(plan.fixed))
    assert ((), (), ()) == (plan.left, plan.begun, plan.refused)


def test_a_plan_for_what_is_right_does_nothing() -> None:
    built = index(AMD64, ARM64, attestation(AMD64), attestation(ARM64))
    plan = planned(built)
    assert (built.raw, False) == (plan.raw, plan.changes)


def test_naming_an_image_what_another_one_is_named_is_refused() -> None:
    plan = planned(index(AMD64, OTHER, ARM, annotate={1: {"platform": None}}))
    assert ["linux/amd64", "None", "linux/arm/v7"] == platforms(plan)
    assert 1 == len(plan.refused)
    assert "entry 1 is for linux/amd64 too, as entry 0 is" in plan.refused[0]


def test_two_labels_that_were_swapped_are_swapped_back_without_a_clash() -> None:
    built = index(
        ARM64,
        ARMV6,
        annotate={0: {"platform": "linux/arm64v8"}, 1: {"platform": "linux/armv6"}},
    )
    plan = planned(built)
    assert (["linux/arm64", "linux/arm/v6"], ()) == (platforms(plan), plan.refused)


@pytest.mark.parametrize(
    ("built", "rule", "why"),
    [
        (index(ARM64, image(config={"os": ""})), "MFL111", "the config is a part of"),
        (
            index(AMD64, image("linux", "arm64", manifest={"mediaType": None})),
            "MFL213",
            "bytes are",
        ),
    ],
)
def test_what_needs_another_image_is_said_to_need_a_build(
    built: Built, rule: str, why: str
) -> None:
    plan = planned(built)
    left = next(one for one in plan.left if one.finding.rule == rule)
    assert left.rebuild
    assert why in left.why
    assert not plan.changes


def app(arch: str, program: bytes, variant: str = "") -> Built:
    return image("linux", arch, variant, files={"app/hello": program})


@pytest.mark.parametrize(
    ("label", "child", "expected"),
    [
        ("linux/arm64", app("s390x", elf("s390x")), "linux/s390x"),
        ("linux/arm/v6", app("arm", elf("arm", flags=HARD, arch=10), "v7"), "linux/arm/v7"),
        ("linux/arm/v7", app("arm", elf("arm", flags=HARD, arch=6), "v6"), "linux/arm/v6"),
    ],
)
def test_a_contradiction_is_mended_where_the_program_shows_that_the_config_is_right(
    label: str, child: Built, expected: str
) -> None:
    built = index(AMD64, child, annotate={1: {"platform": label}})
    unread = planned(built)
    assert unread.wants_layers
    (left,) = (one for one in unread.left if one.finding.rule == "MFL101")
    assert (False, True) == (left.rebuild, "its layers were not read" in left.why)
    plan = planned(built, deep=True)
    assert ["linux/amd64", expected] == platforms(plan)
    assert "MFL101" in rules(plan.fixed)
    assert ((), False) == (plan.refused, plan.wants_layers)


@pytest.mark.parametrize(
    ("label", "child", "why"),
    [
        ("linux/arm64", app("s390x", elf("arm64")), "built without --platform"),
        ("linux/arm64", app("s390x", elf("riscv64")), "does not show that the config is right"),
        ("linux/arm64", image("linux", "s390x"), "what it starts is not known"),
        ("linux/amd64/v2", app("amd64", elf("amd64"), "v3"), "more than its architecture"),
        ("linux/arm/v6", app("arm", elf("arm", flags=HARD, arch=6), "v7"), "is right for"),
    ],
)
def test_a_contradiction_that_no_program_decides_needs_a_build(
    label: str, child: Built, why: str
) -> None:
    plan = planned(index(PPC, child, annotate={1: {"platform": label}}), deep=True)
    left = next(one for one in plan.left if one.finding.rule == "MFL101")
    assert (True, False) == (left.rebuild, plan.changes)
    assert why in left.why


@pytest.mark.parametrize("more", [{}, {"other": b"!"}])
def test_a_proven_label_that_another_image_has_is_refused(more: dict[str, bytes]) -> None:
    wrong = image("linux", "amd64", files={"app/hello": elf("amd64"), **more})
    built = index(app("amd64", elf("amd64")), wrong, annotate={1: {"platform": "linux/arm64"}})
    plan = planned(built, deep=True)
    assert (False, 1) == (plan.changes, len(plan.refused))
    assert {"MFL101", "MFL601"} <= {one.finding.rule for one in plan.left}


def test_an_image_that_is_listed_twice_and_once_without_a_platform_stays_once() -> None:
    plan = planned(index(AMD64, AMD64, PPC, annotate={1: {"platform": None}}))
    assert ["linux/amd64", "linux/ppc64le"] == platforms(plan)
    assert (["MFL102", "MFL110"], ()) == (rules(plan.fixed), plan.refused)


def test_a_lone_image_has_no_list_to_be_mended() -> None:
    plan = planned(image(config={"os": ""}))
    assert (False, ["MFL111"]) == (plan.changes, [one.finding.rule for one in plan.left])


def test_a_document_of_two_meanings_is_not_touched() -> None:
    twice = document('{"schemaVersion": 2, "manifests": [], "manifests": []}', OCI.value[0])
    plan = planned(twice)
    assert (False, twice.raw) == (plan.changes, plan.raw)


def nodes(plan: Plan) -> tuple[Node, ...]:
    assert plan.after.root is not None
    return plan.after.root.children


def test_the_list_as_it_will_be_knows_all_that_was_seen_of_its_children() -> None:
    plan = planned(index(AMD64, GONE, ARM64), gone=[GONE])
    assert [(0, "linux/amd64"), (1, "linux/arm64")] == [
        (node.position, str(node.config.platform)) for node in nodes(plan) if node.config
    ]


def test_of_two_images_for_one_platform_the_one_stays_in_which_nothing_is_wrong() -> None:
    built = index(OTHER, ARM64, PPC, annotate={0: {"platform": "linux/arm64"}})
    plan = planned(built)
    assert [ARM64.digest, PPC.digest] == [part.entry.digest for part in plan.parts]
    assert {"MFL101", "MFL105"} <= set(rules(plan.fixed))


def test_what_stands_in_an_inner_list_is_said_to_and_needs_no_build() -> None:
    inner = index(
        image("linux", "amd64"), image("linux", "arm64"), annotate={0: {"platform": None}}
    )
    left = {one.finding.rule: one for one in planned(index(inner)).left}
    assert not left["MFL102"].rebuild
    assert left["MFL102"].why.startswith("it stands in an inner list")
