"""Parameters, bounded and checked; the wrong ones are in test_failures."""

from __future__ import annotations

from aiohttp.test_utils import make_mocked_request

from mfl_lint.core.views import FindingFilter
from mfl_lint.web.query import FINDINGS, Query, finding_filter, read_query


def asked(path: str) -> Query:
    return read_query(make_mocked_request("GET", path), FINDINGS)


def test_empty_values_of_a_form_demand_nothing() -> None:
    assert FindingFilter() == finding_filter(asked("/findings?registry=&rule=&severity=&limit="))


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
    assert expected == finding_filter(asked(path))


def test_the_bounds_themselves_are_allowed() -> None:
    query = asked(f"/findings?limit=200&cursor={'a' * 500}&repository={'a' * 200}")

    assert (200, 500, 200) == (query.limit, len(query.cursor or ""), len(query.text("repository")))


def test_a_changed_query_keeps_the_rest() -> None:
    query = asked("/findings?severity=error&severity=info&cursor=x")

    assert "?severity=error&severity=info&cursor=a%26b" == query.encoded(cursor="a&b")
    assert "?severity=error&severity=info" == query.encoded(cursor=None)
    assert "" == asked("/findings").encoded(cursor=None)
