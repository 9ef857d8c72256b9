"""What a run remembers of layers, within its bounds."""

from __future__ import annotations

from mfl_lint.core.layer import LayerSummary
from mfl_lint.core.packing import packed
from mfl_lint.registry.layer_memory import RunMemory
from tests.programs import elf, exe, summary

LAYERS = [summary(exe(f"app{number}", elf("amd64"))) for number in range(3)]
SIZE = max(len(packed(layer)) for layer in LAYERS)


async def remembered(memory: RunMemory) -> list[LayerSummary | None]:
    return [await memory.recall(layer.digest) for layer in LAYERS]


async def test_layers_are_remembered() -> None:
    memory = RunMemory()
    assert [None] * 3 == await remembered(memory)
    await memory.keep(LAYERS)
    assert LAYERS == await remembered(memory)


async def test_where_it_is_full_what_was_asked_for_longest_ago_goes() -> None:
    memory = RunMemory(max_bytes=2 * SIZE)
    await memory.keep(LAYERS[:2])
    await memory.recall(LAYERS[0].digest)
    await memory.keep([LAYERS[2], LAYERS[2]])
    assert [LAYERS[0], None, LAYERS[2]] == await remembered(memory)
