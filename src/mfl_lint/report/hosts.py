"""Which hosts take each entry of a list, engine by engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection.choose import Listing
from mfl_lint.core.selection.engines import COMMON_HOSTS, ENGINES, Engine, detected


class HostV1(msgspec.Struct, frozen=True):
    """A host whose engines take an entry; `engines` are those of them that do."""

    host: str
    engines: tuple[str, ...]


class Choice(msgspec.Struct, frozen=True):
    """What one engine takes of a list on one host: `position` None = nothing.

    `unknown` says why nobody can tell, "" where it is known.
    """

    host: str
    engine: str
    position: int | None = None
    unknown: str = ""


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
    found: dict[int, dict[str, list[str]]] = {}
    for choice in choices(index):
        if choice.position is not None:
            hosts = found.setdefault(choice.position, {})
            hosts.setdefault(choice.host, []).append(choice.engine)
    return {
        position: tuple(HostV1(host, tuple(engines)) for host, engines in hosts.items())
        for position, hosts in found.items()
    }


def choices(index: Node) -> Iterator[Choice]:
    """Yield what each engine takes on each common host; nothing for a list that was not read."""
    try:
        listing = Listing.of(index)
    except NotObserved:
        return
    for host in COMMON_HOSTS:
        for engine in ENGINES:
            yield _choice(listing, host, engine)


def _choice(listing: Listing, host: Platform, engine: Engine) -> Choice:
    try:
        taken = listing.choose(engine, detected(engine, host))
    except NotObserved as error:
        return Choice(host.full, str(engine), unknown=str(error))
    return Choice(host.full, str(engine), taken.position if taken is not None else None)
