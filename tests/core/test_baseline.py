from datetime import UTC, datetime

import msgspec
import pytest

from mfl_lint.core.baseline import (
    Baseline,
    KnownFinding,
    baseline_of,
    mended,
    parse_baseline,
    was_seen,
    without_known,
)
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.core.scan import Scan, ScannedTarget

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NONE: frozenset[str] = frozenset()


def finding(letter: str, reference: str = "r.example/app:v1", rule: str = "MFL101") -> Finding:
    return Finding(
        rule=rule,
        slug="a-slug",
        severity=Severity.ERROR,
        registry="r.example",
        repository="app",
        tag="v1",
        reference=reference,
        digest=None,
        platform="",
        position=None,
        subject="",
        message=f"message {letter}",
        fix="",
        fingerprint=letter * 64,
    )


def target(
    name: str = "r.example/app:v1",
    state: LookState = LookState.VERIFIED,
    open_rules: tuple[str, ...] = (),
) -> ScannedTarget:
    return ScannedTarget(name, None, "", state, "", (), canonical=name, open_rules=open_rules)


def scan(*findings: Finding, targets: tuple[ScannedTarget, ...] = (target(),)) -> Scan:
    return Scan(NOW, targets, findings)


def test_a_baseline_is_written_in_one_order_and_read_back() -> None:
    one, other = finding("b"), finding("a", rule="MFL301")
    written = baseline_of(scan(one, other))
    assert written == baseline_of(scan(other, one))
    assert ["b" * 64, "a" * 64] == [item.fingerprint for item in written.findings]
    assert written == parse_baseline(msgspec.json.encode(written))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"version":2,"findings":[]}',
        b'{"version":1,"findings":[{}]}',
        b'{"version":1,"findings":[{"reference":"r","rule":"r","message":"m","fingerprint":"X"}]}',
        b'{"version":1,"findings":[{"reference":1,"rule":"r","message":"m","fingerprint":"X"}]}',
    ],
)
def test_what_is_no_baseline_is_refused_in_one_line(raw: bytes) -> None:
    with pytest.raises(ConfigInvalid, match="this is no baseline, write it anew: ") as caught:
        parse_baseline(raw)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_what_is_known_is_apart_and_what_is_new_counts() -> None:
    old, new = finding("a"), finding("b")
    left = without_known(scan(old, new), baseline_of(scan(old)))
    assert ((new,), (old,), 1) == (left.findings, left.known, left.count(Severity.ERROR))


def test_a_known_finding_with_other_words_is_still_known() -> None:
    old = finding("a")
    now = msgspec.structs.replace(old, message="other", severity=Severity.INFO, position=3)
    assert (now,) == without_known(scan(now), baseline_of(scan(old))).known


def _mended(now: Scan, disabled: frozenset[str] = NONE, ignored: frozenset[str] = NONE) -> int:
    old = baseline_of(scan(finding("a")))
    return len(mended(without_known(now, old), old, disabled, ignored))


def test_a_finding_is_mended_only_when_its_rule_looked_and_did_not_find_it() -> None:
    assert 1 == _mended(scan())
    assert 0 == _mended(scan(finding("a")))
    assert 0 == _mended(scan(targets=()))
    assert 0 == _mended(scan(targets=(target("r.example/app:v2"),)))
    assert 0 == _mended(scan(targets=(target(open_rules=("MFL101",)),)))
    assert 1 == _mended(scan(targets=(target(open_rules=("MFL102",)),)))
    assert 0 == _mended(scan(), disabled=frozenset({"MFL101"}))
    assert 0 == _mended(scan(), ignored=frozenset({"a" * 64}))


@pytest.mark.parametrize("state", [state for state in LookState if state != LookState.VERIFIED])
def test_of_what_was_not_seen_nothing_is_mended(state: LookState) -> None:
    unseen = scan(targets=(target(state=state),))
    assert (0, False) == (_mended(unseen), was_seen(unseen))


def test_a_problem_besides_the_targets_is_something_unseen() -> None:
    assert was_seen(scan())
    assert not was_seen(msgspec.structs.replace(scan(), problems=("no catalogue",)))


def test_an_empty_baseline_changes_nothing() -> None:
    one = scan(finding("a"))
    assert one == without_known(one, Baseline(1, ()))
    assert KnownFinding("r", "MFL101", "m", "a" * 64) != KnownFinding("r", "MFL101", "m", "b" * 64)
