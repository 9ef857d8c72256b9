from datetime import UTC, datetime

import msgspec
import pytest

from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.rule import Judgement, Outcome, RuleVerdict
from mfl_lint.core.scan import Scan, ScannedTarget, scanned
from tests.builders import artifact, attestation, image, index, observation

NOTHING = Judgement((), ())
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64", variant="v8")
UNREACHABLE = Look(LookState.UNREACHABLE, "connection refused")


def _judged(*outcomes: Outcome) -> Judgement:
    return Judgement((), tuple(RuleVerdict(f"MFL{at}", one) for at, one in enumerate(outcomes)))


def _scan(*targets: ScannedTarget, problems: tuple[str, ...] = ()) -> Scan:
    return Scan(datetime(2026, 1, 1, tzinfo=UTC), targets, (), problems)


def test_a_target_lists_its_images_and_not_its_attestations() -> None:
    target = scanned(observation(index(AMD64, ARM64, attestation(AMD64))), NOTHING)
    assert ["linux/amd64", "linux/arm64/v8"] == [item.platform for item in target.platforms]
    assert [len(AMD64.raw), len(ARM64.raw)] == [item.size_bytes for item in target.platforms]
    assert {LookState.VERIFIED} == {item.state for item in target.platforms}


def test_an_image_without_a_list_takes_its_platform_from_its_config() -> None:
    (platform,) = scanned(observation(AMD64), NOTHING).platforms
    assert "linux/amd64" == platform.platform


def test_images_of_an_index_inside_are_listed_and_the_index_is_not() -> None:
    target = scanned(observation(index(AMD64, index(ARM64))), NOTHING)
    assert [AMD64.digest, ARM64.digest] == [item.digest for item in target.platforms]


def test_a_child_that_was_not_seen_is_listed_with_its_look() -> None:
    seen = observation(index(AMD64, ARM64), looks={ARM64.digest: UNREACHABLE})
    states = [item.state for item in scanned(seen, NOTHING).platforms]
    assert [LookState.VERIFIED, LookState.UNREACHABLE] == states


def test_an_artifact_has_no_platforms() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "application/x-tar", b"chart")
    assert () == scanned(observation(chart), NOTHING).platforms


def test_the_short_and_the_canonical_name_are_kept() -> None:
    seen = observation(AMD64, registry="docker.io", repository="library/app")
    target = scanned(seen, NOTHING)
    assert ("app:latest", "docker.io/library/app:latest") == (target.reference, target.canonical)


def test_a_look_that_failed_leaves_its_reason() -> None:
    target = scanned(observation(None, look=UNREACHABLE), NOTHING)
    assert (LookState.UNREACHABLE, "connection refused") == (target.state, target.detail)
    assert (None, "", ()) == (target.digest, target.media_type, target.platforms)


@pytest.mark.parametrize(
    ("outcome", "complete", "incomplete"),
    [
        (Outcome.PASS, 0, 0),
        (Outcome.FAIL, 0, 0),
        (Outcome.NOT_APPLICABLE, 0, 0),
        (Outcome.UNKNOWN, 0, 1),
        (Outcome.CRASHED, 1, 1),
    ],
)
def test_what_counts_as_undecided(outcome: Outcome, complete: int, incomplete: int) -> None:
    built = index(AMD64, ARM64)
    whole = scanned(observation(built), _judged(outcome))
    partial = scanned(observation(built, looks={ARM64.digest: UNREACHABLE}), _judged(outcome))
    assert (complete, incomplete) == (len(whole.undecided), len(partial.undecided))
    assert complete + incomplete == _scan(whole, partial).unknown


def test_a_scan_looked_only_if_all_was_seen_and_judged() -> None:
    whole = scanned(observation(AMD64), NOTHING)
    assert _scan(whole).looked
    assert _scan().looked
    absent = msgspec.structs.replace(whole, state=LookState.ABSENT)
    assert _scan(whole, absent).looked
    for state in set(LookState) - {LookState.VERIFIED, LookState.ABSENT}:
        assert not _scan(whole, msgspec.structs.replace(whole, state=state)).looked
    assert not _scan(whole, problems=("a listing failed",)).looked
    assert not _scan(scanned(observation(AMD64), _judged(Outcome.CRASHED))).looked
