from collections.abc import Mapping

import pytest

from mfl_lint.config_checks import MAX_MISTAKES
from mfl_lint.config_kinds import Seconds, Settings
from mfl_lint.config_tables import Reading
from mfl_lint.core.errors import ConfigInvalid


class Item(Settings, frozen=True):
    name: str
    sizes: tuple[int, ...] = ()
    wait_s: Seconds = 1.0


class Root(Settings, frozen=True):
    item: tuple[Item, ...] = ()
    one: Item = Item("default")
    words: Mapping[str, str] = {}
    limit: int | None = None


def _mistakes(table: object) -> list[str]:
    reading = Reading()
    reading.table(table, Root, "")
    with pytest.raises(ConfigInvalid) as caught:
        reading.finish()
    return [line.partition(":")[0] for line in caught.value.mistakes]


def test_a_table_becomes_settings_with_durations_in_seconds() -> None:
    table = {"item": [{"name": "a", "wait": "2m"}], "words": {"x": "y"}, "limit": 3}
    reading = Reading()
    assert Root((Item("a", wait_s=120.0),), words={"x": "y"}, limit=3) == reading.table(
        table, Root, ""
    )
    reading.finish()
    assert [("item[0]", "a")] == [(key, item.name) for key, item in reading.tables(Item)]


def test_every_mistake_is_gathered_with_its_key() -> None:
    table = {
        "itm": 1,
        "item": [
            {"name": 1, "sizes": [1, "2", 3, "4"], "wait": "soon"},
            5,
            {"sizes": "all"},
            {"name": "fine", "wait": -1},
        ],
        "one": [],
        "words": {"a": 1, "b": "x", "c": []},
        "limit": "no",
    }
    assert [
        "itm",
        "item[0].name",
        "item[0].sizes[1]",
        "item[0].sizes[3]",
        "item[0].wait",
        "item[1]",
        "item[2].sizes",
        "item[2]",
        "item[3].wait",
        "one",
        "words.a",
        "words.c",
        "limit",
    ] == _mistakes(table)


def test_what_is_wrong_stays_at_its_default_and_keeps_the_keys_of_the_others() -> None:
    reading = Reading()
    root = reading.table({"item": [{}, {"name": "b", "wait": "x"}], "limit": "x"}, Root, "")
    assert Root((Item("b"),)) == root
    assert [("item[1]", Item("b"))] == list(reading.tables(Item))


def test_so_many_mistakes_are_told_and_no_more() -> None:
    reading = Reading()
    with pytest.raises(ConfigInvalid) as caught:
        reading.table({f"key{number}": 1 for number in range(100)}, Root, "")
    assert MAX_MISTAKES + 1 == len(caught.value.mistakes)
    assert "more mistakes than these" in caught.value.mistakes[-1]


def test_one_mistake_is_the_text_and_of_several_the_first_with_their_number() -> None:
    assert "a: x" == str(ConfigInvalid("a: x"))
    assert "a: x (and 2 more)" == str(ConfigInvalid("a: x", "b: y", "c: z"))
