"""From findings to messages that somebody took: once, in order, and nothing is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from mfl_lint.alert.words import title_of
from mfl_lint.config import Config
from mfl_lint.config_alert import (
    AlertConfig,
    ChannelConfig,
    DigestConfig,
    QuietConfig,
    RouteConfig,
)
from mfl_lint.core.messages import MessageState
from mfl_lint.core.news import Kind
from mfl_lint.core.policy import Ignore, Severity
from mfl_lint.core.records import CrawlStatus
from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import FindingFilter
from mfl_lint.store import crawls, dump, handling, messages, registries, retrying, views
from mfl_lint.store.engine import Store
from mfl_lint.store.view_figures import figures
from tests.receiver import Receiver
from tests.service.alerted import alerted, fault, settings
from tests.store.batches import crawl, later

SENT, DEAD, PENDING = MessageState.SENT, MessageState.DEAD, MessageState.PENDING


def routed(**changed: Any) -> Any:
    """Return settings with one route."""
    fields: dict[str, Any] = {"name": "team", "channels": ("hook",), "wait_s": 0.0, "rate": 0}
    return lambda url: settings(url, RouteConfig(**(fields | changed)))


async def test_a_finding_is_told_once_when_it_opens_and_once_when_it_is_mended(
    store: Store,
) -> None:
    async with alerted(store) as world:
        await world.find("team/app", fault())
        for _ in range(3):
            await world.settle()
        await world.find("team/app")
        await world.settle()
        place = "one/team/app:v1 linux/arm64"
        assert [
            f"{place}: broken, MFL101 wrong-platform",
            f"{place}: mended, MFL101 wrong-platform",
        ] == world.titles()
        assert {SENT: 2} == await world.delivered()
        (item,) = world.events()[0]["items"]
        assert ("docker manifest annotate …", "opened") == (item["fix"], item["kind"])
        assert "https://lint.example/t/one/team/app:v1" == item["page"]
        rows = (await dump.figures(store)).rows
        assert (0, 0, 0) == (rows["outbox"], rows["alert_waiting"], rows["alert_groups"])


async def test_what_opens_together_is_one_message(store: Store) -> None:
    async with alerted(store, routed(wait_s=30.0)) as world:
        await world.find("team/app", *(fault(number=number) for number in range(500)))
        await world.settle()
        assert [] == world.titles()
        world.clock.move(seconds=30)
        await world.settle()
        assert ["one/team/app: 500 broken"] == world.titles()


async def test_an_outage_with_500_findings_is_one_message_and_so_is_its_end(
    store: Store,
) -> None:
    async with alerted(store) as world:
        for number in range(10):
            place = f"team/{number}"
            await world.find(place, *(fault(place, one) for one in range(50)))
        await world.settle()
        world.receiver.taken.clear()
        before = await _states(store)
        for number in range(10):
            await world.find(f"team/{number}", failed=True)
            await world.settle()
            world.clock.move(minutes=1)
        for number in range(10):
            place = f"team/{number}"
            await world.find(place, *(fault(place, one) for one in range(50)))
            await world.settle()
            world.clock.move(minutes=1)
        await world.settle()
        first, last = world.titles()
        assert first.startswith("one: cannot be looked at (")
        assert "one: back" == last
        assert before == await _states(store)
        page = await views.transitions_page(store, changes=["opened", "resolved"], limit=1000)
        assert 500 == len(page.items)


async def _states(store: Store) -> dict[str, FindingState]:
    page = await views.findings_page(store, FindingFilter(states=()), limit=1000)
    return {view.finding.fingerprint: view.state for view in page.items}


async def test_a_tag_that_flaps_is_one_notice_and_one_when_it_is_calm(store: Store) -> None:
    async with alerted(store) as world:
        for turn in range(40):
            await world.find("team/app", *([fault()] if turn % 2 == 0 else []))
            await world.settle()
            world.clock.move(minutes=5)
        kinds = [event["items"][0]["kind"] for event in world.events()]
        assert ["opened", "resolved", "opened", "flapping"] == kinds
        world.clock.move(hours=24)
        await world.settle()
        assert "1 mended, 1 back" == world.events()[-1]["summary"]
        await world.find("team/app", fault())
        await world.settle()
        assert "opened" == world.events()[-1]["items"][0]["kind"]
        assert 6 == len(world.events())


async def test_the_first_crawl_of_a_registry_is_one_message(store: Store) -> None:
    async with alerted(store, crawled=False) as world:
        running = await crawl(store, now=world.clock.now())
        for number in range(20):
            await world.find(f"team/{number}", fault(f"team/{number}"))
            await world.settle()
        assert [] == world.titles()
        await crawls.progress(
            store, running, repositories=1, repositories_done=1, tags=20, requests=1
        )
        await crawls.finish_crawl(store, running, CrawlStatus.DONE, "", world.clock.now())
        world.clock.move(minutes=1)
        await world.settle()
        await world.find("team/new", fault("team/new"))
        await world.settle()
        titles = world.titles()
        assert "one: looked at for the first time" == titles[0]
        assert "open: 20 error, 0 warning" in world.events()[0]["items"][0]["message"]
        assert ["one/team/new:v1 linux/arm64: broken, MFL101 wrong-platform"] == titles[1:]


async def test_a_registry_that_is_never_crawled_as_a_whole_is_told_of(store: Store) -> None:
    async with alerted(store, crawled=False) as world:
        await world.find("team/app", fault())
        await world.settle()
        await crawls.start_crawl(store, "one", world.clock.now(), partial=True)
        await world.find("team/web", fault("team/web"))
        await world.settle()
        place = "linux/arm64: broken, MFL101 wrong-platform"
        told = [f"one/team/app:v1 {place}", f"one/team/web:v1 {place}"]
        assert told == world.titles()


@pytest.mark.parametrize(
    ("status", "hours"),
    [(CrawlStatus.FAILED, 0), (CrawlStatus.DONE, 0), (CrawlStatus.INTERRUPTED, 24)],
)
async def test_a_first_crawl_that_saw_nothing_does_not_silence_what_others_see(
    store: Store, status: CrawlStatus, hours: int
) -> None:
    async with alerted(store, crawled=False) as world:
        first = await crawl(store, now=world.clock.now())
        await world.find("team/app", fault())
        await world.settle()
        world.clock.move(minutes=1)
        await crawls.finish_crawl(store, first, status, "", world.clock.now())
        world.clock.move(hours=hours, minutes=1)
        await world.settle()
        await world.find("team/web", fault("team/web"))
        await world.settle()
        assert [
            "one: looked at for the first time",
            "one/team/web:v1 linux/arm64: broken, MFL101 wrong-platform",
        ] == world.titles()


async def test_a_first_crawl_that_was_killed_long_ago_does_not_silence_what_others_see(
    store: Store,
) -> None:
    async with alerted(store, crawled=False) as world:
        await crawl(store, now=world.clock.now())
        world.clock.move(days=8)
        await world.find("team/app", fault())
        await world.settle()
        assert 1 == len(world.titles())


async def test_what_a_broken_off_first_crawl_found_is_silent_until_it_went_on(
    store: Store,
) -> None:
    async with alerted(store, crawled=False) as world:
        first = await crawl(store, now=world.clock.now())
        await crawls.finish_crawl(store, first, CrawlStatus.INTERRUPTED, "", world.clock.now())
        world.clock.move(hours=1)
        await world.find("team/app", fault())
        await world.settle()
        assert [] == world.titles()


def alertmanager_too(url: str) -> AlertConfig:
    """Return settings of a route for errors to a webhook and an Alertmanager."""
    made = settings(url, RouteConfig("team", ("hook", "am"), severity="error", wait_s=0.0, rate=0))
    return msgspec.structs.replace(
        made, channel=(*made.channel, ChannelConfig("am", "alertmanager", url=url))
    )


async def test_an_alert_whose_severity_eases_ends_in_alertmanager_and_nobody_else_is_told(
    store: Store,
) -> None:
    async with alerted(store, alertmanager_too) as world:
        for severity in (Severity.ERROR, Severity.WARNING, Severity.ERROR):
            await world.find("team/app", fault(severity=severity))
            await world.settle()
            world.clock.move(minutes=1)
        await world.find("team/app")
        await world.settle()
        sent = [got for got in world.receiver.taken if got.path != "/hook"]
        firing: dict[str, bool] = {}
        states = []
        for got in sent:
            for alert in msgspec.json.decode(got.body):
                name = alert["labels"]["severity"]
                firing[name] = alert["endsAt"][:19] > world.clock.now().isoformat()[:19]
            states.append(sorted(name for name, lasts in firing.items() if lasts))
        assert [["error"], [], ["error"], []] == states
        told = [got for got in world.receiver.taken if got.path == "/hook"]
        kinds = [msgspec.json.decode(got.body)["data"]["items"][0]["kind"] for got in told]
        assert ["opened", "worsened", "resolved"] == kinds


async def test_nothing_is_written_where_no_route_leads(store: Store) -> None:
    async with alerted(store) as world:
        for rule in ("MFL101", "MFL201"):
            await world.find("team/app", fault(rule=rule, severity=Severity.INFO))
        await world.settle()
        rows = (await dump.figures(store)).rows
        assert (0, 0, 0) == (rows["outbox"], rows["messages"], rows["alert_groups"])


async def test_who_has_no_routes_leaves_news_to_others_for_a_day(store: Store) -> None:
    async with alerted(store) as world:
        whole = world.config
        await world.find("team/app", fault())
        world.config = Config()
        world.clock.move(hours=23)
        await world.dispatcher.plan()
        await world.dispatcher.forget()
        world.config = whole
        await world.settle()
        assert ["one/team/app:v1 linux/arm64: broken, MFL101 wrong-platform"] == world.titles()
        await world.find("team/app")
        world.config = Config()
        world.clock.move(hours=25)
        await world.dispatcher.forget()
        assert 0 == (await dump.figures(store)).rows["outbox"]


async def test_who_has_no_routes_does_not_take_the_calm_of_a_tag_for_told(store: Store) -> None:
    async with alerted(store) as world:
        for turn in range(6):
            await world.find("team/app", *([fault()] if turn % 2 == 0 else []))
            await world.settle()
        whole = world.config
        world.config = Config()
        world.clock.move(hours=25)
        await world.dispatcher.plan()
        world.config = whole
        world.clock.move(minutes=1)
        await world.settle()
        assert "1 mended, 1 back" == world.events()[-1]["summary"]


async def test_the_log_says_what_is_tried_again(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    async with alerted(store, receiver=Receiver(lambda _: 500)) as world:
        with caplog.at_level(logging.WARNING, "mfl_lint"):
            await world.find("team/app", fault("team/app"))
            await world.settle()
        (late,) = (await messages.deliveries(store, states=["pending"])).items
    assert f"message {late.id} to " in caplog.text
    assert f"({late.title}) was not taken, and is tried again: the receiver" in caplog.text


async def test_a_message_that_is_refused_is_a_dead_letter_and_the_queue_goes_on(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    statuses = iter([400, 410, 204, 204])
    async with alerted(store, receiver=Receiver(lambda _: next(statuses))) as world:
        with caplog.at_level(logging.ERROR, "mfl_lint"):
            for number in range(3):
                await world.find(f"team/{number}", fault(f"team/{number}"))
                await world.settle()
        assert {DEAD: 2, SENT: 1} == await world.delivered()
        assert "dead letter: the receiver answered 400" in caplog.text
        dead = (await messages.deliveries(store, states=["dead"])).items
        assert f"message {dead[1].id} to " in caplog.text
        assert f"({dead[1].title}) is a dead letter" in caplog.text
        assert f"`mfl-lint alerts retry {dead[1].id}`" in caplog.text
        assert ["the receiver answered 410", "the receiver answered 400"] == [
            one.problem for one in dead
        ]
        assert 2 == (await figures(store)).messages["dead"]
        again = await retrying.retry(store, dead[0].id, title_of, who="ann", now=world.clock.now())
        assert again is not None
        await world.settle()
        assert {DEAD: 1, SENT: 2} == await world.delivered()
        assert dead[0].key == world.receiver.taken[-1].key
        assert None is await retrying.retry(
            store, dead[0].id, title_of, who="ann", now=world.clock.now()
        )


@pytest.mark.parametrize("status", [500, 502, 503, 408, 429, None])
async def test_a_receiver_that_may_take_it_later_is_asked_again_with_the_same_key(
    store: Store, status: int | None
) -> None:
    statuses = iter([status, 204])
    receiver = Receiver(lambda _: next(statuses))
    lasts_s = 30.0 if status else 0.3
    async with alerted(
        store, lambda url: settings(url, timeout_s=lasts_s), receiver=receiver
    ) as world:
        world.receiver.headers = {"Retry-After": "120"}
        await world.find("team/app", fault())
        await world.settle()
        assert {PENDING: 1} == await world.delivered()
        if status is not None:
            world.clock.move(seconds=119)
            await world.settle()
            assert 1 == world.receiver.asked
        world.config = Config(alert=settings(receiver.url))
        world.clock.move(minutes=20)
        await world.settle()
        assert {SENT: 1} == await world.delivered()
        assert 1 == len(world.receiver.keys())
        (one,) = (await messages.deliveries(store)).items
        assert (2, "") == (one.attempts, one.problem)


async def test_a_message_that_nobody_took_for_a_day_is_a_dead_letter(store: Store) -> None:
    async with alerted(store, receiver=Receiver(lambda _: 503)) as world:
        await world.find("team/app", fault())
        for _ in range(26):
            await world.settle()
            world.clock.move(hours=1)
        assert {DEAD: 1} == await world.delivered()
        assert 20 < world.receiver.asked <= 26


async def test_messages_of_a_group_arrive_in_their_order(store: Store) -> None:
    statuses = iter([503, 204, 204, 204])
    async with alerted(store, receiver=Receiver(lambda _: next(statuses))) as world:
        await world.find("team/app", fault())
        await world.settle()
        await world.find("team/app")
        await world.find("team/other", fault("team/other"))
        await world.settle()
        world.clock.move(minutes=20)
        await world.settle()
        await world.settle()
        said = [(event["group"]["repository"], event["summary"]) for event in world.events()]
        assert [
            ("team/other", "1 broken"),
            ("team/app", "1 broken"),
            ("team/app", "1 mended"),
        ] == said


async def test_a_message_about_several_groups_keeps_its_place_among_those_of_each(
    store: Store,
) -> None:
    statuses = iter([503, *[204] * 9])
    receiver = Receiver(lambda _: next(statuses))
    async with alerted(store, routed(rate=1), receiver=receiver) as world:
        for number in range(3):
            await world.find(f"team/{number}", fault(f"team/{number}"))
        await world.settle()
        assert [] == world.titles()
        # It is tried again by chance within seconds: meanwhile the rest is made.
        world.config = Config(alert=routed(rate=9)(receiver.url))
        await world.find("team/0")
        await world.settle()
        world.clock.move(minutes=20)
        await world.settle()
        assert ["3 broken", "1 mended"] == [event["summary"] for event in world.events()]


async def test_what_waited_for_quiet_hours_is_told_together_when_the_settings_have_none(
    store: Store,
) -> None:
    async with alerted(store, routed(quiet=QuietConfig("00:00", "23:59"))) as world:
        await world.find("team/app", fault(), fault(number=1))
        await world.settle()
        await world.find("team/app", fault(number=1))
        await world.settle()
        assert [] == world.titles()
        world.config = Config(alert=routed()(world.receiver.url))
        await world.find("team/app", fault(number=1), fault(number=2))
        await world.settle()
        world.clock.move(days=1)
        await world.settle()
        assert ["2 broken"] == [event["summary"] for event in world.events()]


async def test_the_receiver_can_check_who_sent_a_message(store: Store) -> None:
    key = b"k" * 24
    secret = f"whsec_{base64.b64encode(key).decode()}"
    async with alerted(store, lambda url: settings(url, secret_env="HOOK", timeout_s=5.0)) as world:
        world.environment["HOOK"] = secret
        await world.find("team/app", fault())
        await world.settle()
        (got,) = world.receiver.taken
        stamp = got.headers["webhook-timestamp"]
        assert str(int(world.clock.now().timestamp())) == stamp
        signed = f"{got.key}.{stamp}.".encode() + got.body
        made = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        assert f"v1,{made}" == got.headers["webhook-signature"]
        event = msgspec.json.decode(got.body)
        assert ("1.0", got.key) == (event["specversion"], event["id"])
        assert "mfl-lint.alert.v1" == event["type"]


async def test_a_secret_that_is_missing_is_said_and_asked_for_again(store: Store) -> None:
    async with alerted(store, lambda url: settings(url, secret_env="HOOK")) as world:
        await world.find("team/app", fault())
        await world.settle()
        (one,) = (await messages.deliveries(store)).items
        told = "alert.channel hook: secret_env: the variable HOOK is not set"
        assert (PENDING, told) == (one.state, one.problem)
        assert 0 == world.receiver.asked


async def test_what_people_silence_is_not_told_until_the_silence_is_over(store: Store) -> None:
    async with alerted(store) as world:
        until = world.clock.now() + timedelta(hours=1)
        shut = Ignore("MFL1*", "maintenance", "one", "team/*", "*", until)
        number = await handling.set_silence(store, shut, who="ann", now=world.clock.now())
        await world.find("team/app", fault())
        await world.find("other/app", fault("other/app"))
        await world.settle()
        assert ["one/other/app:v1 linux/arm64: broken, MFL101 wrong-platform"] == world.titles()
        assert await handling.end_silence(store, number, who="ann", now=world.clock.now())
        await world.find("team/web", fault("team/web"))
        await world.settle()
        assert 3 == len(world.titles())
        # What broke under the silence, and still is broken.
        assert "one/team/app:v1 linux/arm64: broken, MFL101 wrong-platform" in world.titles()[1:]
        world.clock.move(days=1)
        await world.settle()
        assert 3 == len(world.titles())


async def test_what_is_silenced_is_told_when_the_silence_ends_by_itself(store: Store) -> None:
    async with alerted(store) as world:
        until = world.clock.now() + timedelta(hours=1)
        shut = Ignore("*", "maintenance", "one", "*", "*", until)
        await handling.set_silence(store, shut, who="ann", now=world.clock.now())
        await world.find("team/app", fault(), fault(number=1))
        await world.settle()
        await world.find("team/app", fault(number=1), fault(number=2))
        for told in (0, 0, 1):
            await world.settle()
            assert told == len(world.titles())
            world.clock.move(minutes=30)
        assert ["2 broken"] == [event["summary"] for event in world.events()]
        rows = (await dump.figures(store)).rows
        assert (0, 0, 0) == (rows["alert_waiting"], rows["alert_groups"], rows["alert_marks"])


async def test_what_stands_is_said_again_unless_somebody_acknowledged_it(store: Store) -> None:
    async with alerted(store, routed(repeat_s=3600.0)) as world:
        await world.find("team/app", fault(), fault(number=1))
        await world.settle()
        world.clock.move(hours=1)
        await world.settle()
        assert ["2 broken", "2 still broken"] == [event["summary"] for event in world.events()]
        mark = fault().fingerprint
        now = world.clock.now()
        assert await handling.acknowledge(store, mark, "on it", who="ann", now=now)
        world.clock.move(hours=1)
        await world.settle()
        assert "1 still broken" == world.events()[-1]["summary"]
        # It is mended and breaks again: that is another time.
        await world.find("team/app")
        await world.settle()
        world.clock.move(days=2)
        await world.find("team/app", fault())
        await world.settle()
        world.clock.move(hours=1)
        await world.settle()
        assert ["2 mended", "1 broken", "1 still broken"] == [
            event["summary"] for event in world.events()[-3:]
        ]


async def test_news_of_one_finding_do_not_put_off_the_repeat_of_another(store: Store) -> None:
    async with alerted(store, routed(repeat_s=3600.0)) as world:
        given = [fault()]
        for number in range(5):
            await world.find("team/app", *given)
            await world.settle()
            given.append(fault(number=number + 1))
            world.clock.move(minutes=30)
        assert [
            "1 broken",
            "1 broken",
            "1 broken, 2 still broken",
            "1 broken",
            "1 broken, 4 still broken",
        ] == [event["summary"] for event in world.events()]


async def test_what_broke_a_moment_ago_is_not_said_again_in_anothers_turn(store: Store) -> None:
    async with alerted(store, routed(repeat_s=3600.0)) as world:
        await world.find("team/app", fault())
        await world.settle()
        world.clock.move(minutes=50)
        await world.find("team/app", fault(number=1))
        for minutes in (10, 49, 1):
            await world.settle()
            world.clock.move(minutes=minutes)
        assert ["1 broken", "1 broken, 1 mended"] == [one["summary"] for one in world.events()]
        await world.settle()
        assert "1 still broken" == world.events()[-1]["summary"]


async def test_what_flaps_is_not_said_again_until_it_is_calm(store: Store) -> None:
    async with alerted(store, routed(repeat_s=3600.0)) as world:
        for turn in range(7):
            await world.find("team/app", *([fault()] if turn % 2 == 0 else []))
            await world.settle()
            world.clock.move(minutes=1)
        for _ in range(25):
            world.clock.move(hours=1)
            await world.settle()
        told = [event["summary"] for event in world.events()[3:]]
        assert ["1 flapping", "1 back, 1 still broken"] == told[:2]


async def test_a_report_tells_what_is_broken_new_and_mended_once_a_day(store: Store) -> None:
    digest = DigestConfig("daily", "08:00")
    async with alerted(store, routed(digest=digest)) as world:
        await world.find("team/old", fault("team/old"))
        await world.find("team/app", fault())
        await world.settle()
        world.clock.at = later(days=1, hours=-3)
        await world.settle()
        world.clock.at = later(days=1, hours=-2)
        await world.find("team/app")
        await world.find("team/new", fault("team/new"))
        world.clock.at = later(days=2)
        for _ in range(3):
            await world.settle()
        titles = world.titles()
        assert [
            "mfl-lint report: 2 broken, 2 new, 0 mended",
            "mfl-lint report: 2 broken, 1 new, 1 mended",
        ] == titles
        assert "2 broken, 1 new, 1 mended" == world.events()[-1]["summary"]
        told = [(item["kind"], item["repository"]) for item in world.events()[-1]["items"]]
        assert [
            ("opened", "team/new"),
            ("resolved", "team/app"),
            ("standing", "team/old"),
            ("standing", "team/new"),
        ] == told


async def test_messages_for_a_channel_that_is_no_more_are_dead_letters_after_a_day(
    store: Store,
) -> None:
    async with alerted(store, receiver=Receiver(lambda _: 503)) as world:
        await world.find("team/app", fault())
        await world.settle()
        world.config = Config(alert=AlertConfig())
        for hours, state in ((23, PENDING), (2, DEAD)):
            world.clock.move(hours=hours)
            await world.settle()
            await world.dispatcher.forget()
            assert {state: 1} == await world.delivered()
        assert 1 == world.receiver.asked


async def test_what_was_sent_is_forgotten_by_who_serves_and_not_by_a_crawl(store: Store) -> None:
    statuses = iter([204, 400, 204])
    async with alerted(store, receiver=Receiver(lambda _: next(statuses))) as world:
        for number in range(2):
            await world.find(f"team/{number}", fault(f"team/{number}"))
            await world.settle()
        world.clock.move(days=30.5)
        await world.settle()
        assert {DEAD: 1, SENT: 1} == await world.delivered()
        await world.dispatcher.forget()
        assert {DEAD: 1} == await world.delivered()


def test_the_kinds_that_are_told_have_a_word_each() -> None:
    from mfl_lint.alert.words import _WORDS

    assert set(Kind) == set(_WORDS)


async def test_what_nobody_watches_any_more_is_not_said_again(store: Store) -> None:
    async with alerted(store, routed(repeat_s=3600.0)) as world:
        await world.find("team/app", fault())
        await world.settle()
        await registries.sync_registries(store, [], world.clock.now())
        world.clock.move(hours=1)
        await world.settle()
        assert ["1 broken"] == [event["summary"] for event in world.events()]
        rows = (await dump.figures(store)).rows
        assert 0 == rows["alert_groups"]
