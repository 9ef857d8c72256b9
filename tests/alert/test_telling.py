"""True counts, a share for each kind, and parts for programs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from mfl_lint.alert import alertmanager, webhook
from mfl_lint.alert.rendering import LONGEST, rendered
from mfl_lint.alert.telling import notice, parts
from mfl_lint.alert.words import said_of, title_of
from mfl_lint.config_alert import ChannelConfig
from mfl_lint.core.messages import Message, Notice
from mfl_lint.core.news import Group, Kind, News, Stream
from tests.alert.stories import NOW, news, route

OPENED, RESOLVED, STANDING = Kind.OPENED, Kind.RESOLVED, Kind.STANDING
GROUP = Group("team", "hub")


def many(kind: Kind, number: int) -> Iterator[News]:
    """Yield news, the oldest last."""
    for n in range(number):
        yield news(f"{kind}{n:05}", kind, since=NOW - timedelta(minutes=n))


def told(*given: Iterator[News], digest: bool = False) -> Notice:
    everything = [one for ones in given for one in ones]
    return notice(route(), GROUP, everything, NOW, "", digest=digest)


def kinds(made: Notice) -> dict[Kind, int]:
    shown = [item.kind for item in made.items]
    return {kind: shown.count(kind) for kind in dict.fromkeys(shown)}


def test_a_report_counts_all_that_stands_and_shows_what_is_new_and_mended_first() -> None:
    made = told(many(STANDING, 1500), many(OPENED, 12), many(RESOLVED, 3), digest=True)
    assert "mfl-lint report: 1500 broken, 12 new, 3 mended" == title_of(made)
    assert [(OPENED, 12), (RESOLVED, 3), (STANDING, 985)] == list(kinds(made).items())
    assert f"{STANDING}01499" == made.items[15].fingerprint
    assert 515 == made.left_out


@pytest.mark.parametrize(
    ("opened", "resolved", "standing", "shown"),
    [
        (1500, 12, 0, (988, 12, 0)),
        (3000, 3000, 3000, (334, 333, 333)),
        (900, 50, 5000, (475, 50, 475)),
        (500, 300, 200, (500, 300, 200)),
    ],
)
def test_no_kind_takes_the_place_of_all_others(
    opened: int, resolved: int, standing: int, shown: tuple[int, int, int]
) -> None:
    made = told(many(OPENED, opened), many(RESOLVED, resolved), many(STANDING, standing))
    assert {OPENED: opened, RESOLVED: resolved, STANDING: standing} == {
        STANDING: 0,
        **made.counts,
    }
    found = kinds(made)
    assert 1000 == len(made.items)
    for kind, number in zip((OPENED, RESOLVED, STANDING), shown, strict=True):
        assert abs(number - found.get(kind, 0)) <= 1, kind


@pytest.mark.parametrize("family", ["short", "markdown", "html"])
def test_a_text_says_how_many_are_left_out_of_each_kind(family: str) -> None:
    made = told(many(OPENED, 1500), many(RESOLVED, 700))
    title, body = rendered(made, ChannelConfig("chat", "apprise"), family, LONGEST)
    assert "hub: 1500 broken, 700 mended" == title
    sections = {one.kind: len(one.items) + one.more for one in said_of(made, 50).sections}
    assert {"opened": 1500, "resolved": 700} == sections
    for section in said_of(made, body.count("MFL101") // 2).sections:
        assert f"{section.more} more" in body
    assert "not listed here" not in body


def test_a_program_is_told_everything_in_parts() -> None:
    everything = [*many(OPENED, 1500), *many(RESOLVED, 700), *many(STANDING, 300)]
    whole = told(iter(everything))
    made = list(parts(whole, everything))
    assert everything == [item for part in made for item in part.items]
    assert [(1, True, 0), (2, True, 0), (3, False, 0)] == [
        (part.part, part.more, part.left_out) for part in made
    ]
    assert 4 == len({whole.id, *(part.id for part in made)})
    assert [part.id for part in made] == [part.id for part in parts(whole, everything)]
    said = "hub: 1500 broken, 700 mended, 300 still broken"
    assert [f"{said} (part {n})" for n in (1, 2, 3)] == [title_of(part) for part in made]
    event = msgspec.json.decode(webhook.body_of(Message(1, "k", "hook", made[1], 1, NOW)))
    assert (2, True, 0) == tuple(event["data"][name] for name in ("part", "more", "left_out"))
    assert {"opened": 1500, "resolved": 700, "standing": 300} == event["data"]["counts"]


def test_an_alert_of_a_part_is_the_one_it_always_was() -> None:
    one = next(many(OPENED, 1))
    part = msgspec.structs.replace(
        told(iter([one])), left_out=9, counts={OPENED: 10}, part=2, more=True
    )
    bodies = [
        alertmanager.body_of(Message(1, "k", "am", made, 1, NOW), 0.0)
        for made in (told(iter([one])), part)
    ]
    assert bodies[0] == bodies[1] is not None


def test_of_a_report_programs_get_all_that_changed_but_not_all_that_stands() -> None:
    asked: list[Kind] = []

    def read() -> Iterator[News]:
        for one in (*many(OPENED, 1200), *many(STANDING, 5000)):
            asked.append(one.kind)
            yield one

    everything = Stream(read)
    whole = notice(route(), GROUP, everything, NOW, "", digest=True)
    asked.clear()
    made = list(parts(whole, everything))
    shown = [item.kind for part in made for item in part.items]
    assert (1200, 500) == (shown.count(OPENED), shown.count(STANDING))
    assert {4500} == {part.left_out for part in made}
    assert asked.count(STANDING) <= 1


def test_what_fits_is_one_message_for_everybody() -> None:
    whole = told(many(OPENED, 1000))
    assert ([whole], 0) == (list(parts(whole, ())), whole.part)
    report = told(many(OPENED, 12), many(STANDING, 1500), digest=True)
    assert [report] == list(parts(report, [*many(OPENED, 12), *many(STANDING, 1500)]))


def test_messages_of_an_older_release_say_what_they_always_said() -> None:
    old = Notice("x", "team", GROUP, NOW, tuple(many(OPENED, 2)), left_out=500)
    assert "hub: 2 broken, 500 more" == title_of(old)
    assert 500 == said_of(old, 50).more
    assert [] == [one for one in said_of(old, 50).sections if one.more]


def test_a_stream_is_read_anew_and_never_held() -> None:
    stream = Stream(lambda: many(OPENED, 3))
    assert list(stream) == list(stream) == list(many(OPENED, 3))
    assert stream
    assert not Stream(lambda: iter(()))
