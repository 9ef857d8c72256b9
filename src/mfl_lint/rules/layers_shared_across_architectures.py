"""Images of two architectures share a layer with programs that one of them cannot run.

Where the layers were read (`mfl-lint scan --deep`), it is an error for the image that can run
none of the executable files in the shared layer while another one can; a layer that brings
programs for several machines on purpose is none. Where they were not read, images that share
most of their bytes, and at least one mebibyte, are information: static files, JARs and
`COPY --link` are normal.

Why: the same bytes cannot be a program for two machines. One build's result was copied into the
images of all platforms, and all but one of them break with `exec format error` as soon as the
program is called.

Fix: build each platform's programs for it: `docker buildx build --platform
linux/amd64,linux/arm64 -t REFERENCE --push .`, with `TARGETARCH` in the build stage where it is
cross-compiled. Where the layers were not read, `mfl-lint scan --deep REFERENCE` tells.

Source: OCI image-spec 1.1 layer.md and config.md "architecture"; execve(2), ENOEXEC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.shared_layers import Sharer, have_common_layers, shared_layers, sharers
from mfl_lint.rules._commands import rebuild, short
from mfl_lint.rules._evidence import is_unseen, unseen
from mfl_lint.rules._sharing import contradiction, largest_share, programs_in, read

_LARGE_SHARE: Final = 0.5
_LARGE_BYTES: Final = 1024 * 1024
_MAX_IMAGES: Final = 64


@rule(
    "MFL602",
    Severity.ERROR,
    Scope.INDEX,
    needs=(Needs.CHILDREN, Needs.LAYERS),
)
def layers_shared_across_architectures(case: NodeCase) -> Iterator[Fault]:
    """Judge an index's images by the layers that they have in common."""
    images = sharers(case.node)[:_MAX_IMAGES] if have_common_layers(case.node) else ()
    shared = shared_layers(images)
    found = {digest: read(images, digest) for digest in sorted(shared)}
    programs = {digest: programs_in(layer) for digest, (layer, _) in found.items() if layer}
    for image in images:
        proof = contradiction(image, images, programs)
        if proof is not None:
            yield Fault(
                f"{image.platform} shares layer {short(proof.layer)} with {proof.other}: "
                f"{proof.path} in it is {proof.program}",
                rebuild(case.node, image.node),
                node=image.node,
            )
    for digest, (_, problem) in found.items():
        if problem:
            raise NotObserved(f"layer {digest}: {problem}")
    for node in case.node.children:
        if is_unseen(node):
            raise NotObserved(unseen(node))
    share = largest_share(images, shared) if len(programs) < len(found) else None
    if share is not None:
        yield from _common(*share)


def _common(size_bytes: int, one: Sharer, other: Sharer) -> Iterator[Fault]:
    """Yield a fault where two images of different architectures have a large part in common."""
    smaller = min(sum(one.layers.values()), sum(other.layers.values()))
    if size_bytes < max(_LARGE_BYTES, smaller * _LARGE_SHARE):
        return
    yield Fault(
        f"{one.platform} and {other.platform} share {size_bytes:,} bytes of {smaller:,}; "
        "the shared layers were not all read",
        ("# see what the shared layers hold:", "mfl-lint scan --deep {reference}"),
        Severity.INFO,
    )
