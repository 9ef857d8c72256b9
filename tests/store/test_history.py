"""What tags pointed at, for many of them at once."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from mfl_lint.core.history import Earlier
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind
from mfl_lint.core.platform import Platform
from mfl_lint.core.records import Entry, TagWrite
from mfl_lint.store import history, observations
from mfl_lint.store.engine import Store
from tests.store.batches import NOW, batch, digest, later, lease, write


def listing(write: TagWrite, *entries: Entry) -> TagWrite:
    return msgspec.structs.replace(write, entries=entries)


def entry(position: int, platform: Platform | None, kind: Kind = Kind.IMAGE) -> Entry:
    return Entry(position, Descriptor(digest=digest(f"c{position}"), platform=platform), kind)


async def test_each_tag_has_what_it_pointed_at_with_its_platforms_the_newest_first(
    store: Store,
) -> None:
    held = await lease(store)
    arm64, windows = Platform("linux", "arm64"), Platform("windows", "amd64", "", "10.0.1.2")
    unknown = Platform("unknown", "unknown")
    first = listing(
        write("v1", content="a"),
        entry(0, arm64),
        entry(1, windows),
        entry(2, unknown, Kind.ATTESTATION),
        entry(3, None),
        entry(4, None, Kind.INDEX),
    )
    await observations.record(store, held, batch(first, write("v2", content="c")))
    second = listing(write("v1", content="b", looked_at=later(hours=1)), entry(0, windows))
    await observations.record(store, held, batch(second))
    found = await history.pointed_at(store, held.repository_id, ["v1", "v3"])
    expected = (
        Earlier(digest("b"), later(hours=1), (windows,)),
        Earlier(digest("a"), NOW, (arm64, windows)),
    )
    assert {"v1": expected} == found
    other = await lease(store, "team/other")
    assert {} == await history.pointed_at(store, other.repository_id, ["v1"])
    assert {} == await history.pointed_at(store, held.repository_id, [])


async def test_of_a_long_history_the_newest_are_enough(store: Store) -> None:
    held = await lease(store)
    for number in range(12):
        looked_at = NOW + timedelta(hours=number)
        moved = write("v1", content=f"n{number}", looked_at=looked_at)
        await observations.record(store, held, batch(moved))
    found = (await history.pointed_at(store, held.repository_id, ["v1"]))["v1"]
    assert [digest(f"n{number}") for number in range(11, 3, -1)] == [one.digest for one in found]
