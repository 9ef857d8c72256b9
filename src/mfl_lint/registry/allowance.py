"""Pulls that a host still allows: the last fifth of them is left to people.

Docker Hub counts every GET of a manifest as a pull, and nothing else; HEAD is free and says
how many are left. Images and accounts without a limit are answered without these headers.
Source: Docker Hub's documentation, "Pull usage and limits".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from multidict import istr

from mfl_lint.core.errors import RateLimited
from mfl_lint.registry.circuit import Clock
from mfl_lint.registry.politeness import LONGEST_DEFERRAL_S, Host

_LIMIT: Final = istr("RateLimit-Limit")
_REMAINING: Final = istr("RateLimit-Remaining")
_SOURCE: Final = istr("Docker-RateLimit-Source")
_QUOTA: Final = re.compile(r"([0-9]{1,9})(?:[ \t]*;[ \t]*w=([0-9]{1,9}))?", re.IGNORECASE)
_SOURCE_NAME: Final = re.compile(r"[0-9A-Za-z.:_-]{1,64}")
_SHORTEST_WINDOW_S: Final = 60
_MAX_SOURCES: Final = 64


class Allowance(msgspec.Struct, frozen=True):
    """`remaining` of `limit` pulls within `window_s` seconds; a limit of 0 bounds nothing.

    `source` is whom the host counts them for, an account or an address, "" if it does not say.
    """

    limit: int
    remaining: int
    window_s: float
    source: str = ""

    @property
    def reserve(self) -> int:
        """Return how many pulls are left to others: a fifth, rounded up."""
        return -(-self.limit // 5)


def parse_allowance(headers: Mapping[str, str]) -> Allowance | None:
    """Return what an answer's headers say, None where they say nothing usable.

    The window is a day at most. Without one, or with less than a minute, it is a rate of
    requests and no allowance of pulls.
    """
    limit = _QUOTA.fullmatch(headers.get(_LIMIT, "").strip())
    remaining = _QUOTA.fullmatch(headers.get(_REMAINING, "").strip())
    if limit is None or remaining is None:
        return None
    window_s = int(limit[2] or remaining[2] or 0)
    if window_s < _SHORTEST_WINDOW_S:
        return None
    source = headers.get(_SOURCE, "").strip()
    return Allowance(
        int(limit[1]),
        int(remaining[1]),
        min(float(window_s), LONGEST_DEFERRAL_S),
        source if _SOURCE_NAME.fullmatch(source) else "",
    )


class Purse:
    """What one source has left; `until` is when all pulls known of are out of the window.

    `under_way` pulls may or may not be in `remaining` yet and are taken not to be. `fell` is
    the number of the last fall of `remaining` that was heard of.
    """

    __slots__ = ("allowance", "fell", "remaining", "under_way", "until")

    def __init__(self, allowance: Allowance, until: float, fell: int) -> None:
        self.allowance = allowance
        self.remaining = allowance.remaining
        self.until = until
        self.fell = fell
        self.under_way = 0

    def end(self, *, spent: bool) -> None:
        """Note that a pull is over; `spent` if no answer said whether it was counted."""
        self.under_way -= 1
        self.remaining -= spent


class Pulls:
    """The pulls of one host, by the source that it counts them for.

    An account (a registry's configured name) is held to the source of the last answer to it.
    Times are of the monotonic clock. `falls` numbers the falls heard of: whoever asks keeps
    it, so that an answer which was overtaken raises nothing.
    """

    def __init__(self, host: str, clock: Clock) -> None:
        self.falls = 0
        self._host = host
        self._clock = clock
        self._purses: dict[str, Purse] = {}
        self._held: dict[str, Purse] = {}

    async def enter(self, host: Host, account: str, *, hurried: bool = False) -> Purse | None:
        """Return the purse of a pull when it is its turn at the host, None without a bound.

        Raise RateLimited where it would touch what is left to others; no turn is taken then.
        """
        self.check(account)
        await host.enter(hurried=hurried)
        try:
            return self.begin(account)
        except RateLimited:
            host.leave(None)
            raise

    def begin(self, account: str) -> Purse | None:
        """Return the purse of a pull that begins; `end` it. Raise RateLimited like `check`."""
        self.check(account)
        purse = self._held.get(account)
        if purse is not None:
            purse.under_way += 1
        return purse

    def check(self, account: str) -> None:
        """Raise RateLimited where one more pull would touch what is left to others."""
        purse = self._held.get(account)
        if purse is None or not purse.allowance.limit:
            return
        if purse.remaining - purse.under_way > purse.allowance.reserve:
            return
        wait_s = purse.until - self._clock()
        if wait_s > 0:
            left = max(purse.remaining, 0)
            raise RateLimited(
                f"{self._host}: manifest not asked for: {left} of {purse.allowance.limit} pulls"
                f" are left, and the last {purse.allowance.reserve} are for people; sign in for"
                f" more, or wait {wait_s:.0f} s",
                wait_s,
            )

    def hear(
        self, account: str, headers: Mapping[str, str], began: int, purse: Purse | None = None
    ) -> Allowance | None:
        """Return the allowance that an answer to the account speaks of, and keep it.

        `began` is what `falls` was when it was asked for, `purse` that of a pull.
        """
        if _REMAINING not in headers:
            return None
        allowance = parse_allowance(headers)
        if allowance is not None:
            self._held[account] = self._keep(allowance, began)
        elif purse is not None:
            purse.remaining -= 1
        return allowance

    def tell(self, account: str, allowance: Allowance) -> None:
        """Take over what another process heard of an account's allowance, where less is left."""
        purse = self._purses.get(allowance.source)
        if purse is None or allowance.remaining < purse.remaining:
            purse = self._keep(allowance, self.falls)
        self._held.setdefault(account, purse)

    def _keep(self, allowance: Allowance, began: int) -> Purse:
        now = self._clock()
        purse = self._purses.get(allowance.source)
        if purse is None:
            if len(self._purses) >= _MAX_SOURCES:
                del self._purses[next(iter(self._purses))]
            self.falls += 1
            purse = Purse(allowance, now + allowance.window_s, self.falls)
            self._purses[allowance.source] = purse
            return purse
        if now >= purse.until or allowance.remaining < purse.remaining:
            self.falls += 1
            purse.fell, purse.until = self.falls, now + allowance.window_s
        elif began < purse.fell:
            return purse
        purse.allowance, purse.remaining = allowance, allowance.remaining
        return purse
