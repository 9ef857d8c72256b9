"""Manners: how often and how many at once one host is asked, and when it is left in peace."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar

import msgspec

from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import RateLimited, Unreachable
from mfl_lint.registry.circuit import Circuit, Clock
from mfl_lint.registry.origin import is_loopback

SHORT_WAIT_S: Final = 5.0
_SHARE: Final = 4
LONGEST_DEFERRAL_S: Final = 24 * 3600.0
_HURRIED_IN_A_ROW: Final = 3

Sleep = Callable[[float], Awaitable[None]]
T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True):
    """Requests at once, and requests a second (0 = as many as come)."""

    concurrency: int = 3
    rate: float = 5.0

    @property
    def window_s(self) -> float:
        """Return in how many seconds no more than the rate's whole requests begin, 0 for any."""
        return max(1, int(self.rate)) / self.rate if self.rate > 0 else 0.0


def limits_of(registry: RegistryConfig) -> Limits:
    """Return the registry's limits: as configured, else by the kind of host."""
    usual = Limits(32, 0.0) if registry.own or is_loopback(registry) else Limits()
    concurrency = usual.concurrency if registry.concurrency is None else registry.concurrency
    return Limits(max(1, concurrency), usual.rate if registry.rate is None else registry.rate)


def slots_of(limits: Limits) -> tuple[Limits, ...]:
    """Return shares of the limits for so many who know nothing of one another.

    All of them together keep the limits, in any window: a rate's whole requests are dealt out.
    Without a rate a share is four at once where there are plenty: a repository is quicker then.
    """
    if not limits.rate:
        width = _SHARE if limits.concurrency >= 2 * _SHARE else 1
        full, rest = divmod(limits.concurrency, width)
        return (Limits(width, 0.0),) * full + ((Limits(rest, 0.0),) if rest else ())
    whole = max(1, int(limits.rate))
    number = min(limits.concurrency, whole)
    each, more = divmod(whole, number)
    one = limits.rate / whole
    return tuple(Limits(1, (each + (slot < more)) * one) for slot in range(number))


class Slots:
    """So many at once. Who is in a hurry goes before others who wait, three of four times."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._hurried: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    def locked(self) -> bool:
        """Say whether one more would have to wait."""
        return self._free == 0

    async def acquire(self, *, hurried: bool = False) -> None:
        """Return when a slot is ours."""
        if self._free:
            self._free -= 1
            return
        line = self._hurried if hurried else self._others
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                with suppress(ValueError):  # passed over already
                    line.remove(turn)
            else:
                self.release()
            raise

    def release(self) -> None:
        """Give a slot back, to who waits first."""
        lines = (self._hurried, self._others)
        for line in reversed(lines) if self._in_a_row >= _HURRIED_IN_A_ROW else lines:
            while line:
                turn = line.popleft()
                if not turn.done():
                    self._in_a_row = self._in_a_row + 1 if line is self._hurried else 0
                    turn.set_result(None)
                    return
        self._free += 1


class Host:
    """What is shared by all who ask one host: slots, rate, deferral and circuit breaker.

    `enter` waits for a turn, `leave` gives it back. Times are of the monotonic clock.
    """

    def __init__(
        self, name: str, limits: Limits, circuit: Circuit, clock: Clock, sleep: Sleep
    ) -> None:
        self.name = name
        self._circuit = circuit
        self._clock = clock
        self._sleep = sleep
        self._slots = Slots(limits.concurrency)
        self._own = limits.concurrency
        self._window_s = limits.window_s
        self._starts: deque[float] = deque(maxlen=max(1, int(limits.rate)))
        self._one_at_a_time = limits.concurrency == 1 and limits.rate > 0
        self._deferred_until: float | None = None

    async def enter(self, *, hurried: bool = False) -> None:
        """Return when it is our turn, before those who are not `hurried`.

        Raise RateLimited at once while the host is deferred for more than a few seconds, and
        Unreachable while its circuit is open.
        """
        patience = SHORT_WAIT_S
        while True:
            if self._deferred_until is not None:
                patience -= await self._sit_out(patience)
            await self._slots.acquire(hurried=hurried)
            try:
                self._circuit.check()
            except Unreachable:
                self._slots.release()
                raise
            try:
                if self._window_s:
                    await self._take_turn()
            except BaseException:
                self.leave(None)
                raise
            if self._deferred_until is None:
                return
            self.leave(None)

    @asynccontextmanager
    async def lent(self, slots: int, least: int) -> AsyncIterator[int]:
        """Leave slots to somebody else while the context lasts, and yield how many.

        They are those of `slots` that are free now: nobody is waited for, and `least` stay here.
        """
        held = 0
        try:
            while held < slots and self._own > least and not self._slots.locked():
                await self._slots.acquire()
                held, self._own = held + 1, self._own - 1
            yield held
        finally:
            self._own += held
            for _ in range(held):
                self._slots.release()

    def leave(self, connected: bool | None) -> None:
        """Give the slot back; say whether the host answered, None if that was not found out."""
        self._slots.release()
        if self._one_at_a_time and self._starts:
            # From the answer on: then no delay on the way brings two closer than they may be.
            self._starts[-1] = self._clock()
        self._circuit.note(connected)

    def defer(self, seconds: float) -> None:
        """Ask nothing of the host for that long, a day at most."""
        until = self._clock() + min(max(seconds, 0.0), LONGEST_DEFERRAL_S)
        self._deferred_until = max(until, self._deferred_until or until)

    @property
    def deferred_s(self) -> float:
        """Return for how long nothing is asked of the host from now on, 0 if it may be."""
        return max(0.0, (self._deferred_until or 0.0) - self._clock())

    async def _sit_out(self, patience: float) -> float:
        """Wait through a short deferral and return its length; raise RateLimited for a long one."""
        left = (self._deferred_until or 0.0) - self._clock()
        if left <= 0:
            self._deferred_until = None
            return 0.0
        if left > patience:
            raise RateLimited(f"{self.name}: asked to wait; deferred for {left:.0f} s", left)
        await self._sleep(left)
        return left

    async def _take_turn(self) -> None:
        """Wait until fewer than the window's number of requests began within the window."""
        now = self._clock()
        turn = now
        if len(self._starts) == self._starts.maxlen:
            turn = max(now, self._starts[0] + self._window_s)
        self._starts.append(turn)
        if turn > now:
            await self._sleep(turn - now)


class Flights:
    """Identical requests in flight are one request; all who asked get its result."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[asyncio.Future[tuple[object, Exception | None]]]] = {}

    async def join(self, key: Hashable, start: Callable[[], Awaitable[T]]) -> T:
        """Return what `start` returns, or what the same key's call in flight returns.

        A caller that is cancelled takes nobody with it: one who waits starts over.
        """
        while (waiting := self._waiting.get(key)) is not None:
            landed: asyncio.Future[tuple[object, Exception | None]] = (
                asyncio.get_running_loop().create_future()
            )
            waiting.append(landed)
            result, error = await landed
            if error is None:
                return result  # type: ignore[return-value]  # keys tell results apart
            if not isinstance(error, _Abandoned):
                raise error
        self._waiting[key] = waiting = []
        outcome: tuple[object, Exception | None] = (None, _Abandoned())
        try:
            found = await start()
            outcome = (found, None)
            return found
        except Exception as error:
            outcome = (None, error)
            raise
        finally:
            del self._waiting[key]
            for landed in waiting:
                if not landed.done():
                    landed.set_result(outcome)


class _Abandoned(Exception):  # never leaves this module
    """The caller that carried the request out was cancelled."""
