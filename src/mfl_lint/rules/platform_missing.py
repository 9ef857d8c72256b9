"""An entry of the index does not say which platform its image is for.

The entry has no platform, or one without an os or an architecture. It is an error if a host that
the policy names has no other entry and this one is not for it; else a warning.

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

from mfl_lint.core.observation import Kind
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import annotate, recreate, short
from mfl_lint.rules._evidence import config_of


@rule("MFL102", Severity.WARNING, Scope.ENTRY, needs=(Needs.INDEX, Needs.CONFIGS))
def platform_missing(case: NodeCase) -> Iterator[Fault]:
    """Judge an image's entry."""
    said, index = case.node.entry.platform, case.parent
    if index is None or (said is not None and said.os and said.architecture):
        return
    lacks = "no platform" if said is None else f"no {'architecture' if said.os else 'os'}"
    alone = [host for host in case.policy.hosts if not _has_other(host, case)]
    built = config_of(case.node) if alone or case.node.config is not None else None
    platform = built.platform if built is not None else Platform()
    hurt = [host for host in alone if not _runs(host, platform)]
    message = f"the entry of {short(case.node.entry.digest)} has {lacks}"
    if platform.os and platform.architecture:
        message += f", its config says {platform}"
        fix = annotate(index, case.node, platform.normalized())
    else:
        fix = recreate(index)
    if hurt:
        message += f"; {hurt[0]} finds no other entry"
    yield Fault(message, fix, Severity.ERROR if hurt else Severity.WARNING)


def _has_other(host: Platform, case: NodeCase) -> bool:
    """Say whether an entry beside this one names a platform that the host runs."""
    index = case.parent
    return index is not None and any(
        child is not case.node
        and child.kind in (Kind.IMAGE, Kind.UNDECIDED)
        and child.entry.platform is not None
        and _runs(host, child.entry.platform)
        for child in index.children
    )


def _runs(host: Platform, offered: Platform) -> bool:
    """Say whether the host's own architecture is offered, at its level or a lower one."""
    own, other = host.normalized(), offered.normalized()
    return (own.os, own.architecture) == (other.os, other.architecture) and (
        own.variant == other.variant or other.variant < own.variant
    )
