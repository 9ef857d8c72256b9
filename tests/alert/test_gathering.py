"""What is told together, what is hidden, and what cancels out."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from mfl_lint.alert.gathering import gathered, put_off
from mfl_lint.alert.netting import net
from mfl_lint.config_alert import QuietConfig
from mfl_lint.core.messages import Gathered, Handling, Later, Ready
from mfl_lint.core.news import Group, Kind, News, Stream
from mfl_lint.core.policy import Ignore, Severity
from tests.alert.stories import NOW, alerts, later, news, route

OPENED, WORSENED, RESOLVED = Kind.OPENED, Kind.WORSENED, Kind.RESOLVED
UNKNOWN, RECOVERED = Kind.UNKNOWN, Kind.RECOVERED


@pytest.mark.parametrize(
    ("happened", "left"),
    [
        ([OPENED], [OPENED]),
        ([OPENED, RESOLVED], []),
        ([RESOLVED, OPENED], []),
        ([OPENED, RESOLVED, OPENED], [OPENED]),
        ([OPENED, WORSENED], [OPENED]),
        ([WORSENED, RESOLVED], [RESOLVED]),
        ([RESOLVED, OPENED, WORSENED], [WORSENED]),
        ([OPENED, Kind.EASED], [OPENED]),
        ([Kind.EASED, RESOLVED], [RESOLVED]),
    ],
)
def test_the_last_word_on_a_finding_counts(happened: list[Kind], left: list[Kind]) -> None:
    assert left == [one.kind for one in net(news("a", kind) for kind in happened)]


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (Severity.WARNING, Severity.ERROR, [WORSENED]),
        (Severity.ERROR, Severity.WARNING, [Kind.EASED]),
        (Severity.ERROR, Severity.ERROR, []),
    ],
)
def test_what_is_mended_and_breaks_at_another_severity_is_told(
    before: Severity, after: Severity, left: list[Kind]
) -> None:
    happened = [news("a", RESOLVED, severity=before), news("a", severity=after)]
    assert left == [one.kind for one in net(happened)]


def of_registry(kind: Kind) -> News:
    return News(f"{kind}/hub", kind, NOW, "hub")


def test_an_outage_that_is_over_before_it_is_told_is_no_news() -> None:
    assert [] == net([of_registry(UNKNOWN), of_registry(RECOVERED)])
    assert [UNKNOWN] == [one.kind for one in net([of_registry(UNKNOWN)])]


def test_what_is_about_several_things_is_told_of_each() -> None:
    told = [news("a"), news("b", RESOLVED), of_registry(UNKNOWN), of_registry(Kind.INTRODUCED)]
    assert told == net(told)


def group(number: int, *told: News, **more: object) -> Ready:
    place = Group("team", "hub", f"team/{number}")
    return msgspec.structs.replace(Ready(number, place, told), **more)


def test_all_that_waits_in_a_group_is_one_message_worst_first() -> None:
    told = [news(str(number), RESOLVED) for number in range(300)]
    told += [news(f"o{number}") for number in range(200)]
    made = gathered([group(1, *told)], alerts(), Handling(), {}, NOW)
    (notice,) = made.notices
    assert ([OPENED] * 200 + [RESOLVED] * 300, 0) == (
        [one.kind for one in notice.items],
        notice.left_out,
    )
    assert (Later(1, told=True),) == made.groups


def test_more_than_a_thousand_are_counted_only() -> None:
    told = [news(str(number)) for number in range(1500)]
    (notice,) = gathered([group(1, *told)], alerts(), Handling(), {}, NOW).notices
    assert (1000, 500) == (len(notice.items), notice.left_out)


SHUT = Ignore("MFL1*", "maintenance", "hub", "team/*", "v1", later(hours=1))


def test_what_is_ignored_is_never_told() -> None:
    for handling in (Handling(ignores=(SHUT,)), Handling(ignores=(SHUT,), silences=(SHUT,))):
        made = gathered([group(1, news("a"))], alerts(), handling, {}, NOW)
        assert Gathered(groups=(Later(1, told=True),)) == made


def test_what_is_silenced_waits_until_the_silence_is_over() -> None:
    silenced, opened = Handling(silences=(SHUT,)), news("a")
    made = gathered([group(1, opened)], alerts(), silenced, {}, NOW)
    again = later(hours=1)
    assert Gathered(groups=(Later(1, True, again, kept=frozenset({opened.id})),)) == made
    over = gathered([group(1, opened)], alerts(), silenced, {}, later(hours=1))
    assert [opened] == [item for notice in over.notices for item in notice.items]


def test_what_opened_and_was_mended_under_a_silence_is_no_news() -> None:
    both = (news("a"), news("a", RESOLVED))
    made = gathered([group(1, *both)], alerts(), Handling(silences=(SHUT,)), {}, NOW)
    assert Gathered(groups=(Later(1, told=True),)) == made


def test_what_is_not_silenced_is_told_beside_what_is() -> None:
    loud, quiet = news("a", rule="MFL201"), news("b")
    made = gathered([group(1, loud, quiet)], alerts(), Handling(silences=(SHUT,)), {}, NOW)
    assert [(loud,)] == [notice.items for notice in made.notices]
    assert [frozenset({quiet.id})] == [one.kept for one in made.groups]


def test_a_group_that_is_held_before_its_news_were_read_comes_again() -> None:
    quiet = alerts(route(quiet=QuietConfig("11:00", "13:00")))
    made = gathered([group(1)], quiet, Handling(), {}, NOW)
    assert [later(hours=1)] == [one.due for one in made.groups]


def test_quiet_hours_hold_everything_back_until_they_end() -> None:
    quiet = alerts(route(quiet=QuietConfig("11:00", "13:00")))
    made = gathered([group(1, news("a"))], quiet, Handling(), {}, NOW)
    assert (
        Gathered(groups=(Later(1, False, later(hours=1), repeat_stays=True, lasts=True),)) == made
    )


def test_messages_above_the_rate_are_gathered_into_one() -> None:
    slow = alerts(route(rate=3))
    ready = [group(number, news(str(number))) for number in range(10)]
    made = gathered(ready, slow, Handling(), {}, NOW)
    assert [1, 1, 8] == [len(one.items) for one in made.notices]
    assert Group("team") == made.notices[-1].group
    held = gathered(ready, slow, Handling(), {"team": [NOW] * 3}, NOW)
    assert () == held.notices
    assert {later(hours=1)} == {one.due for one in held.groups}


REPEATS = alerts(route(repeat_s=3600.0))
STANDS = news("a", Kind.STANDING, since=later(hours=-1))


def test_what_still_stands_is_said_again_after_its_time() -> None:
    first = gathered([group(1, news("a"))], REPEATS, Handling(), {}, NOW)
    assert (Later(1, True, None, later(hours=1), repeat_stays=True),) == first.groups
    again = group(1, standing=(STANDS,), repeats=True)
    made = gathered([again], REPEATS, Handling(), {}, later(hours=1))
    assert [Kind.STANDING] == [one.kind for one in made.notices[0].items]
    assert (Later(1, True, repeat=later(hours=2)),) == made.groups


def test_what_is_acknowledged_is_not_said_again_but_told_when_it_is_mended() -> None:
    taken = Handling(acknowledged=frozenset({"a"}))
    made = gathered([group(1, standing=(STANDS,), repeats=True)], REPEATS, taken, {}, NOW)
    assert Gathered(groups=(Later(1, True, repeat=later(hours=1)),)) == made
    mended = gathered([group(1, news("a", RESOLVED))], REPEATS, taken, {}, NOW)
    assert [RESOLVED] == [one.kind for one in mended.notices[0].items]


def test_nothing_is_said_again_when_nothing_stands() -> None:
    made = gathered([group(1, repeats=True)], REPEATS, Handling(), {}, NOW)
    assert Gathered(groups=(Later(1, told=True),)) == made
    mended = gathered([group(1, news("a", RESOLVED))], REPEATS, Handling(), {}, NOW)
    assert (Later(1, True, repeat_stays=True),) == mended.groups


def test_a_route_that_repeats_no_more_says_nothing_again() -> None:
    again = group(1, standing=(STANDS,), repeats=True)
    made = gathered([again], alerts(), Handling(), {}, NOW)
    assert Gathered(groups=(Later(1, told=True),)) == made


@pytest.mark.parametrize("other", ["registry", "rule"])
def test_groups_of_before_the_grouping_was_changed_say_nothing_again(other: str) -> None:
    again = group(1, standing=(STANDS,), repeats=True)
    changed = alerts(route(repeat_s=3600.0, group_by=other))
    made = gathered([again], changed, Handling(), {}, NOW)
    assert Gathered(groups=(Later(1, told=True),)) == made


def test_the_same_news_at_the_same_time_are_the_same_message() -> None:
    ids = [
        gathered([group(1, news("a"))], alerts(), Handling(), {}, at).notices[0].id
        for at in (NOW, NOW, NOW + timedelta(seconds=1))
    ]
    assert (ids[0], 2) == (ids[1], len(set(ids)))


def test_groups_of_a_route_that_is_no_more_are_done_with() -> None:
    lost = Ready(7, Group("gone", "hub"), (news("a"),))
    assert Gathered(groups=(Later(7, told=True),)) == gathered(
        [lost], alerts(), Handling(), {}, NOW
    )


def test_nothing_is_sent_of_a_registry_while_it_is_maintained() -> None:
    end = later(hours=2)
    made = gathered([group(1, news("a"))], alerts(), Handling(), {}, NOW, lambda registry: end)
    assert ((), Later(1, False, end, None, True, lasts=True)) == (made.notices, *made.groups)
    others = gathered([group(1, news("a"))], alerts(), Handling(), {}, NOW, lambda registry: None)
    assert 1 == len(others.notices)


def test_in_a_group_of_a_rule_only_what_is_maintained_waits() -> None:
    by_rule = alerts(route(group_by="rule", repeat_s=3600.0))
    end, free, shut = later(hours=2), news("a"), news("b", registry="lab")
    standing = tuple(
        news(name, Kind.STANDING, registry=place, since=later(hours=-1))
        for name, place in (("c", "hub"), ("d", "lab"))
    )
    held = Ready(1, Group("team", rule="MFL101"), (free, shut), standing, repeats=True)
    made = gathered([held], by_rule, Handling(), {}, NOW, {"lab": end, "hub": None}.get)
    (notice,) = made.notices
    assert (free, standing[0]) == notice.items
    kept = frozenset({shut.id})
    assert (Later(1, True, end, later(hours=1), kept=kept),) == made.groups
    over = gathered([held], by_rule, Handling(), {}, end, lambda registry: None)
    assert 4 == len(over.notices[0].items)


def test_a_group_of_a_rule_in_which_all_is_maintained_waits() -> None:
    by_rule, end = alerts(route(group_by="rule")), later(hours=2)
    held = Ready(1, Group("team", rule="MFL101"), (news("a"),))
    made = gathered([held], by_rule, Handling(), {}, NOW, lambda registry: end)
    assert Gathered(groups=(Later(1, True, end, kept=frozenset({news("a").id})),)) == made


def test_what_stands_however_much_is_counted_and_given_whole_to_programs() -> None:
    standing = Stream(
        lambda: (news(str(n), Kind.STANDING, since=later(hours=-1)) for n in range(2500))
    )
    again = group(1, news("new"), standing=standing, repeats=True)
    made = gathered([again], REPEATS, Handling(acknowledged=frozenset({"7"})), {}, NOW)
    (notice,) = made.notices
    assert {OPENED: 1, Kind.STANDING: 2499} == notice.counts
    assert OPENED == notice.items[0].kind
    assert 2500 == len(list(made.whole[notice.id]))


def test_groups_of_which_no_message_can_be_made_wait_for_it() -> None:
    made = put_off([group(1, news("a"))], NOW)
    assert ((), later(minutes=5), False) == (
        made.notices,
        made.groups[0].due,
        made.groups[0].told,
    )
