"""One that fails stops no other; what others know is left to them; no retry tells a lie."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import update

from mfl_lint.alert.words import title_of
from mfl_lint.config import Config
from mfl_lint.config_alert import AlertConfig, DigestConfig, QuietConfig, RouteConfig
from mfl_lint.core.errors import Refused
from mfl_lint.core.messages import MessageState
from mfl_lint.core.news import Mark
from mfl_lint.store import dump, messages, retrying
from mfl_lint.store.engine import Store
from mfl_lint.store.marks import write_marks
from mfl_lint.store.statements import run
from mfl_lint.store.tables import alert_marks, alert_waiting
from mfl_lint.store.tables import messages as rows_of_messages
from tests.receiver import Receiver
from tests.service.alerted import Alerted, alerted, fault, settings
from tests.store.batches import later

SENT, DEAD, PENDING = MessageState.SENT, MessageState.DEAD, MessageState.PENDING
NOWHERE = "No/Where"


def route(name: str, **changed: object) -> RouteConfig:
    """Return a route to the webhook."""
    plain = RouteConfig(name, ("hook",), wait_s=0.0, rate=0)
    return msgspec.structs.replace(plain, **changed)


async def test_a_report_that_fails_stops_neither_others_nor_messages(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    broken = route("broken", digest=DigestConfig("daily", "08:00", NOWHERE))
    whole = route("whole", digest=DigestConfig("daily", "08:00"))
    async with alerted(store, lambda url: settings(url, broken, whole, route("team"))) as world:
        await world.settle()
        world.clock.at = later(days=1)
        await world.find("team/app", fault())
        await world.settle()
        titles = set(world.titles())
        assert "mfl-lint report: 1 broken, 0 new, 0 mended" in titles
        assert "one/team/app:v1 linux/arm64: broken, MFL101 wrong-platform" in titles
        assert "reports of broken are put off" in caplog.text


async def test_a_route_of_which_no_message_can_be_made_stops_no_other_and_is_told_later(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    broken = route("broken", quiet=QuietConfig("01:00", "02:00", NOWHERE))
    async with alerted(store, lambda url: settings(url, broken, route("team"))) as world:
        await world.find("team/app", fault())
        await world.settle()
        assert ["team"] == [event["route"] for event in world.events()]
        assert "messages of the route broken are put off" in caplog.text
        world.config = Config(alert=settings(world.receiver.url, route("broken"), route("team")))
        world.clock.move(minutes=5)
        await world.settle()
        assert ["team", "broken"] == [event["route"] for event in world.events()]


async def test_a_stored_message_that_nobody_can_read_is_a_dead_letter_and_the_queue_goes_on(
    store: Store,
) -> None:
    statuses = iter([503, 503, 204])
    async with alerted(store, receiver=Receiver(lambda _: next(statuses))) as world:
        for name in ("team/app", "team/web"):
            await world.find(name, fault(name))
            await world.settle()
        (_, first) = (await messages.deliveries(store)).items
        garbled = update(rows_of_messages).where(rows_of_messages.c.id == first.id)
        await store.write(run, garbled.values(notice='{"id": 7}'))
        world.clock.move(hours=1)
        await world.settle()
        assert {SENT: 1, DEAD: 1} == await world.delivered()
        (dead,) = (await messages.deliveries(store, states=["dead"])).items
        assert dead.problem.startswith("what is stored of it cannot be read: ")
        with pytest.raises(Refused, match="cannot be read"):
            await retry(world, dead.id)


async def test_news_that_nobody_can_read_hold_no_other_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with alerted(store, lambda url: settings(url, route("team", wait_s=30.0))) as world:
        await world.find("team/app", fault())
        await world.settle()
        await store.write(run, update(alert_waiting).values(news="{}"))
        await world.find("team/web", fault("team/web"))
        await world.settle()
        world.clock.move(seconds=30)
        await world.settle()
        assert ["one/team/web:v1 linux/arm64: broken, MFL101 wrong-platform"] == world.titles()
        assert "cannot be read, and are dropped" in caplog.text
        assert 0 == (await dump.figures(store)).rows["alert_waiting"]


async def test_other_settings_leave_messages_and_news_to_whoever_knows_their_route(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with alerted(store, lambda url: settings(url, route("team", wait_s=30.0))) as world:
        known = world.config
        await world.find("team/app", fault())
        await world.settle()
        world.clock.move(hours=23)
        world.config = Config(alert=AlertConfig())
        await world.settle()
        await world.dispatcher.forget()
        world.config = known
        await world.settle()
        assert ["one/team/app:v1 linux/arm64: broken, MFL101 wrong-platform"] == world.titles()
        await world.find("team/app")
        await world.settle()
        world.config = Config(alert=AlertConfig())
        world.clock.move(hours=25)
        await world.settle()
        assert 1 == (await dump.figures(store)).rows["alert_waiting"]
        await world.dispatcher.plan()
        assert "news of the route team are given up" in caplog.text
        assert 0 == (await dump.figures(store)).rows["alert_waiting"]


async def retry(world: Alerted, number: int) -> object:
    now = world.clock.now()
    return await retrying.retry(world.store, number, title_of, who="ann", now=now)


async def dead_letter(world: Alerted) -> int:
    """Return the id of the oldest dead letter."""
    return (await messages.deliveries(world.store, states=["dead"])).items[-1].id


async def test_what_was_mended_meanwhile_is_not_said_to_be_broken_by_a_retry(
    store: Store,
) -> None:
    statuses = iter([400, 204])
    async with alerted(store, receiver=Receiver(lambda _: next(statuses))) as world:
        await world.find("team/app", fault())
        await world.settle()
        await world.find("team/app")
        await world.settle()
        with pytest.raises(Refused, match="out of date: nothing of it is so any more"):
            await retry(world, await dead_letter(world))
        await world.settle()
        assert ["1 mended"] == [event["summary"] for event in world.events()]
        assert {DEAD: 1, SENT: 1} == await world.delivered()


async def test_a_retry_says_what_is_so_still_under_the_old_key(store: Store) -> None:
    statuses = iter([400, 204, 204])
    async with alerted(store, receiver=Receiver(lambda _: next(statuses))) as world:
        await world.find("team/app", *(fault(number=number) for number in range(3)))
        await world.settle()
        await world.find("team/app", fault(number=1), fault(number=2))
        await world.settle()
        key = (await messages.deliveries(store, states=["dead"])).items[0].key
        await retry(world, await dead_letter(world))
        await world.settle()
        assert ["1 mended", "2 broken"] == [event["summary"] for event in world.events()]
        assert {"opened": 2} == world.events()[-1]["counts"]
        assert key == world.receiver.taken[-1].key
        assert "one/team/app: 2 broken" == (await messages.deliveries(store)).items[-1].title


async def test_an_outage_that_is_over_is_not_said_by_a_retry(store: Store) -> None:
    statuses = iter([204, 400, 204])
    async with alerted(store, receiver=Receiver(lambda _: next(statuses))) as world:
        await world.find("team/app", fault())
        await world.settle()
        await world.find("team/app", failed=True)
        await world.settle()
        number = await dead_letter(world)
        await world.find("team/app", fault())
        world.clock.move(minutes=1)
        await world.settle()
        assert "one: back" == world.titles()[-1]
        with pytest.raises(Refused, match="out of date"):
            await retry(world, number)


async def test_a_report_is_not_sent_again_after_a_newer_one(store: Store) -> None:
    statuses = iter([400, 204])
    daily = route("team", digest=DigestConfig("daily", "08:00"))
    receiver = Receiver(lambda _: next(statuses))
    async with alerted(store, lambda url: settings(url, daily), receiver=receiver) as world:
        await world.settle()
        for days in (1, 2):
            world.clock.at = later(days=days)
            await world.settle()
        with pytest.raises(Refused, match="there is a newer one"):
            await retry(world, await dead_letter(world))


async def test_a_part_of_the_newest_report_is_sent_again(store: Store) -> None:
    statuses = iter([400, 204, 204])
    daily = route("team", digest=DigestConfig("daily", "08:00"))
    receiver = Receiver(lambda _: next(statuses))
    async with alerted(store, lambda url: settings(url, daily), receiver=receiver) as world:
        await world.settle()
        await world.find("team/app", *(fault(number=number) for number in range(600)))
        world.clock.at = later(hours=2)
        await world.find("team/app")
        await world.find("team/web", *(fault("team/web", number) for number in range(600)))
        world.clock.at = later(days=1)
        await world.settle()
        await retry(world, await dead_letter(world))
        await world.settle()
        assert [2, 1] == [event["part"] for event in world.events()]


async def test_marks_that_nobody_can_read_hold_nothing_back(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    flapping = Mark("flapping", "", "one", "team/app", "v1", later(), later())
    async with alerted(store) as world:
        await store.write(write_marks, [flapping])
        await store.write(run, update(alert_marks).values(last="[7]"))
        await world.find("team/web", fault("team/web"))
        await world.settle()
        assert ["one/team/web:v1 linux/arm64: broken, MFL101 wrong-platform"] == world.titles()
        assert "what is remembered of a tag that flaps cannot be read" in caplog.text


async def test_a_message_that_is_tried_again_has_all_of_its_time_and_tries(store: Store) -> None:
    async with alerted(store, receiver=Receiver(lambda _: 503)) as world:
        await world.find("team/app", fault())
        for _ in range(26):
            await world.settle()
            world.clock.move(hours=1)
        assert {DEAD: 1} == await world.delivered()
        await retry(world, await dead_letter(world))
        await world.settle()
        (one,) = (await messages.deliveries(store)).items
        assert (PENDING, 1) == (one.state, one.attempts)
        assert one.next_attempt_at is not None
        assert (one.next_attempt_at - world.clock.now()).total_seconds() <= 4
