"""The list offers amd64 only for processors above the baseline: v2 or later, no plain amd64.

Why: containerd, Kubernetes and podman ask for plain amd64 whatever processor the host has, and
find nothing: `no match for platform in manifest`. Docker asks for the level that it detects and
works, so nobody who tries the image with Docker notices. Where the list has an image for 386,
containerd quietly takes that one.

Fix: build for the baseline too: `docker buildx build --platform linux/amd64,linux/amd64/v3 -t
REFERENCE --push .`; or, where the program does not need the higher level, for the baseline alone.

Source: containerd/platforms `DefaultSpec` and `Only`; containers/image `WantedPlatforms`;
image-spec 1.1 image-index.md, table of variants.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Kind
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.selection import Engine, Listing, is_32_bit_fallback
from mfl_lint.rules._commands import build, listed

_ABOVE: Final = frozenset({"v2", "v3", "v4"})
_MAX_NAMED: Final = 32


@rule("MFL106", Severity.ERROR, Scope.INDEX, needs=(Needs.INDEX,))
def no_baseline_variant(case: NodeCase) -> Iterator[Fault]:
    """Judge the amd64 entries of an index."""
    above: dict[str, list[NodeCase]] = {}
    for child in case.children:
        is_image = child.node.kind in (Kind.IMAGE, Kind.UNDECIDED)
        if is_image and child.normal.architecture == "amd64" and child.normal.variant in _ABOVE:
            above.setdefault(child.normal.os, []).append(child)
    if not above:
        return
    listing = Listing.of(case.node)
    for os, children in above.items():
        plain = Platform(os, "amd64")
        taken = listing.choose(Engine.CONTAINERD, plain)
        said = taken.entry.platform if taken is not None else None
        if taken is not None and (said is None or not is_32_bit_fallback(plain, said)):
            continue
        if all(child.node.kind is Kind.UNDECIDED for child in children):
            raise NotObserved(f"the images for {children[0].normal} were not seen")
        offers = listed(child.normal for child in children)
        finds = f"takes {said}" if said is not None else "finds nothing"
        yield Fault(
            f"{plain} is offered as {offers} only: containerd {finds}, podman none",
            build((plain, *(child.normal for child in case.children[:_MAX_NAMED]))),
            subject=str(plain),
        )
