"""How often somebody may try: counted by key in bounded memory. Pure but for its own counts."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

_MOST: Final = 10_000


class Throttle:
    """At most `tries` of one key within `window_s`, each counted before it is made.

    The keys that were tried last are kept, so that memory is bounded whoever tries.
    """

    def __init__(self, tries: int, window_s: float, most: int = _MOST) -> None:
        self._tries = tries
        self._window_s = window_s
        self._most = most
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_s(self, key: str, now: float) -> float:
        """Count a try and return 0, or how many seconds to wait before another one."""
        began, count = self._counts.get(key, (now, 0))
        if now - began >= self._window_s:
            began, count = now, 0
        if count >= self._tries:
            return self._window_s - (now - began)
        self._counts[key] = began, count + 1
        self._counts.move_to_end(key)
        while len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return 0.0

    def forgive(self, key: str) -> None:
        """Forget the tries of a key."""
        self._counts.pop(key, None)
