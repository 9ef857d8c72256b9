import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfl_lint.core.errors import InputInvalid
from mfl_lint.inputs.read import Settings, read_text
from mfl_lint.inputs.yaml_tree import MAX_DEPTH, MAX_NODES, Fields, Scalar, documents

NINE = "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
SEQUENCES = f"a: &a [{','.join('x' * 9)}]\n{NINE}"
MERGES = "a: &a {k: v}\n" + "".join(
    f"{name}: &{name} {{{','.join(f'{at}: {{<<: *{before}}}' for at in range(9))}}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
PIECES = [
    *"[]{}:,-?&*!|>'\"#%@`\n \t~",
    *("---\n", "...\n", "<<: *a", "&a ", "*a", "&b [", "*b", "!!python/object:os.system ", "!x "),
    *("services:\n", "  web:\n", "    image: ", "app:1", "${TAG", ":-x}", "$$", "include: ["),
    *("apiVersion: v1\n", "kind: Pod\n", "spec:\n", "  containers:\n", "  - image: app\n"),
    *("%TAG ! tag:\n", "\u2028", "\ufeff", "\x85", "0x", "é", "- ", ": ", "FROM x\n"),
]


def _only(text: str) -> Fields:
    (root,) = documents(text, "f.yaml")
    assert isinstance(root, Fields)
    return root


def test_values_know_their_lines() -> None:
    root = _only("a: 1\n\nb:\n  c: 'two'\n")
    inner = root.mapping("b")
    assert inner is not None
    found = inner.scalar("c")
    assert found is not None
    assert ("two", 4, False) == (found.text, found.line, found.plain)


@pytest.mark.parametrize("text", ["a:", "a: ~", "a: null", "a: !reset x"])
def test_null_is_absent(text: str) -> None:
    assert None is _only(text).at("a")


def test_a_quoted_null_is_a_text() -> None:
    assert isinstance(_only("a: 'null'").at("a"), Scalar)


def test_merge_keys_fill_in_what_is_not_there() -> None:
    root = _only("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], a: 5}\n")
    merged = root.mapping("z")
    assert merged is not None
    found = {key: merged.scalar(key) for key in "abc"}
    assert {"a": "5", "b": "2", "c": "4"} == {key: x.text for key, x in found.items() if x}


def test_documents_do_not_share_anchors() -> None:
    with pytest.raises(InputInvalid, match=r"f.yaml:3: not read: the alias \*x names nothing"):
        documents("a: &x 1\n---\nb: *x\n", "f.yaml")


@pytest.mark.parametrize("bomb", [SEQUENCES, MERGES], ids=["sequences", "merges"])
def test_an_alias_bomb_is_refused_within_a_second(bomb: str) -> None:
    started = time.process_time()
    with pytest.raises(InputInvalid, match=f"it means more than {MAX_NODES} nodes"):
        documents(bomb, "f.yaml")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "- " * 100_000, "? " * 100_000, "{a: " * 100_000, "[{" * 100_000]
)
def test_what_is_nested_too_deep_is_refused_within_a_second(text: str) -> None:
    started = time.process_time()
    with pytest.raises(InputInvalid, match=f"nested deeper than {MAX_DEPTH}"):
        documents(text, "f.yaml")
    assert time.process_time() - started < 1


def test_aliases_cannot_nest_deeper_than_collections() -> None:
    rows = ["a0: &a0 [x]", *(f"a{at}: &a{at} [*a{at - 1}]" for at in range(1, MAX_DEPTH + 2))]
    with pytest.raises(InputInvalid, match="nested deeper"):
        documents("\n".join(rows), "f.yaml")


def test_directives_without_end_are_refused() -> None:
    text = "".join(f"%TAG !a{at}! tag:x,2000:\n" for at in range(50_000)) + "---\na: b\n"
    with pytest.raises(InputInvalid, match="directives"):
        documents(text, "f.yaml")


def test_an_alias_of_itself_is_refused() -> None:
    with pytest.raises(InputInvalid, match="names what it stands in"):
        documents("&a [*a]", "f.yaml")


def test_no_tag_is_acted_upon() -> None:
    root = _only("a: !!python/object/apply:os.abort []\nb: !!int x\n")
    assert ["a", "b"] == list(root.fields)


def test_broken_yaml_is_one_line_with_its_place() -> None:
    with pytest.raises(InputInvalid, match=r"f.yaml:2: not YAML: [^\n]+\Z"):
        documents("a: 1\nb: c: d\n", "f.yaml")


def _taken(text: str) -> float:
    """Read a text as every kind of file; return the seconds that it took."""
    started = time.process_time()
    for name in ("stdin", "f.yaml", "compose.yaml", "kustomization.yaml", "Dockerfile", "f.txt"):
        refused = _refusal(text, name)
        assert refused == "" or refused.startswith(name)
        assert "\n" not in refused
    return time.process_time() - started


def _refusal(text: str, name: str) -> str:
    """Return why a text is not read, "" where it is."""
    try:
        read_text(text, name, Settings({"TAG": "1"}))
    except InputInvalid as error:
        return str(error)
    return ""


def test_hostile_texts_are_read_or_refused_in_one_line(
    count: Callable[[int], int], seed: int
) -> None:
    chance = random.Random(seed)
    slowest = 0.0
    for _ in range(count(20_000)):
        text = "".join(chance.choices(PIECES, k=chance.randrange(1, 40)))
        slowest = max(slowest, _taken(text))
    print(f"{count(20_000)} hostile texts, the slowest {slowest:.3f} s")
    assert slowest < 1


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert _taken(text) < 1
