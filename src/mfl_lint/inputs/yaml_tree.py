"""YAML as a tree with line numbers, within bounds; no tag is ever acted upon.

Aliases share what they point at and count as if it stood there again, so that a few bytes
cannot mean millions of nodes.
Source: YAML 1.1 as libyaml parses it; https://yaml.org/type/merge.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import yaml

from mfl_lint.core.errors import InputInvalid

MAX_NODES: Final = 500_000
MAX_DEPTH: Final = 100
# libyaml compares each %TAG with all others of its document.
_MAX_DIRECTIVES: Final = 100
_DIRECTIVE: Final = re.compile(r"^%", re.MULTILINE)
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE: Final = "<<"


@dataclass(frozen=True, slots=True, eq=False)
class Scalar:
    """A text. `plain` says that it has no quotes and no tag; `line` is counted from 1."""

    text: str
    line: int
    plain: bool = True
    tag: str = ""
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A list. `size` counts all nodes of it, `depth` how deep they go, aliases expanded."""

    items: tuple[Node, ...]
    line: int
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """A mapping by its keys' texts, merge keys resolved; of two equal keys the last one holds."""

    fields: Mapping[str, Node]
    line: int
    size: int = 1
    depth: int = 0

    def at(self, key: str) -> Node | None:
        """Return the value, None where it is absent, null or removed by `!reset`."""
        found = self.fields.get(key)
        removed = isinstance(found, Scalar) and found.tag == "!reset"
        return None if found is None or removed or is_null(found) else found

    def scalar(self, key: str) -> Scalar | None:
        """Return the value where it is a text."""
        found = self.at(key)
        return found if isinstance(found, Scalar) else None

    def mapping(self, key: str) -> Fields | None:
        """Return the value where it is a mapping."""
        found = self.at(key)
        return found if isinstance(found, Fields) else None

    def sequence(self, key: str) -> tuple[Node, ...]:
        """Return the items of the value, none where it is no list."""
        found = self.at(key)
        return found.items if isinstance(found, Sequence) else ()

    def mappings(self, key: str) -> Iterator[Fields]:
        """Yield those items of the value that are mappings."""
        return (item for item in self.sequence(key) if isinstance(item, Fields))


Node = Scalar | Sequence | Fields


def is_null(node: Node) -> bool:
    """Say whether a node stands for nothing."""
    return isinstance(node, Scalar) and node.plain and node.text in _NULL


def documents(text: str, file: str) -> list[Node]:
    """Return the root of each document; raise InputInvalid with file and line.

    A text may mean MAX_NODES nodes, MAX_DEPTH deep.
    """
    if len(_DIRECTIVE.findall(text)) > _MAX_DIRECTIVES:
        raise InputInvalid(f"{file}: not read: more than {_MAX_DIRECTIVES} YAML directives")
    composer = _Composer(file)
    try:
        # Events, not yaml.compose: that one recurses in C, as deep as the file asks for.
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            composer.take(event)
    except yaml.YAMLError as error:
        raise InputInvalid(_told(error, file)) from None
    return composer.roots


def _told(error: yaml.YAMLError, file: str) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{file}:{mark.line + 1}" if mark is not None else file
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    return f"{where}: not YAML: {' '.join(str(problem).split())[:200]}"


@dataclass(slots=True)
class _Open:
    """A collection whose end was not seen yet; a mapping's nodes are keys and values in turn."""

    is_mapping: bool
    line: int
    anchor: str | None
    nodes: list[Node] = field(default_factory=list)


class _Composer:
    """Makes trees of events."""

    def __init__(self, file: str) -> None:
        self.roots: list[Node] = []
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event; raise InputInvalid where a bound is crossed."""
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style and event.tag is None
            self._put(Scalar(event.value, line, plain, event.tag or ""), event.anchor, line)
        elif isinstance(event, yaml.AliasEvent):
            self._put(self._target(event.anchor or "", line), None, line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(isinstance(event, yaml.MappingStartEvent), event.anchor, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._put(_fields(done) if done.is_mapping else _sequence(done), done.anchor, done.line)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors = {}

    def _start(self, is_mapping: bool, anchor: str | None, line: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise self._refused(line, f"nested deeper than {MAX_DEPTH}")
        if anchor is not None:
            self._anchors[anchor] = None
        self._open.append(_Open(is_mapping, line, anchor))

    def _target(self, anchor: str, line: int) -> Node:
        if anchor not in self._anchors:
            raise self._refused(line, f"the alias *{anchor[:60]} names nothing")
        found = self._anchors[anchor]
        if found is None:
            raise self._refused(line, f"the alias *{anchor[:60]} names what it stands in")
        # What is put in by an alias is gone through again where the tree is read.
        self._nodes += found.size - 1
        return found

    def _put(self, node: Node, anchor: str | None, line: int) -> None:
        """Put a node where it belongs."""
        self._nodes += 1
        if self._nodes > MAX_NODES or node.size > MAX_NODES:
            raise self._refused(line, f"it means more than {MAX_NODES} nodes")
        if node.depth + len(self._open) > MAX_DEPTH:
            raise self._refused(line, f"nested deeper than {MAX_DEPTH}")
        if anchor is not None:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1].nodes.append(node)
        else:
            self.roots.append(node)

    def _refused(self, line: int, why: str) -> InputInvalid:
        return InputInvalid(f"{self._file}:{line}: not read: {why}")


def _extent(nodes: list[Node]) -> tuple[int, int]:
    """Return size and depth of a collection of these nodes."""
    return 1 + sum(node.size for node in nodes), 1 + max((node.depth for node in nodes), default=0)


def _sequence(done: _Open) -> Sequence:
    return Sequence(tuple(done.nodes), done.line, *_extent(done.nodes))


def _fields(done: _Open) -> Fields:
    fields: dict[str, Node] = {}
    merged: list[Fields] = []
    for key, value in zip(done.nodes[::2], done.nodes[1::2], strict=True):
        if not isinstance(key, Scalar):
            continue
        if key.text == _MERGE and key.plain:
            named = value.items if isinstance(value, Sequence) else (value,)
            merged += [item for item in named if isinstance(item, Fields)]
        else:
            fields[key.text] = value
    for other in merged:
        for name, node in other.fields.items():
            fields.setdefault(name, node)
    return Fields(fields, done.line, *_extent(done.nodes))
