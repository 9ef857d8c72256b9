"""JSON with its spacing: taken apart and put together again, byte for byte.

A document that is changed keeps what was not changed as it was written: the digest depends on
every blank. Only text that `json_text.load_object` took is taken apart here.
Source: RFC 8259 section 2; escapes as Go's encoding/json writes them, as registries' tools do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from json.decoder import JSONDecoder, scanstring  # type: ignore[attr-defined]  # not in typeshed
from typing import Final

import msgspec
from msgspec.structs import replace

_BLANK: Final = re.compile(r"[ \t\n\r]*")
_VALUES: Final = JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)
_CLOSING: Final = {"{": "}", "[": "]"}
_ESCAPED_BY_GO: Final = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})

Plain = str | int | list["Plain"] | dict[str, "Plain"]


class Style(msgspec.Struct, frozen=True):
    """How a document is laid out: `unit` is one level's indent, "" where all is on one line."""

    unit: str = ""
    newline: str = "\n"
    colon: str = ":"
    gap: str = ""

    def line(self, depth: int) -> str:
        """Return what stands before something at this depth on a line of its own."""
        return f"{self.newline}{self.unit * depth}" if self.unit else ""


class Item(msgspec.Struct, frozen=True):
    """A value in its container: `before` it, its `head` (an object's key and colon), `after` it."""

    before: str
    value: str
    head: str = ""
    key: str = ""
    after: str = ""


class Container(msgspec.Struct, frozen=True):
    """An object or an array; `closing` are the blanks before the closing bracket."""

    opening: str
    items: tuple[Item, ...]
    closing: str

    def find(self, key: str) -> int | None:
        """Return the position of an object's key, None where it has no such key."""
        return next((at for at, item in enumerate(self.items) if item.key == key), None)

    def value(self, key: str) -> str | None:
        """Return the text of the value at a key."""
        at = self.find(key)
        return None if at is None else self.items[at].value

    def with_value(self, position: int, value: str) -> Container:
        """Return it with another value in the same place."""
        changed = replace(self.items[position], value=value)
        return replace(self, items=(*self.items[:position], changed, *self.items[position + 1 :]))

    def without(self, position: int) -> Container:
        """Return it without an item; the one that is first then stands where the first stood."""
        items = [*self.items[:position], *self.items[position + 1 :]]
        if not items:
            return replace(self, items=(), closing="")
        if position == 0:
            items[0] = replace(items[0], before=self.items[0].before)
        return replace(self, items=tuple(items))

    def having(
        self, position: int, value: str, style: Style, depth: int, key: str = ""
    ) -> Container:
        """Return it with one item more, spaced like its neighbours; `depth` is the items' own."""
        head = f"{text_of(key)}{style.colon}" if self.opening == "{" else ""
        if not self.items:
            alone = Item(style.line(depth), value, head, key)
            return replace(self, items=(alone,), closing=style.line(depth - 1))
        like = self.items[1] if len(self.items) > 1 else self.items[0]
        before = like.before or style.gap
        items = list(self.items)
        if position == 0:
            new = Item(items[0].before, value, head, key)
            items[0] = replace(items[0], before=before)
        else:
            new = Item(before, value, head, key)
        items.insert(position, new)
        return replace(self, items=tuple(items))


def split(text: str) -> Container:
    """Return the object or array that the whole of `text` is."""
    return _split(text)


def _split(text: str) -> Container:
    opening, items = text[0], list[Item]()
    before, at = _blank(text, 1)
    if text[at] == _CLOSING[opening]:
        return Container(opening, (), before)
    while True:
        head, key = "", ""
        if opening == "{":
            start = at
            key, at = scanstring(text, at + 1)
            _, at = _blank(text, at)
            _, at = _blank(text, at + 1)
            head = text[start:at]
        start = at
        _, at = _VALUES.raw_decode(text, at)
        value = text[start:at]
        after, at = _blank(text, at)
        if text[at] == _CLOSING[opening]:
            items.append(Item(before, value, head, key))
            return Container(opening, tuple(items), after)
        items.append(Item(before, value, head, key, after))
        before, at = _blank(text, at + 1)


def join(container: Container) -> str:
    """Return the text of a container."""
    parts = [container.opening]
    for position, item in enumerate(container.items):
        last = position == len(container.items) - 1
        parts += (item.before, item.head, item.value, "" if last else f"{item.after},")
    return "".join((*parts, container.closing, _CLOSING[container.opening]))


def style_of(root: Container) -> Style:
    """Return how a document is laid out, by its first keys."""
    if not root.items:
        return Style()
    first = root.items[0]
    colon = first.head[first.head.rindex(":") :]
    if "\n" not in first.before:
        gap = root.items[1].before if len(root.items) > 1 else ""
        return Style(colon=colon, gap="" if "\n" in gap else gap)
    newline = "\r\n" if "\r\n" in first.before else "\n"
    return Style(first.before.rpartition("\n")[2], newline, colon)


def write(value: Plain, style: Style, depth: int) -> str:
    """Return the text of a value that itself stands at this depth."""
    if isinstance(value, str):
        return text_of(value)
    if isinstance(value, int):
        return str(value)
    is_object = isinstance(value, Mapping)
    container = Container("{" if is_object else "[", (), "")
    pairs = value.items() if isinstance(value, Mapping) else (("", one) for one in value)
    for position, (key, one) in enumerate(pairs):
        text = write(one, style, depth + 1)
        container = container.having(position, text, style, depth + 1, key)
    return join(container)


def text_of(text: str) -> str:
    """Return a JSON string as Go writes it: what HTML could take amiss is escaped."""
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPED_BY_GO)


def _blank(text: str, at: int) -> tuple[str, int]:
    found = _BLANK.match(text, at)
    end = found.end() if found else at
    return text[at:end], end
