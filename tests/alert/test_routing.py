"""Which news go where, and what is said of registries that cannot be seen and tags that flap."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from mfl_lint.alert.routing import MarkKey, announced, group_of, routed, wants
from mfl_lint.alert.settling import settled
from mfl_lint.config_alert import AlertConfig, DigestConfig
from mfl_lint.core.news import Group, Kind, Mark, News, Routed, Situation
from mfl_lint.core.policy import Severity
from tests.alert.stories import KNOWN, LONG_AGO, NOW, alerts, later, news, route

MATCHES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({}, {}, True),
    ({"registries": ("lab",)}, {}, False),
    ({"registries": ("h*",)}, {}, True),
    ({"repositories": ("team/*",)}, {}, True),
    ({"repositories": ("other/*",)}, {}, False),
    ({"repositories": ("other/*",)}, {"repository": "", "tag": ""}, True),
    ({"tags": ("v*",)}, {}, True),
    ({"tags": ("latest",)}, {}, False),
    ({"tags": ("latest",)}, {"tag": ""}, True),
    ({"rules": ("MFL101", "MFL102")}, {}, True),
    ({"rules": ("MFL102",)}, {}, False),
    ({"rules": ("MFL102",)}, {"rule": ""}, True),
    ({"severity": "error"}, {"severity": Severity.WARNING}, False),
    ({"severity": "warning"}, {"severity": Severity.WARNING}, True),
    ({"severity": "warning"}, {"severity": Severity.INFO}, False),
    ({"severity": "info"}, {"severity": Severity.INFO}, True),
]


@pytest.mark.parametrize(("settings", "changed", "expected"), MATCHES)
def test_a_route_takes_what_all_of_its_settings_match(
    settings: dict[str, Any], changed: dict[str, Any], expected: bool
) -> None:
    assert expected == wants(route(**settings), news(**changed))


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("repository", Group("team", "hub", "team/app")),
        ("registry", Group("team", "hub")),
        ("rule", Group("team", rule="MFL101")),
    ],
)
def test_news_are_told_together_as_the_route_says(by: str, expected: Group) -> None:
    assert expected == group_of(route(group_by=by), news())


def test_news_are_written_of_those_registries_only_that_a_route_names() -> None:
    report = alerts(route(digest=DigestConfig("daily")))
    told = alerts(route(registries=("h*",)))
    assert {"hub"} == announced(told, ["hub", "lab"])
    assert set() == announced(alerts(route(registries=("x",))), ["hub", "lab"])
    assert set() == announced(report, ["hub", "lab"])


def situation(*told: News, marks: tuple[Mark, ...] = (), **more: Any) -> Situation:
    fields = {"introduced": KNOWN} | more
    return Situation(told, marks={mark.key: mark for mark in marks}, **fields)


def kinds(made: Routed) -> list[str]:
    return [f"{one.group.route}:{one.news.kind}" for one in made.waiting]


def test_news_wait_in_every_route_that_wants_them_for_as_long_as_it_gathers() -> None:
    config = alerts(route("fast"), route("slow", wait_s=60.0), route("lab", registries=("lab",)))
    made = routed(situation(news()), config, NOW)
    assert [("fast", NOW), ("slow", later(minutes=1))] == [
        (one.group.route, one.due) for one in made.waiting
    ]


def test_only_the_states_that_a_route_names_are_told() -> None:
    config = alerts(route(states=("resolved",)))
    made = routed(situation(news(), news("b", Kind.RESOLVED)), config, NOW)
    assert ["team:resolved"] == kinds(made)


def test_news_that_are_a_week_old_are_none() -> None:
    old = news(at=NOW - timedelta(days=7, seconds=1))
    assert Routed() == routed(situation(old), alerts(), NOW)


def test_the_first_crawl_of_a_registry_is_summed_up_once_when_it_has_ended() -> None:
    first = [news(str(number)) for number in range(500)]
    made = routed(situation(*first, introduced={}), alerts(), NOW)
    (mark,) = made.marks
    assert ([], ("new", "team", "hub")) == (kinds(made), mark.key[:3])
    again = routed(situation(news("x"), marks=made.marks, introduced={}), alerts(), NOW)
    assert Routed() == again
    counts = {"hub": {Severity.ERROR: 500, Severity.WARNING: 3}}
    assert Routed() == settled(made.marks, {}, counts, {}, alerts(), NOW)
    summed = settled(made.marks, {}, counts, {"hub": NOW}, alerts(), NOW)
    ((told,), gone) = summed.waiting, summed.gone
    assert (Kind.INTRODUCED, 503, made.marks) == (told.news.kind, told.news.count, gone)
    assert "500 error, 3 warning, 0 info" in told.news.message


def test_news_after_the_first_crawl_are_told_though_they_are_routed_with_those_of_it() -> None:
    mixed = (news("a"), news("b", at=later(seconds=1)))
    made = routed(situation(*mixed, introduced={"hub": NOW}), alerts(), later(seconds=2))
    assert ["b"] == [one.news.fingerprint for one in made.waiting]


def test_an_outage_is_one_piece_of_news_and_its_end_another() -> None:
    hidden = [news(str(number), Kind.UNKNOWN) for number in range(500)]
    made = routed(situation(*hidden[:100]), alerts(), NOW)
    more = routed(situation(*hidden[100:], marks=made.marks), alerts(), NOW)
    assert (["team:unknown"], []) == (kinds(made), kinds(more))
    marks = made.marks
    for unknown, told in ((500, []), (300, []), (51, []), (50, ["team:recovered"])):
        after = settled(marks, {"hub": unknown}, {}, KNOWN, alerts(), NOW)
        assert told == kinds(after)
        marks = after.marks or marks
    assert "50 findings that are still unknown" in after.waiting[0].news.message
    back = [news(str(number), Kind.RECOVERED) for number in range(500)]
    assert Routed() == routed(situation(*back), alerts(), NOW)


def test_a_registry_that_is_unseen_hides_nothing_that_can_be_seen() -> None:
    made = routed(situation(news("a", Kind.UNKNOWN), news("b")), alerts(), NOW)
    assert ["team:unknown", "team:opened"] == kinds(made)


def flips(count: int, apart: timedelta = timedelta(minutes=10)) -> list[News]:
    """Return news of a finding that opens and resolves in turn."""
    turns = (Kind.OPENED, Kind.RESOLVED)
    return [news("a", turns[n % 2], id=str(n), at=NOW + n * apart) for n in range(count)]


def told_of(flapping: list[News], marks: tuple[Mark, ...] = ()) -> tuple[list[str], Routed]:
    """Return what is told when each is routed as it happens, and the last result."""
    said: list[str] = []
    held = {mark.key: mark for mark in marks}
    times: list[datetime] = []
    made = Routed()
    for one in flapping:
        times.append(one.at)
        now = Situation((one,), {"a": tuple(times)}, dict(held), KNOWN)
        made = routed(now, alerts(), one.at)
        held |= {mark.key: mark for mark in made.marks}
        said += kinds(made)
    return said, Routed(made.waiting, tuple(held.values()))


LAST = ["team:recovered", "team:resolved"]


def test_a_tag_that_flaps_is_told_once_and_once_more_when_it_is_calm() -> None:
    said, made = told_of(flips(60))
    assert ["team:opened", "team:resolved", "team:opened", "team:flapping"] == said
    last = flips(60)[-1].at
    for after, expected in ((timedelta(hours=23), []), (timedelta(hours=24), LAST)):
        assert expected == kinds(settled(made.marks, {}, {}, KNOWN, alerts(), last + after))


@pytest.mark.parametrize(
    ("states", "settled_well", "told"),
    [
        (("opened", "resolved", "flapping", "recovered"), False, ["recovered"]),
        (("opened", "resolved", "flapping", "recovered"), True, ["recovered", "resolved"]),
        (("opened", "resolved", "flapping"), False, ["opened"]),
        (("opened", "resolved", "flapping"), True, ["resolved"]),
        (("opened", "resolved"), False, []),
        (("opened", "resolved"), True, ["resolved"]),
        (("opened",), True, []),
    ],
)
def test_the_last_word_on_a_tag_that_flapped_is_told_to_whoever_was_told_another(
    states: tuple[str, ...], settled_well: bool, told: list[str]
) -> None:
    _, made = told_of(flips(12 if settled_well else 11))
    config = alerts(route(states=states))
    over = settled(made.marks, {}, {}, KNOWN, config, later(days=3))
    assert told == [one.news.kind.value for one in over.waiting]


@pytest.mark.parametrize("kind", [Kind.EASED, Kind.WORSENED])
def test_what_flapped_and_stays_at_another_severity_is_open(kind: Kind) -> None:
    flapping = [*flips(9), news("a", kind, id="last", at=flips(10)[-1].at)]
    _, made = told_of(flapping)
    config = alerts(route(states=("opened", "resolved", "flapping")))
    over = settled(made.marks, {}, {}, KNOWN, config, later(days=3))
    assert [Kind.OPENED] == [one.news.kind for one in over.waiting]


@pytest.mark.parametrize(
    ("turns", "said"), [(11, "1 of its findings is open"), (12, "nothing is open of what flapped")]
)
def test_that_a_tag_is_calm_says_how_it_is(turns: int, said: str) -> None:
    _, made = told_of(flips(turns))
    over = settled(made.marks, {}, {}, KNOWN, alerts(), later(days=3))
    assert f"no longer flaps: {said}" == over.waiting[0].news.message


def test_the_last_word_is_told_on_each_finding_of_a_tag_that_flapped() -> None:
    held: dict[MarkKey, Mark] = {}
    times: list[datetime] = []
    for one in flips(6):
        times.append(one.at)
        many = [
            msgspec.structs.replace(one, fingerprint=f"f{n}", id=f"{one.id}/{n}")
            for n in range(100)
        ]
        changes = {each.fingerprint: tuple(times) for each in many}
        made = routed(Situation(tuple(many), changes, dict(held), KNOWN), alerts(), one.at)
        held |= {mark.key: mark for mark in made.marks}
    over = settled(tuple(held.values()), {}, {}, KNOWN, alerts(), later(days=3))
    said = [one.news.kind for one in over.waiting]
    assert (1, 100) == (said.count(Kind.RECOVERED), said.count(Kind.RESOLVED))
    assert 101 == len({one.news.id for one in over.waiting})


def flapping_warning(config: AlertConfig) -> dict[MarkKey, Mark]:
    """Return the marks after a warning of the tag has flapped."""
    held: dict[MarkKey, Mark] = {}
    times: list[datetime] = []
    for one in flips(6):
        warning = msgspec.structs.replace(one, severity=Severity.WARNING)
        times.append(one.at)
        made = routed(Situation((warning,), {"a": tuple(times)}, dict(held), KNOWN), config, one.at)
        held |= {mark.key: mark for mark in made.marks}
    return held


BOTH = alerts(route("warnings"), route("errors", severity="error"))


def test_another_finding_of_a_tag_that_flaps_is_told_as_ever() -> None:
    held, at = flapping_warning(BOTH), later(hours=2)
    worse = news("b", at=at)
    made = routed(Situation((worse,), {"b": (at,)}, held, KNOWN), BOTH, at)
    assert ["warnings:opened", "errors:opened"] == kinds(made)


def test_a_route_that_was_told_of_no_flapping_is_told_of_that_of_another_finding() -> None:
    held, said = flapping_warning(BOTH), []
    times: list[datetime] = []
    for one in flips(6):
        error = msgspec.structs.replace(one, fingerprint="b", at=one.at + timedelta(hours=2))
        times.append(error.at)
        situation = Situation((error,), {"b": tuple(times)}, dict(held), KNOWN)
        made = routed(situation, BOTH, error.at)
        held |= {mark.key: mark for mark in made.marks}
        said += kinds(made)
    assert ["errors:flapping"] == [one for one in said if "flapping" in one]
    calm = settled(tuple(held.values()), {}, {}, KNOWN, BOTH, later(hours=30))
    assert [
        *("warnings:recovered", "warnings:resolved", "warnings:resolved"),
        *("errors:recovered", "errors:resolved"),
    ] == kinds(calm)


def test_changes_that_are_far_apart_are_no_flapping() -> None:
    said, _ = told_of(flips(10, timedelta(hours=9)))
    assert {"team:opened", "team:resolved"} == set(said)


def test_findings_that_open_together_are_no_flapping() -> None:
    many = [news(str(number)) for number in range(10)]
    times = {one.fingerprint: (NOW,) for one in many}
    made = routed(situation(*many, changes=times), alerts(), NOW)
    assert ["team:opened"] * 10 == kinds(made)


@pytest.mark.parametrize(
    ("mark", "days"),
    [
        (Mark("dark", "gone", "hub", since=LONG_AGO, number=500), 1),
        (Mark("new", "gone", "hub", since=LONG_AGO), 1),
        (Mark("digest", "gone", "", at=NOW), 8),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_marks_of_routes_that_are_no_more_go_without_a_word_after_a_time(
    mark: Mark, days: int
) -> None:
    noted = msgspec.structs.replace(mark, at=NOW)
    first = settled((mark,), {"hub": 500}, {}, KNOWN, alerts(), NOW)
    assert Routed(marks=() if mark.at else (noted,)) == first
    still = settled((noted,), {"hub": 0}, {}, KNOWN, alerts(), later(days=days, seconds=-1))
    assert Routed() == still
    over = settled((noted,), {"hub": 500}, {}, KNOWN, alerts(), later(days=days))
    assert Routed(gone=(noted,)) == over
    for one in (mark, noted):
        left = settled((one,), {"hub": 500}, {}, KNOWN, alerts(), later(days=99), gives_up=False)
        assert Routed() == left


def test_the_end_of_an_outage_is_told_by_whoever_knows_the_route_again() -> None:
    lost = Mark("dark", "team", "hub", since=LONG_AGO, at=NOW, number=500)
    known = settled((lost,), {"hub": 500}, {}, KNOWN, alerts(), later(hours=2))
    (found,) = known.marks
    assert None is found.at
    back = settled((found,), {"hub": 0}, {}, KNOWN, alerts(), later(days=3))
    assert [Kind.RECOVERED] == [one.news.kind for one in back.waiting]
