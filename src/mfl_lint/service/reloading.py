"""Settings that are read again while a process runs; signals that ask for it."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.core.errors import MflLintError
from mfl_lint.registry.politeness import limits_of

_LOG: Final = logging.getLogger("mfl_lint")
# What is read once, when the process starts.
_LASTING: Final = ("database", "queue", "http", "serve")


class Lasting:
    """What holds from a process's start to its end, whatever the settings say meanwhile.

    The limits of hosts do: who asks a host must not change how often while others ask it too.
    """

    def __init__(self, config: Config) -> None:
        self._kept = {name: getattr(config, name) for name in _LASTING}
        self._limits = {(one.name, one.host): limits_of(one) for one in config.registries}

    def keep(self, config: Config) -> Config:
        """Return the settings with what lasts, and say what of them holds later."""
        for name, value in self._kept.items():
            if getattr(config, name) != value:
                _LOG.warning("the configuration's [%s] holds from the next start on", name)
        limited = tuple(map(self._limited, config.registries))
        return msgspec.structs.replace(config, registries=limited, **self._kept)

    def _limited(self, registry: RegistryConfig) -> RegistryConfig:
        place, limits = (registry.name, registry.host), limits_of(registry)
        if place not in self._limits:
            met = (held for (_, host), held in self._limits.items() if host == registry.host)
            self._limits[place] = next(met, limits)
        held = self._limits[place]
        if held == limits:
            return registry
        _LOG.warning("the limits of registry %s hold from the next start on", registry.name)
        return msgspec.structs.replace(registry, concurrency=held.concurrency, rate=held.rate)


def log_reloaded(config: Config) -> None:
    """Say that settings were read again."""
    number = len(config.registries)
    kind = "registry" if number == 1 else "registries"
    _LOG.info("the configuration was reloaded: %d %s", number, kind)


def log_kept(error: MflLintError) -> None:
    """Say why settings that were read again do not hold."""
    _LOG.error("the configuration was not reloaded: %s", error)


class Reloaded:
    """The settings that hold. `load` reads them, now and whenever that is asked for."""

    def __init__(self, load: Callable[[], Config]) -> None:
        self._load = load
        self.config = load()
        self._lasting = Lasting(self.config)

    def reload(self) -> None:
        """Read the settings again; bad ones are said, and change nothing."""
        try:
            self.config = self._lasting.keep(self._load())
        except MflLintError as error:
            log_kept(error)
        else:
            log_reloaded(self.config)


@contextmanager
def handled(handlers: Mapping[signal.Signals, Callable[[], None]]) -> Iterator[None]:
    """Handle signals in the event loop while the context lasts."""
    loop = asyncio.get_running_loop()
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
