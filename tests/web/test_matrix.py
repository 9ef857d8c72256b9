"""Tags against platforms: what each cell says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mfl_lint.core.digest import Digest
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Ignore, Policy, Requirement, Severity
from mfl_lint.core.records import Entry, TagState
from mfl_lint.core.rule import Finding, TagSummary
from mfl_lint.core.truth import FindingState, Tracked
from mfl_lint.core.views import Counts, TagRow
from mfl_lint.web.items import TagItem
from mfl_lint.web.matrix import MAX_COLUMNS, column, matrix

NOW = datetime(2026, 3, 2, tzinfo=UTC)
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
NONE = Policy()
SEEN: dict[str, Any] = {
    "digest": Digest(f"sha256:{99:064x}"),
    "look": LookState.VERIFIED,
    "complete": True,
}
BOTH = Policy(requirements=(Requirement((AMD64, ARM64)),))


def digest(number: int) -> Digest:
    return Digest(f"sha256:{number:064x}")


def entry(
    position: int,
    platform: Platform | None,
    look: LookState | None = LookState.VERIFIED,
    kind: Kind = Kind.IMAGE,
) -> Entry:
    return Entry(position, Descriptor(digest=digest(position), platform=platform), kind, look)


AMD_ONLY, ARM_ONLY = (entry(0, AMD64),), (entry(0, ARM64),)


def tracked(
    position: int | None,
    platform: str,
    severity: Severity = Severity.ERROR,
    state: FindingState = FindingState.OPEN,
) -> Tracked:
    finding = Finding(
        rule="MFL999",
        slug="wrong",
        severity=severity,
        registry="hub",
        repository="a",
        tag="latest",
        reference="hub/a:latest",
        digest=None if position is None else digest(position),
        platform=platform,
        position=position,
        subject="",
        message="it is wrong",
        fix="",
        fingerprint=f"{position}{platform}{severity}",
    )
    return Tracked(finding, state, NOW, NOW)


def row_of(
    *entries: Entry, findings: tuple[Tracked, ...] = (), policy: Policy = NONE, **fields: Any
) -> TagItem:
    state = TagState("latest", **{**SEEN, **fields})
    return matrix([TagRow(state, entries, findings)], "hub", "a", policy, NOW).items[0]


def states(item: TagItem) -> dict[str, str]:
    return {name: cell.state for name, cell in item.cells.items()}


def test_what_was_seen_without_a_finding_is_ok() -> None:
    assert {"linux/amd64": "ok", "linux/arm64": "ok"} == states(
        row_of(entry(0, AMD64), entry(1, Platform("linux", "aarch64", "v8")))
    )


@pytest.mark.parametrize(
    ("look", "state"),
    [
        (LookState.ABSENT, "absent"),
        (LookState.DENIED, "unknown"),
        (LookState.UNREACHABLE, "unknown"),
        (LookState.INVALID, "unknown"),
        (None, "unknown"),
    ],
)
def test_a_look_that_failed_is_not_gone(look: LookState | None, state: str) -> None:
    assert {"linux/amd64": state} == states(row_of(entry(0, AMD64, look)))


def test_a_tag_that_was_not_seen_whole_is_not_certain_and_says_why() -> None:
    item = row_of(
        entry(0, AMD64),
        entry(1, ARM64, LookState.UNREACHABLE),
        entry(2, None, None),
        complete=False,
        unsettled=True,
    )

    assert "unknown" == item.state
    said = "not all of it was seen: linux/arm64 unreachable, entry 2 not looked at"
    assert said == item.detail
    assert {"linux/amd64": "ok", "linux/arm64": "unknown", "no platform": "unknown"} == states(item)


def test_what_was_fine_is_not_known_when_the_last_look_failed_and_says_since_when() -> None:
    findings = (
        tracked(1, "linux/arm64"),
        tracked(2, "linux/s390x", Severity.INFO),
    )
    entries = (entry(0, AMD64), entry(1, ARM64), entry(2, Platform("linux", "s390x")))
    item = row_of(
        *entries,
        findings=findings,
        look=LookState.UNREACHABLE,
        detail="no answer",
        verified_at=NOW,
    )

    since = "last confirmed 2026-03-02 00:00 UTC"
    assert f"not known now: no answer; {since}" == item.cells["linux/amd64"].reason
    assert f"MFL999 it is wrong; {since}" == item.cells["linux/arm64"].reason
    assert {
        "linux/amd64": "unknown",
        "linux/arm64": "error",
        "linux/s390x": "unknown",
    } == states(item)


def test_what_no_entry_explains_makes_every_platform_uncertain() -> None:
    item = row_of(entry(0, AMD64), entry(1, ARM64, LookState.ABSENT), complete=False)

    assert ("unknown", "not all of it was seen") == (item.state, item.detail)
    assert {"linux/amd64": "unknown", "linux/arm64": "absent"} == states(item)
    assert "not all of it was seen" == item.cells["linux/amd64"].reason


def test_a_rule_that_could_not_decide_leaves_the_tag_uncertain() -> None:
    item = row_of(entry(0, AMD64), unsettled=True)

    said = "a rule could not decide at the last look, the next one may"
    assert ("unknown", said) == (item.state, item.detail)
    assert {"linux/amd64": "unknown"} == states(item)


def test_what_waits_for_more_to_be_pushed_says_until_when() -> None:
    policy = Policy(settle_s=3600.0)
    waits: dict[str, Any] = {"unsettled": True, "moved_at": NOW, "looked_at": NOW}
    said = (
        "MFL401, MFL403, MFL501 may wait for more to be pushed, until 2026-03-02 01:00:00 UTC"
        " (policy.settle); a look after that decides"
    )
    assert said == row_of(entry(0, AMD64), policy=policy, **waits).detail
    later = waits | {"looked_at": NOW + timedelta(hours=1)}
    said = "a rule could not decide at the last look, the next one may"
    assert said == row_of(entry(0, AMD64), policy=policy, **later).detail


def test_what_is_certainly_wrong_is_worse_than_what_is_not_certain() -> None:
    item = row_of(entry(0, AMD64), findings=(tracked(0, "linux/amd64"),), unsettled=True)

    assert ("error", {"linux/amd64": "error"}) == (item.state, states(item))


def test_what_an_index_that_was_not_seen_offers_is_not_missing() -> None:
    blind = TagSummary("latest", is_index=True, platforms=None)
    nested = entry(1, None, LookState.UNREACHABLE, Kind.INDEX)
    item = row_of(entry(0, AMD64), nested, policy=BOTH, summary=blind, complete=False)

    assert {"linux/amd64": "ok", "linux/arm64": "unknown"} == states(item)


def test_a_finding_colours_the_cell_of_its_entry_and_gives_the_reason() -> None:
    item = row_of(entry(0, AMD64), entry(1, ARM64), findings=(tracked(1, "linux/arm64"),))

    assert {"linux/amd64": "ok", "linux/arm64": "error"} == states(item)
    assert "MFL999 it is wrong" == item.cells["linux/arm64"].reason
    assert ("error", Counts(error=1)) == (item.state, item.counts)


def test_a_finding_of_the_whole_tag_colours_no_cell() -> None:
    item = row_of(entry(0, AMD64), findings=(tracked(None, ""),))

    assert {"linux/amd64": "ok"} == states(item)
    assert Counts(error=1) == item.counts


def test_the_worst_of_several_wins() -> None:
    both = (tracked(0, "linux/amd64", Severity.INFO), tracked(0, "linux/amd64", Severity.WARNING))
    assert {"linux/amd64": "warning"} == states(row_of(entry(0, AMD64), findings=both))
    gone = entry(0, AMD64, LookState.ABSENT)
    assert {"linux/amd64": "absent"} == states(row_of(gone, findings=both))


def test_an_unknown_finding_is_unknown() -> None:
    lost = tracked(0, "linux/amd64", state=FindingState.UNKNOWN)
    item = row_of(entry(0, AMD64), findings=(lost,))

    assert {"linux/amd64": "unknown"} == states(item)
    assert Counts(unknown=1) == item.counts


def test_an_ignored_finding_neither_colours_nor_counts() -> None:
    policy = Policy(ignores=(Ignore("MFL999", "known"),))
    item = row_of(entry(0, AMD64), findings=(tracked(0, "linux/amd64"),), policy=policy)

    assert {"linux/amd64": "ok"} == states(item)
    assert (Counts(), 1) == (item.counts, item.ignored)


def test_what_the_policy_demands_and_is_not_there_is_missing() -> None:
    assert {"linux/amd64": "ok", "linux/arm64": "missing"} == states(
        row_of(entry(0, AMD64), policy=BOTH)
    )


def test_a_tag_that_was_never_seen_lacks_nothing_for_certain() -> None:
    never = TagRow(TagState("new", detail="no answer"), (), ())
    seen = TagRow(TagState("old", digest(1), LookState.VERIFIED, complete=True), AMD_ONLY, ())
    new, old = matrix([never, seen], "hub", "a", BOTH, NOW).items

    assert {"linux/amd64": "unknown", "linux/arm64": "unknown"} == states(new)
    assert "no answer" == new.cells["linux/amd64"].reason
    assert {"linux/amd64": "ok", "linux/arm64": "missing"} == states(old)


def test_a_column_of_another_tag_is_not_offered() -> None:
    one = TagRow(TagState("1", digest(1), LookState.VERIFIED, complete=True), AMD_ONLY, ())
    two = TagRow(TagState("2", digest(2), LookState.VERIFIED, complete=True), ARM_ONLY, ())
    drawn = matrix([one, two], "hub", "a", Policy(), NOW)

    assert ("linux/amd64", "linux/arm64") == drawn.platforms
    assert {"linux/amd64": "ok", "linux/arm64": "none"} == states(drawn.items[0])


def test_attestations_and_indexes_have_no_column_but_nested_images_do() -> None:
    unknown = Platform("unknown", "unknown")
    summary = TagSummary("latest", platforms=(AMD64,))
    item = row_of(
        entry(0, unknown, kind=Kind.ATTESTATION), entry(1, None, kind=Kind.INDEX), summary=summary
    )
    assert {"linux/amd64": "ok"} == states(item)


def test_columns_are_bounded_and_the_usual_come_first() -> None:
    odd = [entry(n, Platform("linux", f"cpu{n:03}")) for n in range(40)]
    state = TagState("latest", digest(99), LookState.VERIFIED)
    rows = [
        TagRow(state, (*odd, entry(50, ARM64), entry(51, AMD64)), ()),
        TagRow(state, (entry(0, ARM64), entry(1, AMD64)), ()),
    ]
    drawn = matrix(rows, "hub", "a", Policy(), NOW)

    assert ("linux/amd64", "linux/arm64") == drawn.platforms[:2]
    assert (MAX_COLUMNS, 42 - MAX_COLUMNS) == (len(drawn.platforms), drawn.more_platforms)


def test_the_builds_of_windows_share_a_column() -> None:
    builds = [Platform("windows", "amd64", "", f"10.0.{n}") for n in (17763, 20348)]
    assert {"windows/amd64"} == {column(build) for build in builds}
    assert "no platform" == column(None)
