"""What an image's config sets for a container that is started from it.

Source: OCI image-spec 1.1 config.md "config".
"""

from __future__ import annotations

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
    labels: dict[str, str] | None = None


class _Config(msgspec.Struct, frozen=True):
    config: Runtime | None = None


_DECODER = msgspec.json.Decoder(_Config)


def runtime_of(config: ImageConfig) -> Runtime | None:
    """Return what the config sets, None where a setting is of another type than the schema's."""
    try:
        return _DECODER.decode(config.raw).config or Runtime()
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
