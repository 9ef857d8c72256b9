"""What an image's config may hold besides its platform, judged by type.

Source: OCI image-spec 1.1 config.md and its JSON schema.
"""

from __future__ import annotations

import re
from typing import Final

from mfl_lint.core.problems import Problems, below, shown
from mfl_lint.core.validate import (
    Fields,
    check_digest,
    read_array,
    read_name,
    read_object,
    read_texts,
)

_RFC3339: Final = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_PLAIN: Final = (("User", str), ("WorkingDir", str), ("StopSignal", str), ("ArgsEscaped", bool))
_LISTS: Final = ("Env", "Entrypoint", "Cmd")
_MAPS: Final = (("ExposedPorts", dict), ("Volumes", dict), ("Labels", str))
_HISTORY: Final = {
    "created": str,
    "author": str,
    "created_by": str,
    "comment": str,
    "empty_layer": bool,
}


def read_created(fields: Fields, where: str, problems: Problems) -> str:
    """Return `created` as it is spelt, "" where it is absent or no RFC 3339 time."""
    created = read_name(fields, "created", where, problems)
    if created and _RFC3339.fullmatch(created):
        return created
    if isinstance(fields.get("created"), str):
        problems.invalid(below(where, "created"), f"created is {shown(created)}, not RFC 3339")
    return ""


def read_diff_ids(fields: Fields, problems: Problems) -> int | None:
    """Return how many layers the config knows, None where it does not say."""
    rootfs = fields.get("rootfs")
    if rootfs is None:
        problems.missing("", "rootfs")
        return None
    if type(rootfs) is not dict:
        problems.wrong("rootfs", rootfs, "an object")
        return None
    if rootfs.get("type") != "layers":
        problems.wrong("rootfs.type", rootfs.get("type"), "'layers'")
    diff_ids = rootfs.get("diff_ids")
    if type(diff_ids) is not list:
        problems.wrong("rootfs.diff_ids", diff_ids, "an array")
        return None
    for position, value in enumerate(diff_ids):
        check_digest(value, f"rootfs.diff_ids[{position}]", problems)
    return len(diff_ids)


def check_config(fields: Fields, problems: Problems) -> None:
    """Note fields of another type than the schema's, which stop an engine from reading it."""
    read_name(fields, "author", "", problems)
    _check_runtime(read_object(fields, "config", "", problems), problems)
    for position, entry in enumerate(read_array(fields, "history", "", problems)):
        _check_history(entry, position, problems)


def _check_runtime(config: Fields, problems: Problems) -> None:
    for key in _LISTS:
        texts = read_texts(config, key, "config", problems)
        for text in texts if key == "Env" else ():
            if "=" not in text:
                problems.invalid("config.Env", f"{shown(text)} is not NAME=VALUE")
    for key, expected in _PLAIN:
        value = config.get(key)
        if value is not None and type(value) is not expected:
            problems.wrong(f"config.{key}", value, f"of type {expected.__name__}")
    for key, of in _MAPS:
        for name, value in read_object(config, key, "config", problems).items():
            if type(value) is not of:
                problems.wrong(below(f"config.{key}", name), value, f"of type {of.__name__}")


def _check_history(entry: object, position: int, problems: Problems) -> None:
    where = f"history[{position}]"
    if type(entry) is not dict:
        problems.wrong(where, entry, "an object")
        return
    for key, value in entry.items():
        expected = _HISTORY.get(key)
        if expected is not None and type(value) is not expected and value is not None:
            problems.wrong(f"{where}.{key}", value, f"of type {expected.__name__}")
