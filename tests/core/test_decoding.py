"""Types that several threads decode first, at once."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import mfl_lint

# Of each type, msgspec's first meeting is by four threads, which take turns as often as can be.
FIRST = """
import sys
from threading import Barrier, Thread
import msgspec
from mfl_lint.core.decoding import decode

sys.setswitchinterval(1e-6)
depths = range(6)
text = '{"inner":' * len(depths) + '{"number":1}' + "}" * len(depths)
for turn in range(25):
    kind = msgspec.defstruct("Innermost", [("number", int)])
    for depth in depths:
        kind = msgspec.defstruct(f"At{depth}", [("inner", kind)])
    start = Barrier(4)
    threads = [Thread(target=lambda: (start.wait(), decode(text, kind))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_no_process_crashes_whose_threads_meet_a_type_first_at_once(
    count: Callable[[int], int],
) -> None:
    runs = [subprocess.run([sys.executable, "-c", FIRST], check=False) for _ in range(count(20))]
    assert [0] * len(runs) == [one.returncode for one in runs]


def typed(file: Path) -> Iterator[str]:
    """Yield where something is decoded to a type that msgspec may not know yet."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not ast.unparse(node.func).startswith("msgspec."):
            continue
        if any(keyword.arg == "type" for keyword in node.keywords):
            yield f"{file.name}:{node.lineno}"


def test_whatever_is_decoded_to_a_type_goes_through_the_one_place() -> None:
    files = sorted(Path(mfl_lint.__file__).parent.rglob("*.py"))
    assert [] == [place for file in files for place in typed(file)]


def converted(trees: Sequence[ast.AST]) -> Iterator[str]:
    """Yield the classes of ours that `msgspec.convert` is given, and that are not `known`."""
    classes = [one for tree in trees for one in ast.walk(tree) if isinstance(one, ast.ClassDef)]
    marks = {one.name: {ast.unparse(mark) for mark in one.decorator_list} for one in classes}
    for call in (one for tree in trees for one in ast.walk(tree) if isinstance(one, ast.Call)):
        if ast.unparse(call.func) == "msgspec.convert":
            names = {one.id for one in ast.walk(call.args[1]) if isinstance(one, ast.Name)}
            yield from (name for name in names if "known" not in marks.get(name, {"known"}))


def test_whatever_is_converted_to_a_class_is_marked_as_known() -> None:
    files = sorted(Path(mfl_lint.__file__).parent.rglob("*.py"))
    assert [] == list(converted([ast.parse(file.read_text("utf-8")) for file in files]))
