"""The tag offered a platform before and does not any more.

It is said in the look that sees it. Where images are published one architecture after the other, it
is said when the loss was seen in two rounds, some time apart: 6 hours for the official images of
Docker Hub and for registries configured `proxy = true`, and everywhere as long as `settle` in the
policy says, where that is set. Windows images are compared by the build of their host, not by its
monthly updates. What no engine matched, or only an entry promised whose image is another (MFL101),
was offered to nobody: to mend that loses nothing. It stays until the platform returns; a loss that
was meant is ignored in the configuration. For registries configured `proxy = true` it is
information: some proxies pass on trimmed lists.

Why: hosts of that platform that ran yesterday's image cannot pull today's: `no matching manifest
for linux/arm64 in the manifest list entries`.

Fix: build it for all of them again: `docker buildx build --platform linux/amd64,linux/arm64 -t
REFERENCE --push .`; or go back to what it was: `docker buildx imagetools create -t REFERENCE
NAME@DIGEST`.

Source: what the tag itself offered, as earlier crawls saw it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, rule, seen
from mfl_lint.rules._commands import build, listed, merge, ways
from mfl_lint.rules._evidence import offered
from mfl_lint.rules._losses import is_settled, lost_since

_KINDS = (Kind.IMAGE, Kind.UNDECIDED)


@rule("MFL501", Severity.ERROR, Scope.TAG, needs=(Needs.HISTORY,), kinds=_KINDS)
def platform_lost(case: TagCase) -> Iterator[Fault]:
    """Judge what a tag offers against what it offered before."""
    history = seen(case.history, "its past is not known")
    if not history.earlier and not history.lost:
        return
    offer = offered(case.root)
    lost = lost_since(history, offer.platforms, case.policy.known_platforms)
    if not lost:
        return
    if offer.unseen:
        raise NotObserved(offer.unseen)
    severity = Severity.INFO if case.proxy else None
    waiting = ""
    for platform, (since, digest) in lost.items():
        if since is not None and not is_settled(case, history, since):
            waiting = f"settling: {platform.full} is missing since {since:%Y-%m-%d %H:%M} UTC"
            continue
        again = build((*offer.platforms, platform))
        back = (merge("{reference}", [f"{{name}}@{digest}"]),)
        fix = ways(("build it again", again), ("go back", back)) if digest else again
        yield Fault(
            f"{platform.full} was offered before and is not now; offered: "
            f"{listed(offer.platforms)}",
            fix,
            severity,
            subject=platform.full,
        )
    if waiting:
        raise NotObserved(waiting)
