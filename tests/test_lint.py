"""The judge: loops, kinds, unknowns, crashes, overrides, fingerprints, order, reuse."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Kind, Look, LookState, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Requirement, Severity
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import (
    Check,
    Fault,
    Finding,
    Needs,
    NodeCase,
    Outcome,
    Rule,
    Scope,
    Siblings,
    TagCase,
)
from mfl_lint.lint import judge, judge_name, judge_tree
from mfl_lint.rules import discover
from tests.builders import artifact, attestation, image, index, observation
from tests.rules.cases import ABSENT, DENIED, judged, outcome, severities

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
OTHER = image("linux", "amd64", name="other")
RULES: Final = discover()
POLICY: Final = Policy()
NOBODY: Final = Siblings(tags=())
ROOT: Final = Path(__file__).parents[1]


def made(check: Check, scope: Scope = Scope.ENTRY, **fields: Any) -> Rule:
    """Return a rule of this test's own."""
    given: dict[str, Any] = {
        "needs": (Needs.INDEX,),
        "kinds": frozenset({Kind.IMAGE}),
        "id": "MFL999",
        **fields,
    }
    return Rule(
        slug="made",
        severity=Severity.ERROR,
        scope=scope,
        what="what",
        sections={},
        check=check,
        **given,
    )


def every(case: NodeCase) -> Iterator[Fault]:
    yield Fault(f"entry {case.node.position}", ("run {reference} of {name}",))


def test_each_entry_of_the_right_kind_is_judged_once() -> None:
    built = index(AMD64, ARM64, attestation(AMD64), index(OTHER))
    findings = judged(made(every), built).findings
    assert [("linux/amd64", 0), ("linux/arm64", 1), ("linux/amd64", 0)] == [
        (item.platform, item.position) for item in findings
    ]


def test_documents_are_judged_from_the_root_down() -> None:
    rule = made(every, Scope.DOCUMENT, kinds=frozenset(Kind))
    findings = judged(rule, index(AMD64, attestation(AMD64))).findings
    assert [None, 0, 1] == [item.position for item in findings]


def test_indexes_are_judged_nested_ones_too() -> None:
    assert 2 == len(judged(made(every, Scope.INDEX), index(index(AMD64))).findings)


@pytest.mark.parametrize("scope", [Scope.ENTRY, Scope.INDEX, Scope.TAG])
def test_rules_for_images_do_not_judge_artifacts(scope: Scope) -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    judgement = judged(made(every_tag if scope is Scope.TAG else every, scope), index(chart))
    assert (Outcome.NOT_APPLICABLE, ()) == (outcome(judgement), judgement.findings)


def every_tag(case: TagCase) -> Iterator[Fault]:
    yield Fault(f"tag {case.reference.tag}", ("nothing",))


def test_a_tag_is_judged_once() -> None:
    (finding,) = judged(made(every_tag, Scope.TAG), index(AMD64, ARM64)).findings
    assert ("", None, index(AMD64, ARM64).digest) == (
        finding.platform,
        finding.position,
        finding.digest,
    )


def test_placeholders_in_a_fix_become_the_reference() -> None:
    (finding,) = judged(made(every), index(AMD64), tag="v1").findings
    assert "run test/team/app:v1 of test/team/app" == finding.fix


@pytest.mark.parametrize("scope", [Scope.ENTRY, Scope.INDEX, Scope.TAG])
def test_a_tree_of_which_no_kind_was_seen_is_unknown(scope: Scope) -> None:
    looks = {AMD64.digest: DENIED, ARM64.digest: DENIED}
    rule = made(every_tag if scope is Scope.TAG else every, scope)
    judgement = judged(rule, index(AMD64, ARM64), looks=looks)
    assert (Outcome.UNKNOWN, ()) == (outcome(judgement), judgement.findings)


def test_a_child_that_was_not_seen_makes_the_rule_unknown_and_keeps_the_others_findings() -> None:
    judgement = judged(made(every), index(AMD64, ARM64), looks={ARM64.digest: DENIED})
    assert Outcome.UNKNOWN == outcome(judgement)
    assert [0] == [item.position for item in judgement.findings]
    assert "linux/arm64: denied: 401" == judgement.verdicts[0].detail


def test_a_child_that_is_absent_is_not_judged_and_not_unknown() -> None:
    judgement = judged(made(every), index(AMD64, ARM64), looks={ARM64.digest: ABSENT})
    assert (Outcome.FAIL, 1) == (outcome(judgement), len(judgement.findings))


def unsure(case: NodeCase) -> Iterator[Fault]:
    if case.node.position == 0:
        raise NotObserved("the first")
    yield Fault("the second", ("nothing",))


def test_what_a_rule_did_not_observe_is_unknown_and_the_others_are_judged() -> None:
    judgement = judged(made(unsure), index(AMD64, ARM64))
    assert (Outcome.UNKNOWN, "the first") == (outcome(judgement), judgement.verdicts[0].detail)
    assert ["the second"] == [item.message for item in judgement.findings]


def broken(case: NodeCase) -> Iterator[Fault]:
    raise ZeroDivisionError("a secret detail")


def test_a_rule_that_raises_is_crashed_and_logged_and_the_others_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rules = [made(broken, id="MFL998"), made(every)]
    with caplog.at_level(logging.ERROR):
        judgement = judge(observation(index(AMD64)), rules, POLICY, NOBODY)
    assert [Outcome.CRASHED, Outcome.FAIL] == [item.outcome for item in judgement.verdicts]
    assert "ZeroDivisionError" == judgement.verdicts[0].detail
    assert ["MFL999"] == [item.rule for item in judgement.findings]
    assert ["MFL998"] == list(judgement.unknown_rules())
    assert "rule MFL998 crashed" in caplog.text


def test_a_crash_at_one_node_keeps_what_was_found_at_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def half(case: NodeCase) -> Iterator[Fault]:
        yield Fault(f"{1 // (case.node.position or 0)}", ("nothing",))

    judgement = judged(made(half), index(AMD64, ARM64))
    assert (Outcome.CRASHED, 1) == (outcome(judgement), len(judgement.findings))
    assert caplog.records


def test_disabled_rules_do_not_run() -> None:
    for name in ("MFL999", "made"):
        judgement = judged(made(broken), index(AMD64), Policy(disabled=frozenset({name})))
        assert (Outcome.NOT_APPLICABLE, "disabled") == (
            outcome(judgement),
            judgement.verdicts[0].detail,
        )


def test_the_policy_s_severity_wins_over_the_rule_s_and_the_fault_s() -> None:
    def mild(case: NodeCase) -> Iterator[Fault]:
        yield Fault("mild", ("nothing",), Severity.WARNING)

    louder = Policy(severities={"MFL999": Severity.INFO})
    assert ["error"] == severities(judged(made(every), index(AMD64)))
    assert ["warning"] == severities(judged(made(mild), index(AMD64)))
    assert ["info"] == severities(judged(made(mild), index(AMD64), louder))


@pytest.mark.parametrize("state", list(LookState)[1:])
def test_a_tag_that_was_not_seen_has_no_findings_and_all_rules_are_unknown(
    state: LookState,
) -> None:
    judgement = judge(observation(None, look=Look(state, "why")), RULES, POLICY, NOBODY)
    assert () == judgement.findings
    assert {Outcome.UNKNOWN} == {item.outcome for item in judgement.verdicts}
    assert {f"{state}: why"} == {item.detail for item in judgement.verdicts}


def test_a_digest_whose_bytes_are_others_is_found_and_all_else_is_unknown() -> None:
    reference = Reference("test", "team/app", digest=AMD64.digest)
    look = Look(LookState.INVALID, "other bytes", mismatch=Digest(f"sha256:{'b' * 64}"))
    at = datetime(2026, 3, 1, tzinfo=UTC)
    judgement = judge(Observation("test", reference, at, look), RULES, POLICY, NOBODY)
    assert ["MFL203"] == [item.rule for item in judgement.findings]
    outcomes = {item.rule: item.outcome for item in judgement.verdicts}
    assert Outcome.FAIL == outcomes.pop("MFL203")
    assert {Outcome.UNKNOWN} == set(outcomes.values())


def test_a_signature_s_tag_is_judged_as_documents_only() -> None:
    built = index(AMD64, image("linux", "arm"), annotate={0: {"size": 1}})
    judgement = judge(observation(built, tag=f"sha256-{'a' * 64}.sig"), RULES, POLICY, NOBODY)
    assert ["MFL204"] == [item.rule for item in judgement.findings]
    outcomes = {item.rule: item.outcome for item in judgement.verdicts}
    assert Outcome.NOT_APPLICABLE == outcomes["MFL104"] == outcomes["MFL401"]


def marks(findings: tuple[Finding, ...]) -> list[str]:
    return [item.fingerprint for item in findings]


def test_a_new_push_with_the_same_fault_is_the_same_finding() -> None:
    first = judged(made(every), index(AMD64, ARM64)).findings
    again = image("linux", "arm64", name="built again")
    second = judged(made(every), index(again, OTHER)).findings
    assert sorted(marks(first)) == sorted(marks(second))


def test_equal_subjects_are_told_apart_by_their_order() -> None:
    findings = judged(made(every), index(AMD64, OTHER)).findings
    assert 2 == len(set(marks(findings)))
    assert ["linux/amd64", "linux/amd64"] == [item.subject for item in findings]


def test_other_spellings_of_a_platform_are_the_same_subject() -> None:
    plain = judged(made(every), index(AMD64)).findings
    spelt = judged(made(every), index(AMD64, annotate={0: {"platform": "Linux/x86_64"}})).findings
    assert marks(plain) == marks(spelt)
    assert ["Linux/x86_64"] == [item.platform for item in spelt]


def test_windows_builds_are_subjects_of_their_own() -> None:
    builds = [image("windows", "amd64", os_version=f"10.0.{n}.1") for n in (17763, 20348)]
    subjects = [item.subject for item in judged(made(every), index(*builds)).findings]
    assert ["windows(10.0.17763.1)/amd64", "windows(10.0.20348.1)/amd64"] == subjects


def test_registry_repository_and_tag_make_findings_different() -> None:
    seen = observation(index(AMD64))
    elsewhere = msgspec.structs.replace(seen, registry="other")
    found = [
        judge(item, [made(every)], POLICY, NOBODY).findings[0].fingerprint
        for item in (
            seen,
            elsewhere,
            observation(index(AMD64), repository="team/other"),
            observation(index(AMD64), tag="v1"),
        )
    ]
    assert 4 == len(set(found))


def test_a_fault_may_name_its_subject() -> None:
    def named(case: NodeCase) -> Iterator[Fault]:
        yield Fault("named", ("nothing",), subject="thing")

    (finding,) = judged(made(named), index(AMD64)).findings
    assert "thing" == finding.subject


def test_the_worst_findings_come_first_then_by_rule_and_position() -> None:
    def mixed(case: NodeCase) -> Iterator[Fault]:
        yield Fault("info", ("nothing",), Severity.INFO)
        yield Fault("error", ("nothing",), Severity.ERROR)

    rules = [made(every, id="MFL990"), made(mixed, id="MFL100")]
    findings = judge(observation(index(AMD64, ARM64)), rules, POLICY, NOBODY).findings
    assert [
        ("error", "MFL100", 0),
        ("error", "MFL100", 1),
        ("error", "MFL990", 0),
        ("error", "MFL990", 1),
        ("info", "MFL100", 0),
        ("info", "MFL100", 1),
    ] == [(item.severity, item.rule, item.position) for item in findings]


def test_what_a_registry_says_becomes_one_bounded_printable_line() -> None:
    def loud(case: NodeCase) -> Iterator[Fault]:
        yield Fault("\x1b[31m\r\n\u202e" + "x" * 5000, ("fix\n\ud800",), subject="\x00")

    (finding,) = judged(made(loud), index(AMD64)).findings
    assert finding.message.startswith("\\x1b[31m\\r\\n\\u202exxx")
    assert len(finding.message) < 1000
    assert "fix\\n\\ud800" == finding.fix


def test_a_tree_judged_before_gives_the_same_judgement() -> None:
    seen = observation(index(AMD64, OTHER, image("linux", "arm")), tag="v1-amd64")
    assert seen.root is not None
    tree = judge_tree(seen.root, RULES, POLICY)
    reused = judge(seen, RULES, POLICY, NOBODY, tree=tree)
    assert judge(seen, RULES, POLICY, NOBODY) == reused
    assert {"MFL104", "MFL105", "MFL303", "MFL305"} <= {item.rule for item in reused.findings}


def test_a_tree_is_judged_again_where_a_sparse_tag_requires_something_else() -> None:
    policy = Policy(requirements=(Requirement((Platform("linux", "arm64"),), tags=("v*",)),))
    built, looks = index(AMD64, ARM64), {ARM64.digest: ABSENT}
    latest = observation(built, looks=looks)
    assert latest.root is not None
    tree = judge_tree(latest.root, RULES, policy, sparse=True)
    told = {
        tag: [
            item.severity
            for item in judge(
                observation(built, looks=looks, tag=tag),
                RULES,
                policy,
                NOBODY,
                sparse=True,
                tree=tree,
            ).findings
            if item.rule == "MFL201"
        ]
        for tag in ("latest", "v1")
    }
    assert {"latest": ["info"], "v1": ["error"]} == told


def test_names_are_judged_by_themselves() -> None:
    reference = Reference("test", "team/app-arm64", "v1")
    judgement = judge_name("test", reference, RULES, POLICY, NOBODY)
    assert ["MFL301", "MFL302"] == [item.rule for item in judgement.verdicts]
    (finding,) = judgement.findings
    assert ("", "test/team/app-arm64") == (finding.tag, finding.reference)
    assert not any(
        item.rule in ("MFL301", "MFL302")
        for item in judge(observation(AMD64), RULES, POLICY, NOBODY).verdicts
    )


def test_a_healthy_tag_passes_every_rule() -> None:
    seen = observation(index(AMD64, ARM64, attestation(AMD64), attestation(ARM64)))
    judgement = judge(seen, RULES, POLICY, NOBODY)
    assert () == judgement.findings
    unasked = {item.rule for item in judgement.verdicts if item.outcome is not Outcome.PASS}
    assert {"MFL501", "MFL503", "MFL601", "MFL605"} == unasked
    assert {Outcome.PASS, Outcome.NOT_APPLICABLE} == {item.outcome for item in judgement.verdicts}


SCRIPT: Final = """
import random, sys
import msgspec
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Siblings
from mfl_lint.lint import judge, judge_name
from mfl_lint.core.reference import Reference
from mfl_lint.rules import discover, judged_hash
from tests.builders import attestation, image, index, observation
from tests.rules.cases import DENIED, summary
rules = discover()
policy = Policy(disabled=frozenset({"MFL213", "MFL109", "MFL999"}), windows_builds=("1", "2"))
one, two, three = (image("linux", "amd64", name=n) for n in "abc")
windows = image("windows", "amd64", os_version="10.0.20348.1")
built = index(one, two, three, image("linux", "arm"), windows, attestation(one),
              annotate={2: {"platform": "linux/X86_64", "size": -1}})
names = ["a/app-arm64", "a/app-s390x", "a/app-amd64", "a/app"]
tags = tuple(summary(t, "linux/arm64") for t in ("v1-s390x", "v1-arm64", "v1"))
rules = list(rules); random.Random(int(sys.argv[1])).shuffle(rules)
siblings = Siblings(tags=tags, repositories=tuple(names))
looks = {two.digest: DENIED}
seen = observation(built, tag="v1-amd64", looks=looks)
for judgement in (judge(seen, rules, policy, siblings),
                  judge_name("t", Reference("t", names[0]), rules, policy, siblings)):
    for finding in judgement.findings:
        print(msgspec.json.encode(finding).decode())
    for verdict in sorted(judgement.verdicts, key=lambda item: item.rule):
        print(msgspec.json.encode(verdict).decode())
print(judged_hash(rules, policy))
"""


def test_another_process_hash_seed_and_order_of_rules_find_the_same() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, str(seed)],
            env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in (1, 2, 3)
    }
    (text,) = told
    assert 11 == text.count("fingerprint")
