"""The shares of hosts: what one job may ask of a host, whichever worker it runs on.

A host's limits are dealt out to slots; a job holds the lock of one, in all of the queue. So the
limits hold over any number of workers that know nothing of one another.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from typing import Final
from zlib import crc32

import msgspec

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.registry.circuit import Circuits
from mfl_lint.registry.politeness import Limits, limits_of, slots_of
from mfl_lint.registry.transport import Transport
from mfl_lint.store.looks import HOT, PATIENT
from mfl_lint.store.queue import LOOK, JobSpec
from mfl_lint.store.queue_due import LOOK_ONCE, DuePlace
from mfl_lint.store.rounds import slot_lock

# What goes before what: greater numbers first. Whatever is not named is asked for by somebody;
# what is looked at again goes with rounds, in the order in which they come.
_PRIORITIES: Final = {HOT: 10, **dict.fromkeys(PATIENT, 0)}
_ASKED: Final = 100
# More than these wait in the store, not in the queue: each one that waits there costs every fetch.
MOST_WAITING: Final = 500


def shares_of(config: Config, host: str) -> tuple[Limits, ...]:
    """Return the shares of a host: the limits of the first registry that is configured there."""
    first = next((one for one in config.registries if one.host == host), None)
    return slots_of(limits_of(first) if first is not None else Limits())


def slot_of(config: Config, host: str, number: int) -> int:
    """Return the slot of a host for any number: the same one, if the host has so many."""
    return number % len(shares_of(config, host))


def look_jobs(config: Config, places: Iterable[DuePlace]) -> list[JobSpec]:
    """Return the jobs that look at what was asked for of repositories, and why."""
    jobs = []
    for name, repository, reasons in places:
        registry = config.registry(name)
        if registry is not None:
            slot = slot_of(config, registry.host, crc32(repository.encode()))
            jobs.append(
                JobSpec(
                    LOOK,
                    {"registry": name, "repository": repository, "slot": slot},
                    slot_lock(registry.host, slot),
                    once=LOOK_ONCE.format(name, repository),
                    priority=max(_PRIORITIES.get(reason, _ASKED) for reason in reasons),
                )
            )
    return jobs


class Slots:
    """The slots that this process has used: each keeps its connections and its manners.

    A host that one of them finds dead is not asked by the others either, for a while.
    """

    def __init__(self) -> None:
        self._used: dict[tuple[str, int, Limits], Transport] = {}
        self._circuits: Circuits | None = None

    def of(self, config: Config, name: str, slot: int) -> tuple[Config, RegistryConfig, Transport]:
        """Return the settings with a slot's share of the host, the registry's, and the way out.

        ConfigInvalid where there is no such registry or slot.
        """
        registry = config.registry(name)
        if registry is None:
            raise ConfigInvalid(f"the settings of this worker know no registry {name}")
        shares = shares_of(config, registry.host)
        share = shares[slot_of(config, registry.host, slot)]
        registry = msgspec.structs.replace(registry, concurrency=share.concurrency, rate=share.rate)
        key = (registry.host, slot, share)
        if key not in self._used:
            circuits = self._circuits = self._circuits or Circuits(config.http, time.monotonic)
            environment = dict(os.environ)
            self._used[key] = Transport(config.http, environment=environment, circuits=circuits)
        shared = msgspec.structs.replace(config, registries=(registry,))
        return shared, registry, self._used[key]

    def transports(self) -> tuple[Transport, ...]:
        """Return the ways out that were used."""
        return tuple(self._used.values())

    async def close(self) -> None:
        """Close all connections."""
        for transport in self._used.values():
            await transport.close()
