"""What an image's config may hold, judged by type: at once where it is regular, else in detail.

Source: OCI image-spec 1.1 config.md and its JSON schema.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from mfl_lint.core.decoding import known
from mfl_lint.core.descriptor import check_digest
from mfl_lint.core.json_text import is_all_of
from mfl_lint.core.platform import Platform
from mfl_lint.core.problems import Problems, below, shown
from mfl_lint.core.validate import (
    Fields,
    LongAsSha256,
    Name,
    RegularPlatform,
    are_sha256,
    read_array,
    read_name,
    read_object,
    read_platform,
    read_texts,
)

RFC3339: Final = re.compile(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_MAX_WHOLE: Final = 64 * 1024
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


class _Step(msgspec.Struct):
    created: str | None = None
    author: str | None = None
    created_by: str | None = None
    comment: str | None = None
    empty_layer: bool | None = None


class _Runtime(msgspec.Struct, rename="pascal"):
    env: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    user: str | None = None
    working_dir: str | None = None
    stop_signal: str | None = None
    args_escaped: bool | None = None
    exposed_ports: dict[str, dict[str, Any]] | None = None
    volumes: dict[str, dict[str, Any]] | None = None
    labels: dict[str, str] | None = None


class _Rootfs(msgspec.Struct):
    type: Literal["layers"]
    diff_ids: list[LongAsSha256]


@known
class _RegularConfig(RegularPlatform, kw_only=True):
    """A config to be looked at with `_is_regular`."""

    rootfs: _Rootfs
    author: Name | None = None
    config: _Runtime | None = None
    history: list[_Step] | None = None


def _is_regular(config: _RegularConfig | _WholeConfig) -> bool:
    """Say whether the detailed check has nothing to say of it (but perhaps of `created`)."""
    variables = (config.config and config.config.env) or ()
    return are_sha256(config.rootfs.diff_ids) and all("=" in one for one in variables)


class _WholeStep(_Step, forbid_unknown_fields=True, omit_defaults=True):
    pass


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """The value of a port or volume: an object that holds nothing, however deep."""


class _WholeRuntime(_Runtime, forbid_unknown_fields=True, omit_defaults=True):
    exposed_ports: dict[str, _Nothing] | None = None  # type: ignore[assignment]  # narrower
    volumes: dict[str, _Nothing] | None = None  # type: ignore[assignment]  # narrower


class _WholeRootfs(_Rootfs, forbid_unknown_fields=True):
    pass


class _WholeConfig(RegularPlatform, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A config of which all fields are known, so that nothing of it is lost by reading it so."""

    rootfs: _WholeRootfs
    author: Name | None = None
    created: Name | None = None
    config: _WholeRuntime | None = None
    history: list[_WholeStep] | None = None


_AS_WHOLE: Final = msgspec.json.Decoder(_WholeConfig)


def read_whole_config(raw: bytes) -> tuple[Platform, str, int] | None:
    """Return what `read_config` does of a config that is in no way out of the ordinary, else None.

    A backslash is an escape.
    """
    if len(raw) > _MAX_WHOLE or b"\\" in raw:
        return None
    try:
        found = _AS_WHOLE.decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if not (is_all_of(raw, found) and _is_regular(found)):
        return None
    if found.created is not None and not RFC3339.fullmatch(found.created):
        return None
    return found.platform(), found.created or "", len(found.rootfs.diff_ids)


def read_config(fields: Fields, problems: Problems) -> tuple[Platform, str, int | None]:
    """Return the platform, `created` and how many layers the config knows (None = not said)."""
    try:
        regular = msgspec.convert(fields, _RegularConfig)
    except msgspec.ValidationError:
        regular = None
    if regular is None or not _is_regular(regular):
        platform = read_platform(fields, "", problems)
        created, diff_ids = _read_created(fields, problems), _read_diff_ids(fields, problems)
        _check_config(fields, problems)
        return platform, created, diff_ids
    platform = regular.platform()
    return platform, _read_created(fields, problems), len(regular.rootfs.diff_ids)


def _read_created(fields: Fields, problems: Problems) -> str:
    """Return `created` as it is spelt, "" where it is absent or no RFC 3339 time."""
    created = read_name(fields, "created", "", problems)
    if created and RFC3339.fullmatch(created):
        return created
    if isinstance(fields.get("created"), str):
        problems.invalid("created", f"created is {shown(created)}, not RFC 3339")
    return ""


def _read_diff_ids(fields: Fields, problems: Problems) -> int | None:
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


def _check_config(fields: Fields, problems: Problems) -> None:
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
