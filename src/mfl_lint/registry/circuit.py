"""Whether a host is asked that failed so often: known to all of a process that ask it."""

from __future__ import annotations

from collections.abc import Callable

from mfl_lint.config import HttpConfig
from mfl_lint.core.errors import Unreachable

Clock = Callable[[], float]


class CircuitOpen(Unreachable):
    """The host failed so often that it is not asked; trying again at once is of no use."""


class Circuit:
    """One host's: it opens after so many failures in a row, and lets one request probe then."""

    def __init__(self, name: str, http: HttpConfig, clock: Clock) -> None:
        self._name = name
        self._http = http
        self._clock = clock
        self._failures = 0
        self._closed_until = 0.0
        self._probing = False

    def check(self) -> None:
        """Raise CircuitOpen while the circuit is open; let one request through to probe."""
        if self._failures < self._http.breaker_failures:
            return
        if self._probing or self._clock() < self._closed_until:
            raise CircuitOpen(
                f"{self._name}: {self._failures} failures in a row; not asked for now"
            )
        self._probing = True

    def note(self, connected: bool | None) -> None:
        """Note whether the host answered, None if that was not found out."""
        self._probing = False
        if connected is not None:
            self._failures = 0 if connected else self._failures + 1
        if connected is False:
            self._closed_until = self._clock() + self._http.breaker_pause_s


class Circuits:
    """Those of all hosts, by name. `clock` is monotonic."""

    def __init__(self, http: HttpConfig, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._of: dict[str, Circuit] = {}

    def of(self, name: str) -> Circuit:
        """Return a host's circuit."""
        if name not in self._of:
            self._of[name] = Circuit(name, self._http, self._clock)
        return self._of[name]
