"""Much at once: everything is counted, people get one message, programs are told it all."""

from __future__ import annotations

from typing import Any

import msgspec

from mfl_lint.config_alert import AlertConfig, ChannelConfig, DigestConfig, RouteConfig
from mfl_lint.store import dump, messages
from mfl_lint.store.engine import Store
from tests.service.alerted import alerted, fault, settings
from tests.store.batches import later


def routed(**changed: Any) -> Any:
    """Return settings with a route to a webhook and to people."""
    chat = ChannelConfig("chat", "apprise", url_env="NO_SUCH_CHAT")
    fields: dict[str, Any] = {"name": "team", "channels": ("hook", "chat"), "wait_s": 0.0}
    route = RouteConfig(**(fields | changed))

    def made(url: str) -> AlertConfig:
        known = settings(url, route)
        return msgspec.structs.replace(known, channel=(*known.channel, chat))

    return made


async def to_people(store: Store) -> list[str]:
    """Return the titles of messages to people, the newest first."""
    return [one.title for one in (await messages.deliveries(store, channel="chat")).items]


async def test_of_more_than_fits_programs_are_told_all_in_parts_and_people_once(
    store: Store,
) -> None:
    async with alerted(store, routed()) as world:
        await world.find("team/app", *(fault(number=number) for number in range(1200)))
        await world.settle()
        said = [(len(e["items"]), e["left_out"], e["part"], e["more"]) for e in world.events()]
        assert [(1000, 0, 1, True), (200, 0, 2, False)] == said
        marks = {item["fingerprint"] for event in world.events() for item in event["items"]}
        assert (1200, 2) == (len(marks), len(world.receiver.keys()))
        assert ["one/team/app: 1200 broken"] == await to_people(store)
        rows = (await dump.figures(store)).rows
        assert (0, 0) == (rows["alert_waiting"], rows["outbox"])


async def test_what_stands_is_said_again_whole_and_after_what_is_new(store: Store) -> None:
    async with alerted(store, routed(repeat_s=3600.0, wait_s=3600.0)) as world:
        old = [fault(number=number) for number in range(1100)]
        await world.find("team/app", *old)
        await world.settle()
        world.clock.move(hours=1)
        await world.settle()
        world.receiver.taken.clear()
        await world.find("team/app", *old, fault(number=5000), fault(number=5001))
        await world.settle()
        world.clock.move(hours=1)
        await world.settle()
        assert "one/team/app: 2 broken, 1100 still broken" == (await to_people(store))[0]
        kinds = [item["kind"] for event in world.events() for item in event["items"]]
        assert ["opened"] * 2 + ["standing"] * 1100 == kinds


async def test_a_report_counts_what_its_route_wants_however_much_stands_elsewhere(
    store: Store,
) -> None:
    digest = DigestConfig("daily", "08:00")
    async with alerted(store, routed(digest=digest, repositories=("team/*",))) as world:
        await world.settle()
        elsewhere = [fault("other/app", number) for number in range(5001)]
        await world.find("other/app", *elsewhere)
        world.clock.move(hours=1)
        await world.find("team/app", *(fault(number=number) for number in range(2)))
        world.clock.at = later(days=1)
        await world.settle()
        assert ["mfl-lint report: 2 broken, 2 new, 0 mended"] == world.titles()
        assert 4 == len(world.events()[0]["items"])
