"""Which hosts take each entry of a list, engine by engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Node
from mfl_lint.core.selection.choose import Listing
from mfl_lint.core.selection.engines import COMMON_HOSTS, ENGINES, detected


class HostV1(msgspec.Struct, frozen=True):
    """A host whose engines take an entry; `engines` are those of them that do."""

    host: str
    engines: tuple[str, ...]


def grouped(hosts: Iterable[HostV1]) -> str:
    """Return the hosts as one line, with the engines where not all of them take it."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for item in hosts:
        groups.setdefault(item.engines, []).append(item.host)
    said = []
    for engines, names in sorted(groups.items(), key=lambda group: -len(group[0])):
        alone = "" if len(engines) == len(ENGINES) else f" with {', '.join(engines)} alone"
        said.append(f"{', '.join(names)}{alone}")
    return "; ".join(said)


def hosts_by_position(index: Node) -> Mapping[int, tuple[HostV1, ...]]:
    """Return, by the entry's position, the common hosts that take it.

    What an engine would have to read and nobody saw is taken by none.
    """
    try:
        listing = Listing.of(index)
    except NotObserved:
        return {}
    found: dict[int, list[HostV1]] = {}
    for host in COMMON_HOSTS:
        engines: dict[int, list[str]] = {}
        for engine in ENGINES:
            try:
                taken = listing.choose(engine, detected(engine, host))
            except NotObserved:
                continue
            if taken is not None and taken.position is not None:
                engines.setdefault(taken.position, []).append(str(engine))
        for position, names in engines.items():
            found.setdefault(position, []).append(HostV1(host.full, tuple(names)))
    return {position: tuple(hosts) for position, hosts in found.items()}
