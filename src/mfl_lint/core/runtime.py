"""What an image's config sets for a container that is started from it.

Source: OCI image-spec 1.1 config.md "config".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mfl_lint.core.manifest import ImageConfig


class Runtime(msgspec.Struct, frozen=True, rename="pascal"):
    """The settings of a config; what is absent, null or empty is the same."""

    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    user: str | None = None
    env: tuple[str, ...] | None = None
    exposed_ports: dict[str, Any] | None = None
    volumes: dict[str, Any] | None = None
    working_dir: str | None = None


class _Config(msgspec.Struct, frozen=True):
    config: Runtime | None = None


class _Labels(msgspec.Struct, frozen=True, rename="pascal"):
    labels: dict[str, str] | None = None


class _Labelled(msgspec.Struct, frozen=True):
    config: _Labels | None = None


_DECODER = msgspec.json.Decoder(_Config)
_LABELS = msgspec.json.Decoder(_Labelled)


def runtime_of(config: ImageConfig) -> Runtime | None:
    """Return what the config sets, None where a setting is of another type than the schema's."""
    try:
        return _DECODER.decode(config.raw).config or Runtime()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def labels_of(config: ImageConfig | None) -> Mapping[str, str]:
    """Return the config's labels, none where they are of another type than the schema's."""
    try:
        said = _LABELS.decode(config.raw).config if config is not None else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return {}
    return (said.labels if said is not None else None) or {}
