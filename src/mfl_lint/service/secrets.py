"""Which secrets the configuration names that are not there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

import msgspec

from mfl_lint.alert.secrets import address_of, channel_secret
from mfl_lint.config import Config
from mfl_lint.config_alert import ChannelConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.registry.credentials import Keychain
from mfl_lint.web.hook_proof import secret_of
from mfl_lint.web.issuer import client_secret


def missing_secrets(config: Config, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for each secret of the service that cannot be read here.

    Those that registries are read with are not among them.
    """
    readings: list[Callable[[], object]] = [partial(secret_of, hook) for hook in config.hooks]
    for channel in config.alert.channel:
        readings += _of_channel(channel, environment)
    pushes = Keychain(environment, setting="push.credentials")
    for one in config.registries:
        if one.push.enabled:
            own = msgspec.structs.replace(one, credentials=one.push.credentials)
            readings.append(partial(pushes.configured, own))
    readings.append(partial(client_secret, config.serve.oidc, environment))
    return _failed(readings)


def missing_credentials(config: Config, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for each registry whose credentials for reading cannot be read here."""
    keychain = Keychain(environment)
    return _failed(partial(keychain.configured, registry) for registry in config.registries)


def _of_channel(
    channel: ChannelConfig, environment: Mapping[str, str]
) -> Iterator[Callable[[], object]]:
    yield partial(address_of, channel, environment)
    for name in ("secret", "token"):
        yield partial(channel_secret, channel, name, environment)


def _failed(readings: Iterable[Callable[[], object]]) -> Iterator[str]:
    for read in readings:
        try:
            read()
        except ConfigInvalid as error:
            yield from error.mistakes
