from __future__ import annotations

from datetime import timedelta

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.history import Earlier, History
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Judgement, Outcome
from mfl_lint.lint import judge
from mfl_lint.rules.platform_lost import platform_lost as rule
from tests.builders import LOOKED_AT, Built, attestation, image, index, observation
from tests.rules.cases import DENIED, UNSEEN, judged, only, outcome

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
BOTH = ("linux/amd64", "linux/arm64")
HOUR = timedelta(hours=1)


def ago(hours: float, name: str, *platforms: str) -> Earlier:
    """Return what the tag was seen to point at from so long ago on."""
    given = tuple(Platform.parse(text) for text in platforms)
    return Earlier(digest_of(name.encode()), LOOKED_AT - hours * HOUR, given or None)


def lost(
    built: Built,
    *earlier: Earlier,
    hours: float = 7,
    repeated: bool = True,
    standing: tuple[str, ...] = (),
    proxy: bool = False,
    settle_s: float | None = 6 * 3600.0,
) -> Judgement:
    """Judge a tag that got its digest so many hours ago, where that settles for six."""
    held = tuple(Platform.parse(text) for text in standing)
    history = History(earlier, LOOKED_AT - hours * HOUR, repeated, held)
    return judged(rule, built, Policy(settle_s=settle_s), history=history, proxy=proxy)


FAILING = lost(AMD64, ago(48, "a", *BOTH))
PASSING = lost(index(AMD64, ARM64), ago(48, "a", *BOTH))


def test_the_message_says_what_is_there_and_the_fix_goes_back() -> None:
    finding = only(FAILING)
    assert ("error", "linux/arm64") == (finding.severity, finding.subject)
    expected = "linux/arm64 was offered before and is not now; offered: linux/amd64"
    assert expected == finding.message
    before = digest_of(b"a")
    assert "# build it again:" in finding.fix
    assert f"create -t test/team/app:latest test/team/app@{before}" in finding.fix


@pytest.mark.parametrize(
    ("hours", "repeated", "expected"),
    [
        (7, True, Outcome.FAIL),
        (5, True, Outcome.UNKNOWN),
        (7, False, Outcome.UNKNOWN),
        (0, False, Outcome.UNKNOWN),
    ],
)
def test_a_loss_is_believed_in_a_second_round_and_after_settling(
    hours: float, repeated: bool, expected: Outcome
) -> None:
    judgement = lost(AMD64, ago(48, "a", *BOTH), hours=hours, repeated=repeated)
    assert expected == outcome(judgement)
    assert (expected is Outcome.UNKNOWN) is ("settling" in judgement.verdicts[0].detail)


@pytest.mark.parametrize("settle_s", [None, 0.0])
def test_where_tags_are_pushed_whole_a_loss_is_believed_in_the_look_that_sees_it(
    settle_s: float | None,
) -> None:
    before = ago(48, "a", *BOTH)
    judgement = lost(AMD64, before, hours=0, repeated=False, settle_s=settle_s)
    assert "linux/arm64" == only(judgement).subject
    proxied = lost(AMD64, before, hours=0, repeated=False, settle_s=settle_s, proxy=True)
    expected = Outcome.UNKNOWN if settle_s is None else Outcome.FAIL
    assert expected == outcome(proxied)


def test_official_images_are_published_one_architecture_after_the_other() -> None:
    seen = observation(AMD64, registry="docker.io", repository="library/redis")
    for hours, expected in ((0, Outcome.UNKNOWN), (7, Outcome.FAIL)):
        past = History((ago(48, "a", *BOTH),), LOOKED_AT - hours * HOUR, repeated=hours > 0)
        judgement = judge(seen, [rule], Policy(), UNSEEN, history=past)
        assert expected == outcome(judgement)


def test_a_tag_that_moves_each_round_lost_it_when_the_first_digest_was_without() -> None:
    moves = [ago(2, "c", "linux/amd64"), ago(8, "b", "linux/amd64"), ago(48, "a", *BOTH)]
    assert Outcome.FAIL == outcome(lost(AMD64, *moves, hours=0, repeated=False))
    short = [ago(2, "b", "linux/amd64"), ago(48, "a", *BOTH)]
    assert Outcome.UNKNOWN == outcome(lost(AMD64, *short, hours=0, repeated=False))


def test_what_a_tag_offered_long_before_counts_as_well() -> None:
    moves = [ago(48, "b", "linux/amd64"), ago(96, "a", *BOTH)]
    assert "linux/arm64" == only(lost(AMD64, *moves)).subject


def test_a_loss_that_stands_stays_although_its_digest_is_forgotten() -> None:
    finding = only(lost(AMD64, ago(9, "x", "linux/amd64"), standing=("linux/arm64",)))
    assert "linux/arm64" == finding.subject
    assert "@sha256" not in finding.fix
    back = lost(index(AMD64, ARM64), standing=("linux/arm64",))
    assert Outcome.PASS == outcome(back)


def test_one_loss_that_stands_and_one_that_settles() -> None:
    before = ago(48, "a", *BOTH, "linux/s390x")
    judgement = lost(AMD64, before, hours=1, standing=("linux/arm64",))
    assert (Outcome.UNKNOWN, "linux/arm64") == (outcome(judgement), only(judgement).subject)


def test_spelling_is_no_loss_and_neither_are_attestations() -> None:
    before = ago(48, "a", "linux/x86_64", "linux/arm64/v8", "unknown/unknown")
    built = index(AMD64, ARM64, attestation(AMD64))
    assert Outcome.PASS == outcome(lost(built, before))


def test_a_monthly_update_of_windows_is_no_loss_and_another_build_is() -> None:
    def at(version: str) -> Built:
        return index(image("windows", "amd64", os_version=version))

    before = ago(48, "a", "windows(10.0.20348.2402)/amd64")
    assert Outcome.PASS == outcome(lost(at("10.0.20348.2527"), before))
    finding = only(lost(at("10.0.26100.1"), before))
    assert "windows(10.0.20348)/amd64" == finding.subject
    assert Platform.parse(finding.subject).full == finding.subject


def test_a_proxy_may_pass_on_trimmed_lists() -> None:
    assert "info" == only(lost(AMD64, ago(48, "a", *BOTH), proxy=True)).severity


def test_what_was_not_known_before_cannot_be_lost() -> None:
    assert Outcome.PASS == outcome(lost(AMD64, ago(48, "a")))
    assert Outcome.PASS == outcome(lost(AMD64))


def test_an_inner_index_that_was_not_seen_may_offer_it() -> None:
    inner = index(ARM64)
    history = History((ago(48, "a", *BOTH),), LOOKED_AT - 7 * HOUR, repeated=True)
    looks = {inner.digest: DENIED}
    judgement = judged(rule, index(AMD64, inner), history=history, looks=looks)
    assert Outcome.UNKNOWN == outcome(judgement)


def test_in_a_single_scan_nobody_asks() -> None:
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, AMD64))


def test_a_fix_names_the_digest_that_had_it_last() -> None:
    moves = [ago(20, "c", "linux/amd64"), ago(48, "b", *BOTH), ago(96, "a", *BOTH)]
    last: Digest = digest_of(b"b")
    assert f"@{last}" in only(lost(AMD64, *moves)).fix
