"""A platform that the policy requires is not offered.

A requirement without a variant is met by any variant. It is said in the look that sees it. Where
images are published one architecture after the other, a tag that moved waits first: 6 hours for
the official images of Docker Hub and for registries configured `proxy = true`, and everywhere as
long as `settle` in the policy says, where that is set.

Why: hosts of that platform fail: `no matching manifest for linux/arm64 in the manifest list
entries`; where the tag is a single image, they pull it all the same and end in `exec format
error`.

Fix: build it for all of them: `docker buildx build --platform linux/amd64,linux/arm64 -t
REFERENCE --push .`; or add the missing image to the list: `docker buildx imagetools create
--append -t REFERENCE NAME@DIGEST`.

Source: your own policy: `require` in the configuration, or `mfl-lint scan --require`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Kind
from mfl_lint.core.platform import meets
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, rule
from mfl_lint.rules._commands import build, listed
from mfl_lint.rules._evidence import is_younger, offered, settling_s

# The index alone tells what is offered: its children need not have been seen.
_KINDS: Final = (Kind.IMAGE, Kind.UNDECIDED)


@rule("MFL401", Severity.ERROR, Scope.TAG, needs=(Needs.INDEX,), kinds=_KINDS)
def missing_platform(case: TagCase) -> Iterator[Fault]:
    """Judge what a tag offers against what the policy requires."""
    required = tuple(case.policy.required(case.reference.repository, case.reference.tag or ""))
    if not required:
        return
    offer = offered(case.root)
    missing = [
        platform
        for platform in required
        if not any(meets(platform, there) for there in offer.platforms)
    ]
    if not missing:
        return
    if offer.unseen:
        raise NotObserved(offer.unseen)
    if is_younger(case, settle_s := settling_s(case)):
        raise NotObserved(f"settling: the tag moved less than {settle_s:g} s ago")
    fix = build((*offer.platforms, *missing))
    for platform in missing:
        yield Fault(
            f"{platform} is required and missing; offered: {listed(offer.platforms)}",
            fix,
            subject=platform.normalized().full,
        )
