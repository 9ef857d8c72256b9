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
from itertools import combinations
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotObserved
from mfl_lint.core.executable import Executable, Runs, runs_on
from mfl_lint.core.layer import LayerSummary, MemberKind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.shared_layers import Sharer, have_common_layers, shared_layers, sharers
from mfl_lint.rules._commands import rebuild, short
from mfl_lint.rules._evidence import is_unseen, unseen

_LARGE_SHARE: Final = 0.5
_LARGE_BYTES: Final = 1024 * 1024
_MAX_IMAGES: Final = 64

Programs = dict[Executable, str]


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
    read = {digest: _read(images, digest) for digest in sorted(shared)}
    programs = {digest: _programs(layer) for digest, (layer, _) in read.items() if layer}
    for image in images:
        yield from _unrunnable(case, image, images, programs)
    for digest, (_, problem) in read.items():
        if problem:
            raise NotObserved(f"layer {digest}: {problem}")
    for node in case.node.children:
        if is_unseen(node):
            raise NotObserved(unseen(node))
    if len(programs) < len(read):
        yield from _common(case, images, shared)


def _read(images: tuple[Sharer, ...], digest: Digest) -> tuple[LayerSummary | None, str]:
    """Return what was read of a layer, and why it could not be read to its end."""
    layer, problem = None, ""
    for image in images:
        inside = image.node.inside
        if inside is not None and digest in image.layers:
            layer = layer or image.summary(digest)
            problem = problem or inside.problems.get(digest, "")
    return (layer, layer.problem) if layer else (None, problem)


def _programs(layer: LayerSummary) -> Programs:
    """Return one path of each sort of program in the layer that may be executed."""
    return {
        member.executable: f"/{member.path}"
        for member in layer.members
        if member.executable and member.is_executable and member.kind is MemberKind.FILE
    }


def _unrunnable(
    case: NodeCase, image: Sharer, images: tuple[Sharer, ...], layers: dict[Digest, Programs]
) -> Iterator[Fault]:
    """Yield a fault for the first layer of which the image can run nothing, and another one can."""
    for digest in image.layers:
        programs = layers.get(digest, {})
        if any(runs_on(one, image.platform) is not Runs.NO for one in programs):
            continue
        for other in images:
            runs = (one for one in programs if runs_on(one, other.platform) is Runs.YES)
            found = next(runs, None) if digest in other.layers else None
            if found is not None:
                yield Fault(
                    f"{image.platform} shares layer {short(digest)} with {other.platform}: "
                    f"{programs[found]} in it is {found}",
                    rebuild(case.node, image.node),
                    node=image.node,
                )
                return


def _common(
    case: NodeCase, images: tuple[Sharer, ...], shared: frozenset[Digest]
) -> Iterator[Fault]:
    """Yield a fault for the two images of different architectures that share the most."""
    pairs = (
        (sum(size for digest, size in one.layers.items() if digest in common), one, other)
        for one, other in combinations(images, 2)
        if one.platform.architecture != other.platform.architecture
        and (common := shared & one.layers.keys() & other.layers.keys())
    )
    size, one, other = max(pairs, key=lambda pair: pair[0], default=(0, None, None))
    if one is None or other is None or size < _LARGE_BYTES:
        return
    smaller = min(sum(one.layers.values()), sum(other.layers.values()))
    if size < smaller * _LARGE_SHARE:
        return
    yield Fault(
        f"{one.platform} and {other.platform} share {size:,} bytes of {smaller:,}; "
        "the shared layers were not all read",
        ("# see what the shared layers hold:", "mfl-lint scan --deep {reference}"),
        Severity.INFO,
    )
