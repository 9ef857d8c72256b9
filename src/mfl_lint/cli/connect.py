"""Registry clients for the hosts that targets name, and the settings that go with them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec

from mfl_lint.config import Config, CredentialsConfig, RegistryConfig, Scheme
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.origin import api_host
from mfl_lint.registry.transport import Transport


@dataclass(frozen=True, slots=True)
class Access:
    """What the command line says of how registries are reached."""

    insecure: bool = False
    anonymous: bool = False


class InsecureKeychain(Keychain):
    """A keychain for which plain http was asked on the command line."""

    def is_insecure(self, host: str) -> bool:
        """Say yes."""
        return True


class Registries:
    """Clients by host, made when they are first asked for; all over one transport."""

    def __init__(self, config: Config, access: Access, transport: Transport) -> None:
        keychain = InsecureKeychain if access.insecure else Keychain
        self._keychain = keychain.load(os.environ)
        self._config = config
        self._access = access
        self._transport = transport
        self._clients: dict[str, RegistryClient] = {}

    def client(self, host: str) -> RegistryClient:
        """Return the client of a host."""
        if host not in self._clients:
            settings = settings_of(host, self._config, self._access)
            self._clients[host] = RegistryClient(settings, self._transport, keychain=self._keychain)
        return self._clients[host]


def settings_of(host: str, config: Config, access: Access) -> RegistryConfig:
    """Return the configured registry of that host, else one with every default."""
    wanted = api_host(host).lower()
    matching = (item for item in config.registries if api_host(item.host).lower() == wanted)
    settings = next(matching, None) or RegistryConfig(name=host, host=host)
    changed: dict[str, object] = {}
    if access.anonymous:
        changed["credentials"] = CredentialsConfig(anonymous=True)
    if access.insecure and settings.scheme is Scheme.HTTPS:
        changed["scheme"] = Scheme.AUTO
    return msgspec.structs.replace(settings, **changed)


@asynccontextmanager
async def registries(config: Config, access: Access) -> AsyncIterator[Registries]:
    """Yield the registries; their connections are closed at the end."""
    async with Transport(config.http, environment=os.environ) as transport:
        yield Registries(config, access, transport)
