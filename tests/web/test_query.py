"""Parameters, bounded and checked; the wrong ones are in test_failures."""

from __future__ import annotations

from datetime import timedelta

from aiohttp.test_utils import make_mocked_request

from mfl_lint.core.views import FindingFilter
from mfl_lint.web.query import FINDINGS, Query, finding_filter, read_query
from tests.web.filled_store import NOW


def asked(path: str) -> Query:
    return read_query(make_mocked_request("GET", path), FINDINGS)


def test_empty_values_of_a_form_demand_nothing() -> None:
    assert FindingFilter() == finding_filter(
        asked("/findings?registry=&rule=&severity=&limit="), NOW
    )


def test_values_are_taken_as_they_are_asked_for() -> None:
    expected = FindingFilter(
        registry="hub",
        repository="team/*",
        tag="v1",
        rule="MFL101",
        platform="linux/arm64",
        severities=("error", "info"),
        states=("resolved",),
    )
    path = (
        "/findings?registry=hub&repository=team/*&tag=v1&rule=MFL101&platform=linux/arm64"
        "&severity=error,info&severity=error&state=resolved"
    )
    assert expected == finding_filter(asked(path), NOW)


def test_the_bounds_themselves_are_allowed() -> None:
    query = asked(f"/findings?limit=200&cursor={'a' * 500}&repository={'a' * 200}")

    assert (200, 500, 200) == (query.limit, len(query.cursor or ""), len(query.text("repository")))


def test_a_changed_query_keeps_the_rest() -> None:
    query = asked("/findings?severity=error&severity=info&cursor=x")

    assert "?severity=error&severity=info&cursor=a%26b" == query.encoded(cursor="a&b")
    assert "?severity=error&severity=info" == query.encoded(cursor=None)
    assert "" == asked("/findings").encoded(cursor=None)


def test_an_age_is_told_from_now() -> None:
    young = finding_filter(asked("/findings?age=<36h"), NOW)
    old = finding_filter(asked("/findings?age=>30d"), NOW)

    assert (NOW - timedelta(hours=36), None) == (young.seen_after, young.seen_before)
    assert (None, NOW - timedelta(days=30)) == (old.seen_after, old.seen_before)


def test_what_is_asked_for_can_be_taken_away_one_by_one() -> None:
    query = asked("/findings?severity=error&severity=info&tag=v1&cursor=x&limit=5")

    assert [
        ("severity", "error", "?tag=v1&limit=5&severity=info"),
        ("severity", "info", "?tag=v1&limit=5&severity=error"),
        ("tag", "v1", "?severity=error&severity=info&limit=5"),
    ] == list(query.demands)
