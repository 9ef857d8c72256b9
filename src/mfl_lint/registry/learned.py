"""What a process learned of hosts, for others that ask them too, and what these learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from mfl_lint.registry.allowance import Allowance
from mfl_lint.registry.circuit import Clock
from mfl_lint.registry.peer import Peer


class Learned(msgspec.Struct, frozen=True):
    """A host is left in peace for so long from now on; pulls that were left, by account."""

    deferred_s: float
    allowances: Mapping[str, Allowance]


def learned_of(peers: Iterable[Peer]) -> dict[str, Learned]:
    """Return by host what was heard from it."""
    known: dict[str, Learned] = {}
    for peer in peers:
        if peer.traffic.allowances or peer.host.deferred_s:
            known[peer.host.name] = Learned(peer.host.deferred_s, dict(peer.traffic.allowances))
    return known


class Lessons:
    """What others learned, also of hosts that are asked later only. `clock` is monotonic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, Mapping[str, Allowance]]] = {}

    def teach(self, known: Mapping[str, Learned], peers: Iterable[Peer]) -> None:
        """Tell the peers what is news."""
        before, now = self._told, self._clock()
        self._told = {n: (now + one.deferred_s, one.allowances) for n, one in known.items()}
        for peer in peers:
            _, old = before.get(peer.host.name, (0.0, {}))
            self._teach(peer, old)

    def teach_new(self, peer: Peer) -> None:
        """Tell a peer all."""
        self._teach(peer, {})

    def _teach(self, peer: Peer, old: Mapping[str, Allowance]) -> None:
        until, allowances = self._told.get(peer.host.name, (0.0, {}))
        if until > self._clock():
            peer.host.defer(until - self._clock())
        for account, allowance in allowances.items():
            if allowance != old.get(account):
                peer.pulls.tell(account, allowance)
