"""Retention: what is kept is whole, and what is shown of it is what was shown before."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from sqlalchemy import Connection, delete, func, select

from mfl_lint.config_retention import RetentionConfig
from mfl_lint.core.digest import is_digest
from mfl_lint.core.messages import Draft, MessageState, Notice, Outcome
from mfl_lint.core.news import Group, Kind, News, Routed, Waiting
from mfl_lint.core.policy import Ignore, Severity
from mfl_lint.store import dump, handling, messages, tables, views
from mfl_lint.store.compression import decompressed
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.history import MOST
from mfl_lint.store.marks import introduced
from mfl_lint.store.migrate import upgrade
from mfl_lint.store.news import alone, write_routed
from mfl_lint.store.retention import retain
from mfl_lint.store.unreferenced import Kept
from tests.builders import image, index
from tests.crawl.world import NAME, World, made_world
from tests.fault_registry import FaultRegistry
from tests.store.conftest import DATABASES

DAY_S: Final = 86400.0
SHORT: Final = RetentionConfig(
    history_s=2 * DAY_S,
    resolved_s=3 * DAY_S,
    transitions_s=2 * DAY_S,
    crawls_s=2 * DAY_S,
    documents_s=DAY_S,
)
TAGS: Final = ("v1", "latest")
REPOSITORIES: Final = ("app",)
ARCHES: Final = ("amd64", "arm64", "s390x")


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    found = f"sqlite:///{tmp_path}/retained.db"
    if request.param == "postgresql":
        found = request.getfixturevalue("fresh_postgresql")
    upgrade(found)
    return found


@asynccontextmanager
async def twins(
    registry: FaultRegistry, url: str, tmp_path: Path
) -> AsyncIterator[tuple[World, World]]:
    """Yield two worlds that look at one registry, each with a store and a clock of its own."""
    control = f"sqlite:///{tmp_path}/control.db"
    upgrade(control)
    async with (
        open_store(url) as mine,
        open_store(control) as other,
        made_world(registry, mine) as one,
        made_world(registry, other) as two,
    ):
        yield one, two


async def told(store: Store) -> None:
    """Let everybody be told of everything."""
    await store.write(lambda connection: connection.execute(delete(tables.outbox)).rowcount)


async def rows(store: Store, name: str) -> int:
    return (await dump.figures(store)).rows[name]


def _shown(connection: Connection) -> dict[str, Any]:
    """Return what is believed now, without ids."""
    tags, findings, repositories = tables.tags, tables.findings, tables.repositories
    counters = ("error", "warning", "info", "unknown")
    stands = findings.c.state != "resolved"
    standing = ("fingerprint", "state", "first_seen_at", "last_confirmed_at", "message", "fix")
    queries = {
        "tags": select(
            tags.c.name, tags.c.digest, tags.c.look, *(tags.c[name] for name in counters)
        ),
        "findings": select(*(findings.c[name] for name in standing)).where(stands),
        "repositories": select(repositories.c.name, *(repositories.c[name] for name in counters)),
        "registries": select(
            *(tables.registries.c[name] for name in ("tags", "repositories", *counters))
        ),
        "days": select(tables.day_counters),
        "rules": select(tables.rule_counters),
    }
    return {name: sorted(map(tuple, connection.execute(query))) for name, query in queries.items()}


def _pasts(connection: Connection) -> Mapping[str, list[str]]:
    """Return what each tag pointed at, the newest first."""
    history, tags = tables.tag_history, tables.tags
    query = (
        select(tags.c.repository_id, tags.c.name, history.c.digest)
        .join(tags, tags.c.id == history.c.tag_id)
        .order_by(history.c.id.desc())
    )
    found: dict[str, list[str]] = {}
    for row in connection.execute(query):
        found.setdefault(f"{row.repository_id}/{row.name}", []).append(row.digest)
    return found


def _reachable(connection: Connection) -> tuple[set[str], set[str]]:
    """Return the documents that are kept, and those that something leads to, worked out anew."""
    documents = tables.documents
    raw = {
        row.digest: decompressed(row.raw)
        for row in connection.execute(select(documents.c.digest, documents.c.raw))
    }
    ahead = {row.digest for row in connection.execute(select(tables.tags.c.digest))}
    ahead |= {row.digest for row in connection.execute(select(tables.tag_history.c.digest))}
    seen: set[str] = set()
    while ahead:
        seen |= ahead
        said = (json.loads(raw[digest]) for digest in ahead if digest in raw)
        ahead = {digest for one in said for digest in _digests(one)} - seen
    return set(raw), seen


def _digests(value: Any) -> Iterator[str]:
    """Yield what in a JSON value is a digest."""
    if isinstance(value, str):
        yield from [value] if is_digest(value) else []
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _digests(inner)


@pytest.mark.ordeal("postgresql")
async def test_what_is_kept_is_whole_and_shown_as_before_whatever_happened(
    fault_registry: FaultRegistry,
    url: str,
    tmp_path: Path,
    count: Callable[[int], int],
    seed: int,
) -> None:
    dice = random.Random(seed)
    async with twins(fault_registry, url, tmp_path) as (mine, control):
        ever: set[str] = set()
        for number in range(count(300)):
            _push(mine, dice)
            await asyncio.gather(mine.crawl(DAY_S / 2), control.crawl(DAY_S / 2))
            if dice.random() < 0.5:
                await told(mine.store)
            before = await mine.store.read(_shown)
            await retain(mine.store, _settings(dice), mine.clock.now())
            assert before == await mine.store.read(_shown)
            there, reachable = await mine.store.read(_reachable)
            ever |= (await mine.documents()).keys()
            assert set() == (ever & reachable) - there
            pasts, whole = await mine.store.read(_pasts), await control.store.read(_pasts)
            for place, past in pasts.items():
                assert past == whole[place][: len(past)], place
                assert len(past) >= min(MOST, len(whole[place]))
            assert await control.store.read(_shown) == before, f"round {number}"
        # What is judged anew is judged from what is kept, without a document being fetched.
        for world in (mine, control):
            world.change_policy(severities={"MFL301": Severity.INFO, "MFL102": Severity.WARNING})
            await world.crawl(60.0)
            assert [] == world.asked(("GET", r"/blobs/"))
        assert await mine.found("open", "unknown") == await control.found("open", "unknown")
        await told(mine.store)
        for _ in range(3):
            mine.clock.seconds += 10 * DAY_S
            await retain(mine.store, SHORT, mine.clock.now())
        there, reachable = await mine.store.read(_reachable)
        assert set() == there - reachable
        kept, all_documents = len(there), await rows(control.store, "documents")
        print(f"{count(300)} rounds: {kept} of {all_documents} documents kept")
        assert kept < all_documents


def _push(world: World, dice: random.Random) -> None:
    """Put something new, or something old again, where a tag points."""
    arches = dice.sample(ARCHES, dice.randint(1, 3))
    name = f"build {dice.randrange(40)}"
    images = [image("linux", arch, name=name if arch == arches[0] else "base") for arch in arches]
    world.place(dice.choice(REPOSITORIES), index(*images), dice.choice(TAGS))


def _settings(dice: random.Random) -> RetentionConfig:
    names = msgspec.structs.asdict(SHORT)
    return RetentionConfig(**{name: dice.choice([0.0, DAY_S, 3 * DAY_S]) for name in names})


async def moved(world: World, times: int) -> None:
    for number in range(times):
        world.place("app", index(image("linux", "amd64", name=f"{number}")), "v1")
        await world.crawl(DAY_S)


async def test_history_is_cut_and_what_it_led_to_goes_after_its_time(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        await moved(world, MOST + 4)
        revision = (await views.registry(world.store, NAME), await _revision(world.store))[1]
        first = await retain(world.store, SHORT, world.clock.now(), dry_run=True)
        assert 4 == first["history"]
        assert MOST + 4 == await rows(world.store, "tag_history")
        removed = await retain(world.store, SHORT, world.clock.now())
        assert (4, 0) == (removed["history"], removed["documents"])
        assert await _revision(world.store) > revision
        # An index, an image and its config for each of them.
        assert 12 == await rows(world.store, "orphans")
        world.clock.seconds += 2 * DAY_S
        removed = await retain(world.store, SHORT, world.clock.now())
        assert 12 == removed["documents"]
        assert 3 * MOST == await rows(world.store, "documents")
        assert MOST == await rows(world.store, "entries")
        assert 0 == await rows(world.store, "orphans")
        again = await retain(world.store, SHORT, world.clock.now())
        assert set() == {name for name, number in again.items() if number}


@pytest.mark.parametrize("written", ["\\u003a", "\\u003A"])
async def test_documents_of_a_list_that_escapes_characters_of_its_digests_stay(
    fault_registry: FaultRegistry, url: str, tmp_path: Path, written: str
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        plain = index(image("linux", "amd64"), image("linux", "arm64"))
        raw = plain.raw.replace(b"sha256:", f"\\u0073ha256{written}".encode())
        world.place("app", msgspec.structs.replace(plain, raw=raw), "v1")
        await world.crawl()
        assert 5 == await rows(world.store, "documents")
        for _ in range(3):
            world.clock.seconds += 10 * DAY_S
            await retain(world.store, SHORT, world.clock.now())
        assert 5 == await rows(world.store, "documents")


async def _revision(store: Store) -> int:
    found = await store.read(
        lambda connection: connection.scalar(select(tables.registries.c.revision))
    )
    return int(found or 0)


async def test_an_old_image_that_comes_back_while_it_is_marked_is_fetched_and_stays(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        await moved(world, MOST + 1)
        await retain(world.store, SHORT, world.clock.now())
        assert 3 == await rows(world.store, "orphans")
        world.place("app", index(image("linux", "amd64", name="0")), "again")
        await world.crawl(60.0)
        assert 0 == await rows(world.store, "orphans")
        world.clock.seconds += 2 * DAY_S
        await retain(world.store, SHORT, world.clock.now())
        there, reachable = await world.store.read(_reachable)
        assert await world.tag("app", "again")
        assert 3 * (MOST + 1) == len(there & reachable)


async def test_a_document_that_was_read_before_it_was_marked_is_found_again_by_what_led_there(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        await moved(world, MOST + 1)
        old = index(image("linux", "amd64", name="0")).digest
        await retain(world.store, SHORT, world.clock.now())

        def point_back(connection: Connection) -> None:
            connection.execute(tables.tags.update().values(digest=old))

        await world.store.write(point_back)
        world.clock.seconds += 2 * DAY_S
        await retain(world.store, SHORT, world.clock.now())
        assert 0 == await rows(world.store, "orphans")
        assert old in await world.documents()


async def test_resolved_findings_go_with_their_changes_once_they_were_told(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        world.place("app", index(image("linux", "amd64"), image("linux", "amd64", name="x")), "v1")
        await world.crawl()
        assert "app:v1 MFL105" in await world.found()
        world.place("app", index(image("linux", "amd64"), image("linux", "arm64")), "v1")
        await world.crawl()
        resolved = await world.found("resolved")
        assert "app:v1 MFL105" in resolved
        before = await _transitions(world.store)
        world.clock.seconds += 10 * DAY_S
        if await rows(world.store, "outbox"):
            removed = await retain(world.store, SHORT, world.clock.now())
            assert (0, 0) == (removed["resolved findings"], removed["transitions"])
        await told(world.store)
        await retain(world.store, SHORT, world.clock.now())
        assert [] == await world.found("resolved")
        standing = await rows(world.store, "findings")
        standing_ones = await _transitions(world.store)
        assert standing == len(standing_ones)
        world.place("app", index(image("linux", "amd64"), image("linux", "amd64", name="x")), "v1")
        await world.crawl()
        assert "app:v1 MFL105" in await world.found()
        # Whoever goes by the id of what is told sees that this is new.
        returned = await _transitions(world.store) - standing_ones
        assert returned
        assert set() == returned & before


async def _transitions(store: Store) -> set[str]:
    query = select(tables.transitions.c.id)
    return await store.read(lambda connection: set(connection.scalars(query)))


async def _one_resolved(world: World) -> str:
    """Return the fingerprint of a finding that resolved, and was routed to nobody yet."""
    world.place("app", index(image("linux", "amd64"), image("linux", "amd64", name="x")), "v1")
    await world.crawl()
    world.place("app", index(image("linux", "amd64"), image("linux", "arm64")), "v1")
    await world.crawl()
    await told(world.store)
    marks = select(tables.findings.c.fingerprint).where(tables.findings.c.rule == "MFL105")
    return str(await world.store.read(lambda connection: connection.scalar(marks)))


def _news(world: World, fingerprint: str) -> News:
    return News("t", Kind.RESOLVED, world.clock.now(), NAME, "app", "v1", fingerprint=fingerprint)


async def _left_after_ten_days(world: World, news: News) -> tuple[int, int]:
    """Return how many rows there are of the finding, and how many of its changes."""
    world.clock.seconds += 10 * DAY_S
    await retain(world.store, SHORT, world.clock.now())
    found = [
        select(func.count()).where(table.c.fingerprint == news.fingerprint)
        for table in (tables.findings, tables.transitions)
    ]
    one, two = await world.store.read(lambda held: [held.scalar(query) for query in found])
    return one or 0, two or 0


async def test_what_waits_to_be_told_in_a_group_stays_with_all_of_its_changes(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        news = _news(world, await _one_resolved(world))
        group = Group("all", NAME)
        waiting = Routed((Waiting(group, news, world.clock.now()),))
        await world.store.write(write_routed, waiting)
        assert (1, 2) == await _left_after_ten_days(world, news)
        would = await retain(world.store, SHORT, world.clock.now(), dry_run=True)
        assert (0, 0) == (would["resolved findings"], would["transitions"])

        def gathered(connection: Connection) -> int:
            return connection.execute(delete(tables.alert_waiting)).rowcount

        assert 1 == await world.store.write(gathered)
        would = await retain(world.store, SHORT, world.clock.now(), dry_run=True)
        assert (1, 2) == (would["resolved findings"], would["transitions"])
        assert (0, 0) == await _left_after_ten_days(world, news)


async def test_what_a_message_says_stays_until_it_is_sent_or_its_dead_letter_is_over(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        news, now = _news(world, await _one_resolved(world)), world.clock.now()
        drafts = [
            Draft(Notice(name, "all", Group("all", NAME), now, (news,)), name, "what resolved")
            for name in ("one", "two")
        ]
        await messages.add_drafts(world.store, drafts, now)
        assert (1, 2) == await _left_after_ten_days(world, news)
        await _ended(world, "one", MessageState.SENT)
        assert (1, 2) == await _left_after_ten_days(world, news)
        await _ended(world, "two", MessageState.DEAD)
        assert (1, 2) == await _left_after_ten_days(world, news)
        old = msgspec.structs.replace(SHORT, dead_letters_s=60 * DAY_S)
        assert 0 == (await retain(world.store, old, world.clock.now()))["dead letters"]
        old = msgspec.structs.replace(SHORT, dead_letters_s=20 * DAY_S)
        removed = await retain(world.store, old, world.clock.now())
        assert (1, 1) == (removed["dead letters"], removed["resolved findings"])
        assert 1 == await rows(world.store, "messages")


async def _ended(world: World, channel: str, state: MessageState) -> None:
    claim = partial(messages.claim, world.store, now=world.clock.now(), lease_s=60.0)
    (claimed,) = (await claim(channel, "somebody", 1)).messages
    await messages.finish(world.store, "somebody", [Outcome(claimed.id, state)], world.clock.now())


async def test_what_resolved_goes_while_somebody_else_routes_for_long(
    fault_registry: FaultRegistry, fresh_postgresql: str, tmp_path: Path
) -> None:
    upgrade(fresh_postgresql)
    begun, done = threading.Event(), threading.Event()

    def route(connection: Connection) -> None:
        alone(connection)
        begun.set()
        done.wait(60.0)

    async with twins(fault_registry, fresh_postgresql, tmp_path) as (world, _):
        await _one_resolved(world)
        world.clock.seconds += 10 * DAY_S
        routing = asyncio.create_task(world.store.write(route))
        try:
            await asyncio.to_thread(begun.wait, 60.0)
            async with asyncio.timeout(20.0):
                removed = await retain(world.store, SHORT, world.clock.now())
        finally:
            done.set()
            await routing
        assert removed["resolved findings"] > 0


async def test_what_people_did_goes_once_it_has_no_effect(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        world.place("app", index(image("linux", "amd64"), image("linux", "amd64", name="x")), "v1")
        await world.crawl()
        marks = select(tables.findings.c.fingerprint).where(tables.findings.c.rule == "MFL105")
        mark = await world.store.read(lambda connection: connection.scalar(marks))
        ends = world.clock.now() + timedelta(days=5)
        matcher = Ignore("MFL105", "we know", NAME, "app", "", ends)
        now = world.clock.now()
        await handling.acknowledge(world.store, str(mark), "soon", who="ada", now=now)
        await handling.set_silence(world.store, matcher, who="ada", now=now)
        kept = msgspec.structs.replace(SHORT, ignores_s=DAY_S)
        names = ("ended silences", "acknowledgements")
        world.clock.seconds += 3 * DAY_S
        removed = await retain(world.store, kept, world.clock.now())
        assert [0, 0] == [removed[name] for name in names]
        world.place("app", index(image("linux", "amd64"), image("linux", "arm64")), "v1")
        await world.crawl(4 * DAY_S)
        removed = await retain(world.store, kept, world.clock.now())
        assert [1, 1] == [removed[name] for name in names]


async def test_crawls_go_but_for_the_last_hundred_and_the_one_since_which_alerts_are_sent(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        world.place("app", index(image("linux", "amd64")), "v1")
        for _ in range(3):
            await world.crawl(DAY_S)

        def older(connection: Connection) -> None:
            last = connection.execute(select(tables.crawls)).mappings().all()[-1]
            made = [{**last, "id": last["id"] + 1 + number} for number in range(150)]
            connection.execute(tables.crawls.insert(), made)

        await world.store.write(older)
        assert 3 == await rows(world.store, "slices")
        known = await world.store.read(introduced, world.clock.now())
        world.clock.seconds += 10 * DAY_S
        removed = await retain(world.store, SHORT, world.clock.now())
        assert (52, 3) == (removed["crawls"], removed["slices of crawls"])
        assert (101, 0) == (await rows(world.store, "crawls"), await rows(world.store, "slices"))
        assert known == await world.store.read(introduced, world.clock.now())


async def test_a_crawl_goes_on_while_much_is_removed(
    fault_registry: FaultRegistry, url: str, tmp_path: Path
) -> None:
    async with twins(fault_registry, url, tmp_path) as (world, _):
        await moved(world, MOST + 2)

        def many(connection: Connection) -> int:
            tag = connection.scalar(select(func.min(tables.tags.c.id)))
            made = [
                {
                    "id": -number,
                    "tag_id": tag,
                    "digest": f"sha256:{number:064}",
                    "seen_at": world.clock.now() - timedelta(days=90),
                }
                for number in range(1, 5_001)
            ]
            connection.execute(tables.tag_history.insert(), made)
            return len(made)

        await world.store.write(many)
        removing = asyncio.create_task(retain(world.store, SHORT, world.clock.now()))
        rounds = 0
        while not removing.done():
            progress = await world.crawl(1.0)
            assert "" == progress.problem
            rounds += 1
        assert 5_002 == (await removing)["history"]
        assert rounds > 2


def test_a_digest_is_kept_once() -> None:
    kept = Kept()
    assert (True, False) == (kept.add("sha256:aa"), kept.add("sha256:aa"))
    assert ("sha256:aa" in kept, "sha256:bb" in kept) == (True, False)
