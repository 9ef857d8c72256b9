"""An entry of the index does not say which platform its image is for.

The entry has no platform, or one without an os or an architecture. It is an error if an engine on
a host that the policy names then takes a wrong image, or finds none although this one is for it;
else a warning.

Why: every engine guesses in its own way. Docker's classic store takes such an entry without
looking at it, containerd reads the image's config first, podman skips it in a Docker manifest
list, others take it for linux/amd64. The same tag runs on one machine, fails with `no matching
manifest` on the next and with `exec format error` on the third.

Fix: write the platform on the entry. `docker manifest create REFERENCE NAME@DIGEST…` takes each
platform from the image's config; `docker manifest annotate --os linux --arch arm64 REFERENCE
NAME@DIGEST` sets it by hand; `docker manifest push --purge REFERENCE` publishes it.

Source: OCI image-spec 1.1 image-index.md, "platform" (its os and architecture are required) and
descriptor.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.selection import Listing, detected, runs, runs_build
from mfl_lint.rules._commands import annotate, recreate, short
from mfl_lint.rules._evidence import config_of
from mfl_lint.rules._hosts import engines_on, hosts


@rule("MFL102", Severity.WARNING, Scope.ENTRY, needs=(Needs.INDEX, Needs.CONFIGS))
def platform_missing(case: NodeCase) -> Iterator[Fault]:
    """Judge an image's entry."""
    said, index = case.node.entry.platform, case.parent
    if index is None or (said is not None and said.os and said.architecture):
        return
    lacks = "no platform" if said is None else f"no {'architecture' if said.os else 'os'}"
    message = f"the entry of {short(case.node.entry.digest)} has {lacks}"
    # Of a list alone the fault is certain, and what comes of it is not.
    at_hand = case.node.look is not None
    hurt = next(_hurt(case, Listing.of(index)), "") if at_hand else ""
    built = config_of(case.node) if case.node.config is not None else None
    if built is not None and built.platform.os and built.platform.architecture:
        message += f", its config says {built.platform}"
        fix = annotate(index, case.node, built.platform.normalized())
    else:
        fix = recreate(index)
    if hurt:
        message += f"; {hurt}"
    yield Fault(message, fix, Severity.ERROR if hurt else Severity.WARNING)


def _hurt(case: NodeCase, listing: Listing) -> Iterator[str]:
    """Yield what goes wrong on the policy's hosts because of the entry."""
    for host in hosts(case.policy):
        for engine in engines_on(host):
            taken = listing.choose(engine, detected(engine, host))
            if taken is not None and taken is not case.node:
                continue
            is_for_host = _is_for(case, host)
            if taken is None and is_for_host:
                yield f"{engine} on {host.full} finds nothing"
            elif taken is not None and not is_for_host:
                yield f"{engine} on {host.full} takes it, finding no other entry"


def _is_for(case: NodeCase, host: Platform) -> bool:
    built = config_of(case.node)
    if built is None or not runs(host, built.platform):
        return False
    return host.os != "windows" or runs_build(host.os_version, built.platform.os_version)
