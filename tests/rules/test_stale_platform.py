from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Judgement, Outcome
from mfl_lint.rules.stale_platform import stale_platform as rule
from tests.builders import Built, BuiltImage, attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome

REVISION = "org.opencontainers.image.revision"
NEW, OLD = "2026-03-01T12:00:00Z", "2026-02-01T12:00:00Z"


def dated(arch: str, created: str, **more: str) -> BuiltImage:
    os, version = more.pop("os", "linux"), more.pop("os_version", "")
    labels = {"config": {"Labels": more}} if more else {}
    return image(os, arch, os_version=version, created=created, config=labels)


def aged(created: str) -> Judgement:
    return judged(rule, index(dated("amd64", NEW), dated("arm64", created)))


FAILING = aged(OLD)
PASSING = aged(NEW)


def test_the_message_has_both_days() -> None:
    finding = only(FAILING)
    assert ("warning", "linux/arm64", 1) == (finding.severity, finding.subject, finding.position)
    expected = "linux/arm64 is of 2026-02-01, 28 days older than linux/amd64 of 2026-03-01"
    assert expected == finding.message


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-02-15T12:00:00Z", Outcome.PASS),
        ("2026-02-15T11:59:59Z", Outcome.FAIL),
        ("2026-02-15T12:59:59.123456789+01:00", Outcome.FAIL),
    ],
)
def test_fourteen_days_are_allowed(created: str, expected: Outcome) -> None:
    assert expected == outcome(aged(created))


def test_the_policy_says_how_many_days() -> None:
    built = index(dated("amd64", NEW), dated("arm64", OLD))
    assert Outcome.PASS == outcome(judged(rule, built, Policy(stale_days=28)))
    assert Outcome.FAIL == outcome(judged(rule, built, Policy(stale_days=27)))


@pytest.mark.parametrize(
    "created",
    ["", "1970-01-01T00:00:00Z", "1980-01-01T00:00:01Z", "0001-01-01T00:00:00Z", "yesterday"],
)
def test_a_time_that_no_build_had_is_not_compared(created: str) -> None:
    assert Outcome.PASS == outcome(aged(created))


def test_the_same_revision_passes_wherever_it_is_said() -> None:
    new, old = dated("amd64", NEW, **{REVISION: "abc"}), dated("arm64", OLD, **{REVISION: "abc"})
    assert Outcome.PASS == outcome(judged(rule, index(new, old)))
    other = dated("arm64", OLD, **{REVISION: "abd"})
    assert Outcome.FAIL == outcome(judged(rule, index(new, other)))
    said = {1: {"annotations": {REVISION: "abc"}}}
    assert Outcome.PASS == outcome(judged(rule, index(new, dated("arm64", OLD), annotate=said)))


def test_only_images_of_one_os_are_compared() -> None:
    windows = dated("amd64", OLD, os="windows", os_version="10.0.1.1")
    assert Outcome.PASS == outcome(judged(rule, index(dated("amd64", NEW), windows)))


def test_attestations_and_lone_images_have_no_siblings() -> None:
    old = dated("amd64", OLD)
    assert Outcome.PASS == outcome(judged(rule, index(old, attestation(old))))
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, old))


def test_what_was_not_seen_may_be_newer_or_older() -> None:
    new, old = dated("amd64", NEW), dated("arm64", OLD)
    built: Built = index(new, old)
    for digest in (digest_of(old.config), old.digest):
        assert Outcome.UNKNOWN == outcome(judged(rule, built, looks={digest: DENIED}))
    assert Outcome.PASS == outcome(judged(rule, built, looks={old.digest: ABSENT}))
