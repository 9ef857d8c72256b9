"""Where channels are, and what they are signed with: read when it is needed, never shown."""

from __future__ import annotations

from collections.abc import Mapping

from mfl_lint.config_alert import ChannelConfig
from mfl_lint.config_secrets import read_secret


def address_of(channel: ChannelConfig, environment: Mapping[str, str]) -> str:
    """Return the channel's URL; raise ConfigInvalid naming the setting."""
    if channel.url:
        return channel.url
    return channel_secret(channel, "url", environment)


def channel_secret(channel: ChannelConfig, name: str, environment: Mapping[str, str]) -> str:
    """Return what NAME_env or NAME_file hold, "" where neither is set; raise ConfigInvalid."""
    variable: str = getattr(channel, f"{name}_env")
    file: str = getattr(channel, f"{name}_file")
    return read_secret(f"alert.channel {channel.name}: {name}", variable, file, environment)
