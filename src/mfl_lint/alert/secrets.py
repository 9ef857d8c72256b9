"""Where channels are, and what they are signed with: read when it is needed, never shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mfl_lint.config_alert import ChannelConfig
from mfl_lint.core.errors import ConfigInvalid

_MOST_BYTES: Final = 16 * 1024


def address_of(channel: ChannelConfig, environment: Mapping[str, str]) -> str:
    """Return the channel's URL; raise ConfigInvalid naming the setting."""
    if channel.url:
        return channel.url
    return read_secret(channel, "url", environment)


def read_secret(channel: ChannelConfig, name: str, environment: Mapping[str, str]) -> str:
    """Return what NAME_env or NAME_file hold, "" where neither is set; raise ConfigInvalid."""
    where = f"alert.channel {channel.name}: {name}"
    variable: str = getattr(channel, f"{name}_env")
    file: str = getattr(channel, f"{name}_file")
    if variable:
        text = environment.get(variable, "").strip()
        if not text:
            raise ConfigInvalid(f"{where}_env: the variable {variable} is not set")
        return text
    if not file:
        return ""
    try:
        with Path(file).open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode().strip()
    except (OSError, ValueError):
        raise ConfigInvalid(f"{where}_file: {file} cannot be read") from None
    if not text:
        raise ConfigInvalid(f"{where}_file: {file} is empty")
    return text
