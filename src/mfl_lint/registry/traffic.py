"""What went over the wire, counted for progress lines, metrics and people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from mfl_lint.registry.allowance import Allowance
from mfl_lint.registry.answer import warning_text

_MAX_WARNINGS: Final = 20
_NAMED: Final = {401: "denied", 403: "denied", 404: "not-found", 429: "rate-limited"}


def outcome_of(status: int) -> str:
    """Return the outcome that a status is counted under."""
    if status < 300:
        return "ok"
    if status < 400:
        return "redirect"
    return _NAMED.get(status) or ("server-error" if status >= 500 else "client-error")


class HostTraffic:
    """One host's requests by (method, outcome), the bytes of bodies received, and its warnings.

    An outcome is `failed` where no whole answer came. `warnings` are the texts of Warning
    headers, once each, in order of arrival. `allowances` are the last pulls allowed that the
    host spoke of, by the configured name of the registry that was asked.
    """

    __slots__ = ("allowances", "received_bytes", "requests", "warnings")

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.received_bytes = 0
        self.warnings: dict[str, None] = {}
        self.allowances: dict[str, Allowance] = {}

    def count(self, method: str, outcome: str, received_bytes: int = 0) -> None:
        """Count one request and the bytes of its answer's body."""
        self.requests[method, outcome] += 1
        self.received_bytes += received_bytes

    def warn(self, header: str) -> None:
        """Keep what a Warning header says; nothing is ever done because of it."""
        text = warning_text(header)
        if text and len(self.warnings) < _MAX_WARNINGS:
            self.warnings[text] = None


class Carried(msgspec.Struct, frozen=True):
    """One host's traffic on its way to another process's counters."""

    host: str
    requests: Mapping[tuple[str, str], int]
    received_bytes: int
    warnings: tuple[str, ...]
    allowances: Mapping[str, Allowance]


class Stats:
    """The traffic of all hosts, by `host:port` without a scheme's usual port."""

    def __init__(self) -> None:
        self.hosts: dict[str, HostTraffic] = {}

    def of(self, host: str) -> HostTraffic:
        """Return the host's counters, empty ones for a host that was never asked."""
        if host not in self.hosts:
            self.hosts[host] = HostTraffic()
        return self.hosts[host]

    @property
    def requests(self) -> int:
        """Return how many requests were made in all."""
        return sum(host.requests.total() for host in self.hosts.values())

    @property
    def received_bytes(self) -> int:
        """Return how many bytes of bodies were received in all."""
        return sum(host.received_bytes for host in self.hosts.values())

    def take(self) -> tuple[Carried, ...]:
        """Return what was counted since the last call, and count from nothing."""
        carried = []
        for name, host in self.hosts.items():
            if host.requests:
                told = (tuple(host.warnings), dict(host.allowances))
                carried.append(Carried(name, dict(host.requests), host.received_bytes, *told))
                host.requests.clear()
                host.received_bytes = 0
        return tuple(carried)

    def add(self, carried: Iterable[Carried]) -> None:
        """Count what another process counted."""
        for one in carried:
            host = self.of(one.host)
            host.requests.update(one.requests)
            host.received_bytes += one.received_bytes
            host.allowances.update(one.allowances)
            for text in one.warnings[: _MAX_WARNINGS - len(host.warnings)]:
                host.warnings[text] = None
