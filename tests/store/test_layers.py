"""What was read of layers is kept by digest, whoever asks."""

from __future__ import annotations

import msgspec
import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.layer import LayerSummary
from mfl_lint.store import dump
from mfl_lint.store.engine import Store
from mfl_lint.store.layers import read_layers, write_layers
from tests.programs import elf, exe, hard, link, summary
from tests.store.batches import NOW, later

FIRST = summary(exe("bin/sh", elf("arm64", loader="/lib/ld.so")), link("sh", "bin/sh"))
SECOND = summary(hard("bin/caf\udce9", "bin/sh"), exe("x", b"#!/bin/sh\n"))
DAMAGED = LayerSummary(digest_of(b"damaged"), problem="it is cut")


async def test_layers_come_back_as_they_were(store: Store) -> None:
    await write_layers(store, [FIRST, SECOND], NOW)
    asked = [FIRST.digest, SECOND.digest, digest_of(b"never read")]
    found = await read_layers(store, asked, tried_after=NOW)
    assert {FIRST.digest: FIRST, SECOND.digest: SECOND} == found


async def test_what_was_read_again_takes_the_place_of_what_was_kept(store: Store) -> None:
    await write_layers(store, [FIRST], NOW)
    more = msgspec.structs.replace(FIRST, watched=("bin/sh",))
    await write_layers(store, [FIRST, more], later(days=1))
    assert {FIRST.digest: more} == await read_layers(store, [FIRST.digest], tried_after=NOW)


@pytest.mark.parametrize(("days", "expected"), [(-1, {DAMAGED.digest: DAMAGED}), (1, {})])
async def test_a_layer_that_could_not_be_read_is_forgotten(
    store: Store, days: int, expected: dict[str, LayerSummary]
) -> None:
    await write_layers(store, [DAMAGED], NOW)
    assert expected == await read_layers(store, [DAMAGED.digest], tried_after=later(days=days))


async def test_many_layers_are_written_and_asked_for_at_once(store: Store) -> None:
    many = [LayerSummary(digest_of(str(number).encode())) for number in range(1000)]
    await write_layers(store, many, NOW)
    found = await read_layers(store, [layer.digest for layer in many], tried_after=NOW)
    assert {layer.digest: layer for layer in many} == found


async def test_layers_are_no_part_of_what_databases_are_compared_by(store: Store) -> None:
    before = await dump.canonical_dump(store)
    await write_layers(store, [FIRST], NOW)
    assert before == await dump.canonical_dump(store)
    assert 1 == (await dump.figures(store)).rows["layers"]
