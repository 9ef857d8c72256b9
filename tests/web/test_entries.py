"""What a tag consists of, row by row."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mfl_lint.core.observation import Look, LookState
from mfl_lint.web.entries import bounded_annotations, entries_of, is_attachment, parse_created
from tests.builders import attestation, image, index, node


def test_an_index_shows_its_entries_with_size_age_and_what_the_config_says() -> None:
    amd64, other = image("linux", "amd64"), image("linux", "amd64", name="other")
    built = index(amd64, other, attestation(amd64), annotate={1: {"platform": "linux/arm64"}})
    first, second, third = entries_of(node(built))

    assert ("0", "linux/amd64", "linux/amd64", False) == (
        first.path,
        first.platform,
        first.configured,
        first.contradicts,
    )
    assert len(amd64.config) + len(amd64.layers[0]) == first.size_bytes
    assert datetime(2026, 3, 1, 12, tzinfo=UTC) == first.created_at
    assert ("linux/arm64", "linux/amd64", True) == (
        second.platform,
        second.configured,
        second.contradicts,
    )
    assert [False, False, True] == [is_attachment(item) for item in (first, second, third)]


def test_nested_entries_stand_below_theirs() -> None:
    rows = entries_of(node(index(image(), index(image("linux", "arm64")))))

    assert [("0", 0), ("1", 0), ("1.0", 1)] == [(row.path, row.depth) for row in rows]


def test_a_lone_image_is_its_own_entry() -> None:
    (row,) = entries_of(node(image("linux", "s390x")))

    assert ("image", "linux/s390x", 1) == (row.kind, row.configured, row.layers)


def test_a_child_that_is_gone_keeps_its_place_and_says_why() -> None:
    arm64 = image("linux", "arm64")
    looks = {arm64.digest: Look(LookState.ABSENT, "manifest unknown")}
    _, row = entries_of(node(index(image(), arm64), looks=looks))

    assert ("absent", "manifest unknown", None) == (row.look, row.detail, row.created_at)
    assert len(arm64.raw) == row.size_bytes


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-03-01T12:00:00", "9999-12-31T23:59:59-23:00", "\x00"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert None is parse_created(text)


def test_times_with_nanoseconds_and_offsets_are_read() -> None:
    expected = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert expected == parse_created("2026-03-01T14:00:00.123456789+02:00")


def test_annotations_are_bounded() -> None:
    bounded = bounded_annotations({f"{n:03}": "x" * 10_000 for n in range(1000)})

    assert (50, 500) == (len(bounded), len(bounded["000"]))
