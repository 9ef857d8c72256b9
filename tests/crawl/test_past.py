"""What a tag was before: lost platforms, moves of immutable tags, tags that are gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event

from mfl_lint.core.history import Earlier, History
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Ignore, Severity
from mfl_lint.core.records import TagState
from mfl_lint.crawl.past import past, without_false
from tests import faults
from tests.builders import LOOKED_AT, Built, image, index, observation
from tests.crawl.world import DOCUMENTS, HEADS, ROUND_S, World

AMD64, ARM64, S390X = (image("linux", arch) for arch in ("amd64", "arm64", "s390x"))
BOTH, ALONE = index(AMD64, ARM64), index(AMD64)
OTHER = index(image("linux", "amd64", name="other"))
HOUR_S, DAY_S = 3600.0, 24 * 3600.0
DAY = timedelta(days=1)
ARM, S390 = Platform("linux", "arm64"), Platform("linux", "s390x")
LOST, MOVED, GONE = ("MFL501",), ("MFL503",), ("MFL504",)


async def pushed(world: World, *builds: Built, after_s: float = ROUND_S) -> None:
    """Push one after the other under v1, and crawl after each."""
    for built in builds:
        world.place("app", built, "v1")
        await world.crawl(after_s)


async def test_a_lost_platform_is_told_in_the_look_that_sees_it_once(either_world: World) -> None:
    world = either_world
    world.change_policy(settle_s=None)
    await pushed(world, BOTH, ALONE)
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)
    assert not (await world.tag("app", "v1")).unsettled
    await world.crawl()
    assert ["HEAD /v2/app/manifests/v1"] == world.asked(("*", "/manifests/|/blobs/"))
    assert ["v1 MFL501 opened"] == [x for x in await world.changes() if "MFL501" in x]


async def test_a_registry_that_passes_on_what_is_published_by_and_by_waits(world: World) -> None:
    world.change_policy(settle_s=None)
    world.change(proxy=True)
    await pushed(world, BOTH, ALONE)
    await world.crawl(5 * HOUR_S)
    assert [] == await world.found(rules=LOST)
    await world.crawl(HOUR_S)
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)


async def test_a_registry_that_is_no_proxy_any_more_is_judged_anew_without_a_document(
    world: World,
) -> None:
    world.change(proxy=True)
    await pushed(world, BOTH, ALONE)
    world.change(proxy=False)
    await world.crawl()
    assert [] == world.asked(DOCUMENTS)
    changes = [x for x in await world.changes() if "MFL501" in x]
    assert ["v1 MFL501 opened", "v1 MFL501 worsened"] == changes


async def test_where_it_settles_a_lost_platform_is_believed_in_the_second_round(
    either_world: World,
) -> None:
    world = either_world
    world.change_policy(settle_s=1.0)
    await pushed(world, BOTH, ALONE)
    assert [] == await world.found(rules=LOST)
    assert (await world.tag("app", "v1")).unsettled
    await world.crawl()
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)
    assert [] == world.asked(DOCUMENTS)
    assert not (await world.tag("app", "v1")).unsettled
    await world.crawl()
    assert ["HEAD /v2/app/manifests/v1"] == world.asked(("*", "/manifests/|/blobs/"))


CONTRADICTED = index(AMD64, ARM64, annotate={1: {"platform": "linux/s390x"}})
MISSPELT = index(AMD64, ARM64, annotate={1: {"platform": "linux/arm64v8"}})


@pytest.mark.parametrize("wrong", [CONTRADICTED, MISSPELT])
@pytest.mark.parametrize("settle_s", [0.0, 1.0])
async def test_what_was_promised_by_a_wrong_entry_only_is_not_lost_by_mending_it(
    world: World, wrong: Built, settle_s: float
) -> None:
    world.change_policy(settle_s=settle_s)
    await pushed(world, wrong, BOTH)
    assert not (await world.tag("app", "v1")).unsettled
    await world.crawl()
    assert [] == await world.found(rules=LOST)
    await pushed(world, ALONE)
    await world.crawl()
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)


async def test_a_platform_that_was_there_once_is_lost_though_a_wrong_entry_promised_it_later(
    world: World,
) -> None:
    await pushed(world, index(AMD64, S390X), CONTRADICTED, BOTH)
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)


def test_a_loss_that_is_held_true_is_let_go_where_nothing_that_is_remembered_had_it() -> None:
    held = History((Earlier(BOTH.digest, LOOKED_AT, (ARM, S390)),), LOOKED_AT, lost=(S390, ARM))
    after = without_false(held, {BOTH.digest: {S390}})
    assert (ARM,) == after.lost
    assert (ARM,) == after.earlier[0].platforms
    assert held == without_false(held, {})


async def test_it_waits_until_the_tag_has_settled(world: World) -> None:
    world.change_policy(settle_s=6 * HOUR_S)
    await pushed(world, BOTH, ALONE)
    for hour in range(1, 7):
        assert [] == await world.found(rules=LOST), hour
        await world.crawl(HOUR_S)
        assert 1 == len(world.asked(HEADS))
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)


async def test_a_release_that_is_pushed_one_architecture_at_a_time_loses_nothing(
    world: World,
) -> None:
    world.change_policy(settle_s=6 * HOUR_S)
    await pushed(world, BOTH, OTHER)
    await world.crawl(HOUR_S)
    await pushed(world, index(OTHER.children[0], ARM64))
    await world.crawl(DAY_S)
    assert [] == [change for change in await world.changes() if "MFL501" in change]


async def test_a_tag_that_moves_in_every_round_is_judged_all_the_same(world: World) -> None:
    await pushed(world, BOTH)
    for number in range(3):
        await pushed(world, index(image("linux", "amd64", name=f"night {number}")))
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)


async def test_a_loss_stays_however_often_the_tag_moves_until_the_platform_returns(
    either_world: World,
) -> None:
    world = either_world
    await pushed(world, BOTH, ALONE)
    for number in range(12):
        await pushed(world, index(image("linux", "amd64", name=f"n{number}")))
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)
    await pushed(world, index(image("linux", "amd64", name="last"), ARM64))
    assert [] == await world.found("open", "unknown", rules=LOST)
    changes = [change for change in await world.changes() if "MFL501" in change]
    assert ["v1 MFL501 opened", "v1 MFL501 resolved"] == changes


async def test_a_loss_that_was_meant_is_ignored_when_findings_are_read(world: World) -> None:
    await pushed(world, BOTH, ALONE, ALONE)
    world.change_policy(ignores=(Ignore("MFL501", "arm64 was given up", tag="v1"),))
    await world.crawl()
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)
    assert ["v1 MFL501 opened"] == [x for x in await world.changes() if "MFL501" in x]


async def test_a_proxy_that_trims_lists_is_told_as_information(world: World) -> None:
    world.change(proxy=True)
    await pushed(world, BOTH, ALONE, ALONE)
    (told,) = [x for x in await world.transitions() if x.finding.rule == "MFL501"]
    assert "info" == told.finding.severity


async def test_a_registry_that_is_down_opens_and_resolves_nothing(world: World) -> None:
    world.change_policy(immutable_tags=("*",), settle_s=1.0)
    world.place("app", BOTH, "v2")
    await pushed(world, BOTH, ALONE, ALONE)
    world.place("app", ALONE, "v2")
    await world.crawl()
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)
    opened = await world.changes()
    world.registry.fault(("*", "/app/"), faults.status(503))
    for _ in range(2):
        await world.crawl()
    assert opened == await world.changes()
    world.registry.heal()
    await world.crawl()
    assert ["app:v1 MFL501", "app:v2 MFL501"] == await world.found(rules=LOST)


def test_a_round_that_is_gone_on_with_is_no_second_round() -> None:
    look = observation(ALONE)
    before = TagState("latest", digest=ALONE.digest, moved_at=LOOKED_AT)
    pointed = (Earlier(ALONE.digest, LOOKED_AT), Earlier(BOTH.digest, LOOKED_AT - DAY))
    for round_since, repeated in ((None, True), (LOOKED_AT, False), (LOOKED_AT + DAY, True)):
        told = past(look, before, pointed, (), round_since=round_since)
        assert History(pointed[1:], LOOKED_AT, repeated) == told


def test_what_was_never_seen_before_has_no_past() -> None:
    look = observation(ALONE)
    unread = TagState("latest", missing_since=LOOKED_AT)
    assert [History(), History()] == [past(look, one, (), ()) for one in (None, unread)]
    still = TagState("latest", digest=ALONE.digest)
    assert History(repeated=True) == past(look, still, (), ())


async def test_a_changed_policy_judges_the_past_again_without_a_document(world: World) -> None:
    await pushed(world, BOTH, ALONE, ALONE)
    world.change_policy(severities={"MFL501": Severity.WARNING})
    await world.crawl()
    assert [] == world.asked(DOCUMENTS)
    assert ["app:v1 MFL501"] == await world.found(rules=LOST)


async def test_tags_that_never_moved_cost_no_question_about_their_past(world: World) -> None:
    world.place("app", BOTH, *(f"v{number}" for number in range(20)))
    said: list[str] = []

    def note(*given: object) -> None:
        said.append(str(given[2]))

    event.listen(world.store._reader.engine, "before_cursor_execute", note)
    for after_s in (ROUND_S, ROUND_S, 2 * DAY_S):
        await world.crawl(after_s)
    assert [] == [text for text in said if "tag_history" in text]
    world.place("app", ALONE, "v1", "v2", "v3")
    await world.crawl()
    assert 1 == len([text for text in said if "tag_history" in text])


async def test_an_immutable_tag_that_moves_is_told_at_once_and_for_thirty_days(
    either_world: World,
) -> None:
    world = either_world
    world.change_policy(immutable_tags=("v1",))
    await pushed(world, BOTH)
    world.place("app", ALONE, "latest")
    await world.crawl()
    world.place("app", index(ARM64, AMD64), "latest")
    await pushed(world, index(ARM64, AMD64))
    assert ["app:v1 MFL503"] == await world.found(rules=MOVED)
    await world.crawl(29 * DAY_S)
    assert ["app:v1 MFL503"] == await world.found(rules=MOVED)
    await world.crawl(2 * DAY_S)
    assert [] == await world.found("open", "unknown", rules=MOVED)


async def test_an_immutable_tag_that_is_moved_back_is_as_it_was(world: World) -> None:
    world.change_policy(immutable_tags=("v1",))
    await pushed(world, BOTH, OTHER)
    assert ["app:v1 MFL503"] == await world.found(rules=MOVED)
    await pushed(world, BOTH)
    assert [] == await world.found("open", "unknown", rules=MOVED)


async def vanished(world: World) -> None:
    """Delete one of two tags, and crawl until that is confirmed."""
    world.place("app", BOTH, "v1")
    world.place("app", OTHER, "v2")
    await world.crawl()
    world.registry.demo.delete_manifest("app", "v1")
    await world.crawl()
    assert [] == await world.found(rules=GONE)
    await world.crawl()
    assert ["app:v1 MFL504"] == await world.found(rules=GONE)


async def test_a_tag_that_is_gone_is_told_for_thirty_days(either_world: World) -> None:
    world = either_world
    await vanished(world)
    await world.crawl(29 * DAY_S)
    assert ["app:v1 MFL504"] == await world.found(rules=GONE)
    await world.crawl(2 * DAY_S)
    assert [] == await world.found("open", "unknown", rules=GONE)
    changes = [change for change in await world.changes() if "MFL504" in change]
    assert ["v1 MFL504 opened", "v1 MFL504 resolved"] == changes
    await world.crawl()
    assert changes == [change for change in await world.changes() if "MFL504" in change]


async def test_a_tag_that_comes_back_is_gone_no_more_and_may_go_again(world: World) -> None:
    await vanished(world)
    world.place("app", BOTH, "v1")
    await world.crawl()
    assert [] == await world.found("open", "unknown", rules=GONE)
    world.registry.demo.delete_manifest("app", "v1")
    for _ in range(2):
        await world.crawl()
    assert ["app:v1 MFL504"] == await world.found(rules=GONE)


async def test_while_the_registry_is_down_a_gone_tag_stays_told(world: World) -> None:
    await vanished(world)
    await world.registry.stop()
    for _ in range(3):
        await world.crawl(20 * DAY_S)
    assert ["app:v1 MFL504"] == await world.found(rules=GONE)


async def test_tags_that_were_let_go_on_purpose_are_not_told(world: World) -> None:
    for number in range(12):
        world.place("app", BOTH, f"v{number}")
    await world.crawl()
    world.registry.demo.delete_repository("app")
    await world.crawl()
    await world.crawl(accept_vanished=True)
    assert [] == await world.found("open", "unknown", rules=GONE)


async def test_a_switched_off_rule_ends_its_findings_of_gone_tags(world: World) -> None:
    await vanished(world)
    world.change_policy(disabled=frozenset({"MFL504"}))
    await world.crawl()
    assert [] == await world.found("open", "unknown", rules=GONE)


async def test_a_scan_knows_no_past_and_ends_with_nothing_open(world: World) -> None:
    world.place("app", BOTH, "v1")
    scan = await world.scan("app", "v1", all_tags=True)
    assert (0, True) == (scan.unknown, scan.looked)
