"""Engines take different images of this list on one and the same host.

Judged are docker (both stores), containerd and podman on the hosts that the policy names (`hosts`
and `windows_builds`), each asking for what it detects there: docker for the processor's level
(amd64/v3), the others for plain amd64. One engine that finds nothing where another finds an image
is a warning too; only the 32-bit image that all but podman fall back to is info. The same image
packed with gzip and with zstd counts as one.

Why: the image that was tested with Docker on a desk is not the one that the cluster runs. A
mistake in the one shows up there only, and nobody thinks of comparing digests.

Fix: `mfl-lint select REFERENCE --all-hosts` shows who takes what, `mfl-lint select REFERENCE
--platform linux/amd64 --explain` why. Then write every entry's platform in its canonical form,
offer each platform once, and the baseline beside higher levels: `docker buildx build --platform
linux/amd64,linux/arm64 -t REFERENCE --push .`. Where different levels are meant, ignore the
finding with that reason.

Source: containerd/platforms; moby's pull of manifest lists; containers/image `ChooseInstance`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.selection import Listing, Machines, Side, agree, sides
from mfl_lint.rules._commands import build, quoted, ways
from mfl_lint.rules._hosts import engines_on, hosts, levels, machines

_MAX_NAMED: Final = 32


@rule("MFL110", Severity.WARNING, Scope.INDEX, needs=(Needs.INDEX,))
def engines_disagree(case: NodeCase) -> Iterator[Fault]:
    """Judge an index by what each engine takes of it."""
    listing = Listing.of(case.node)
    if agree(listing, _compared(case.policy.hosts, case.policy.windows_builds)):
        return
    unseen = ""
    for host in hosts(case.policy):
        try:
            found = list(_faults(case, listing, host))
        except NotObserved as error:
            unseen = unseen or str(error)
            continue
        if found:
            yield min(found, key=lambda fault: (fault.severity or Severity.WARNING).rank)
    if unseen:
        raise NotObserved(unseen)


@lru_cache(maxsize=8)
def _compared(named: tuple[Platform, ...], windows_builds: tuple[str, ...]) -> Machines:
    """Return all that is asked, of a policy with these hosts."""
    asked = hosts(Policy(hosts=named, windows_builds=windows_builds))
    return tuple((one, engines_on(one)) for host in asked for one in levels(host))


def _faults(case: NodeCase, listing: Listing, host: Platform) -> Iterator[Fault]:
    for machine in machines(listing, host):
        parts = sides(listing, machine, engines_on(machine))
        if len(parts) > 1:
            yield _fault(case, host, machine, parts)


def _fault(case: NodeCase, host: Platform, machine: Platform, parts: tuple[Side, ...]) -> Fault:
    only_32_bit = all(one.taken is None or one.is_32_bit_fallback(machine) for one in parts)
    offered = (child.normal for child in case.children[:_MAX_NAMED])
    look = f"mfl-lint select {{reference}} --platform {quoted(machine.full)} --explain"
    return Fault(
        f"on {machine.full} {', '.join(map(_told, parts))}",
        ways(
            ("to see why", (look,)),
            ("to build one image for each platform", build((host, *offered))),
        ),
        Severity.INFO if only_32_bit else Severity.WARNING,
        subject=host.full,
    )


def _told(side: Side) -> str:
    who, many = " and ".join(side.engines), len(side.engines) > 1
    if side.taken is None:
        return f"{who} {'find' if many else 'finds'} nothing"
    said = side.taken.entry.platform
    name = said.full if said is not None else "no platform"
    return f"{who} {'take' if many else 'takes'} entry {side.taken.position} ({name})"
