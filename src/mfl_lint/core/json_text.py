"""JSON as a registry may send it: strict about what two readers would read differently.

Python's reader lets repeated keys, NaN and lone surrogates pass; here each is a problem. Two
passes: the first decodes what can be proved to be regular, the second (rare) decodes with marks,
mends the strings and says where. What leaves this module can be encoded as UTF-8 and holds no NUL.
Source: RFC 8259 sections 4, 6, 7 and 8.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, Final

import msgspec

from mfl_lint.core.manifest import MAX_DOCUMENT_BYTES
from mfl_lint.core.problems import MAX_SHOWN, Odd, Problems, below

MAX_DEPTH: Final = 100
MAX_VALUES: Final = 100_000
MAX_DIGITS: Final = 4300  # what Python's int() takes by default, so that both passes agree

_TOO_DEEP: Final = f"nested more than {MAX_DEPTH} deep"
# Escapes of NUL, of surrogates, and of quotation marks (see `_regular`).
_SUSPICIOUS: Final = re.compile(rb"\\u(?:00(?:00|22)|[dD][89a-fA-F])")
_UNUSABLE: Final = re.compile("[\x00\ud800-\udfff]")


class _Repeated(dict[str, Any]):
    """An object with repeated keys; the last value stands, as in every common reader."""

    repeated: dict[str, int]


def _marked(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    marked = _Repeated(fields)
    marked.repeated = {k: n for k, n in Counter(k for k, _ in pairs).items() if n > 1}
    return marked


def _integer(text: str) -> int | Odd:
    return int(text) if len(text.lstrip("-")) <= MAX_DIGITS else Odd(text[: MAX_SHOWN + 1])


_QUICK: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()
_THOROUGH: Final = json.JSONDecoder(
    object_pairs_hook=_marked, parse_constant=Odd, parse_int=_integer
)


def load_object(raw: bytes, problems: Problems) -> dict[str, Any] | None:
    """Return the JSON object that `raw` is, None (and a problem) where it is none.

    Numbers that JSON does not have, or of more than MAX_DIGITS digits, are `Odd`. Lone
    surrogates and NUL characters are replaced by U+FFFD; each is a problem.
    """
    if _is_too_large(raw, problems):
        return None
    value = _regular(raw)
    if value is None:
        value = _irregular(raw, problems)
    elif raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _too_deep(value):
        problems.invalid("", _TOO_DEEP)
        return None
    return value


def is_all_of(raw: bytes, found: msgspec.Struct) -> bool:
    """Say whether a struct holds all that `raw` did: no key stood twice, none was null.

    For bytes without a backslash and a struct of strings, integers, booleans and objects that
    omits its defaults: written out again none of these gets longer, and every string has two
    quotation marks.
    """
    again = _ENCODER.encode(found)
    return len(again) == len(raw) or again.count(b'"') == raw.count(b'"')


def _is_too_large(raw: bytes, problems: Problems) -> bool:
    """Say (and note) whether the bytes are more than anything that a registry needs."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        problems.invalid("", f"{len(raw)} bytes are more than {MAX_DOCUMENT_BYTES}")
        return True
    if len(raw) > MAX_VALUES and sum(map(raw.count, (b"{", b"[", b","))) > MAX_VALUES:
        problems.invalid("", f"more than {MAX_VALUES} values")
        return True
    return False


def _regular(raw: bytes) -> dict[str, Any] | None:
    """Return the object where nothing about it is irregular, None where that is not proved.

    The reader here is as strict as RFC 8259 and the UTF-8 decoder. What it lets pass are keys
    that stand twice: then it dropped a key, and with it two quotation marks at least. Written
    out again, a string has as many of them as it had, unless one was written as an escape.
    """
    if b"\\u" in raw and _SUSPICIOUS.search(raw) is not None:
        return None
    try:
        value = _QUICK.decode(raw)
        if type(value) is not dict:
            return None
        again = _ENCODER.encode(value)
        return value if again == raw or again.count(b'"') == raw.count(b'"') else None
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return None


def _irregular(raw: bytes, problems: Problems) -> dict[str, Any] | None:
    try:
        value = _THOROUGH.decode(raw.decode())
    except RecursionError:
        problems.invalid("", _TOO_DEEP)
    except UnicodeDecodeError as error:
        problems.invalid("", f"not UTF-8: byte 0x{raw[error.start]:02x} at {error.start}")
    except json.JSONDecodeError as error:
        problems.invalid("", f"not JSON: {error.msg} at line {error.lineno}")
    except ValueError:
        problems.invalid("", "not JSON: a number too long")
    else:
        if _too_deep(value):
            problems.invalid("", _TOO_DEEP)
        elif isinstance(mended := _mended(value, "", problems), dict):
            return mended
        else:
            problems.wrong("", mended, "an object")
    return None


def _too_deep(value: Any) -> bool:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        inner = (v.values() if isinstance(v, dict) else v for v in level)
        level = [v for values in inner for v in values if isinstance(v, dict | list)]
        if not level:
            return False
    return bool(level)


def _mended(value: Any, where: str, problems: Problems) -> Any:
    """Return the value with readable strings; the depth was bounded before."""
    if isinstance(value, dict):
        return _mended_object(value, where, problems)
    if isinstance(value, list):
        return [_mended(v, f"{where}[{i}]", problems) for i, v in enumerate(value)]
    if isinstance(value, str):
        return _mended_text(value, where, problems)
    if isinstance(value, Odd):
        what = "a number of too many digits" if value.text[-1:].isdigit() else "not JSON"
        problems.invalid(where, f"{value.text[:40]} is {what}")
    return value


def _mended_object(fields: dict[str, Any], where: str, problems: Problems) -> dict[str, Any]:
    if isinstance(fields, _Repeated):
        for key, count in fields.repeated.items():
            path = below(where, _UNUSABLE.sub("\ufffd", key[: MAX_SHOWN + 1]))
            problems.ambiguous(path, f"the key stands {count} times in one object")
    mended = {}
    for key, value in fields.items():
        readable = key if key.isprintable() else _mended_text(key, where, problems)
        if not isinstance(value, str) or not value.isprintable():
            value = _mended(value, below(where, readable), problems)
        mended[readable] = value
    return mended


def _mended_text(text: str, where: str, problems: Problems) -> str:
    mended = _UNUSABLE.sub("\ufffd", text)
    if mended != text:
        what = "a NUL character" if "\0" in text else "half a surrogate pair"
        problems.invalid(where, f"a string holds {what}")
    return mended
