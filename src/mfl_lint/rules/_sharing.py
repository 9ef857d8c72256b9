"""What layers that images have in common prove, once they were read, and how large they are."""

from __future__ import annotations

from itertools import combinations

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.executable import Executable, Runs, runs_on
from mfl_lint.core.layer import LayerSummary, MemberKind
from mfl_lint.core.platform import Platform
from mfl_lint.core.shared_layers import Sharer

Programs = dict[Executable, str]


class Contradiction(msgspec.Struct, frozen=True):
    """A program at `path` in a shared `layer` that the `other` platform runs."""

    layer: Digest
    other: Platform
    path: str
    program: Executable


def read(images: tuple[Sharer, ...], digest: Digest) -> tuple[LayerSummary | None, str]:
    """Return what was read of a layer, and why it could not be read to its end."""
    layer, problem = None, ""
    for image in images:
        inside = image.node.inside
        if inside is not None and digest in image.layers:
            layer = layer or image.summary(digest)
            problem = problem or inside.problems.get(digest, "")
    return (layer, layer.problem) if layer else (None, problem)


def programs_in(layer: LayerSummary) -> Programs:
    """Return one path of each sort of program in the layer that may be executed."""
    return {
        member.executable: f"/{member.path}"
        for member in layer.members
        if member.executable and member.is_executable and member.kind is MemberKind.FILE
    }


def contradiction(
    image: Sharer, images: tuple[Sharer, ...], layers: dict[Digest, Programs]
) -> Contradiction | None:
    """Return the first layer of which the image can run nothing, and another one can."""
    for digest in image.layers:
        programs = layers.get(digest, {})
        if any(runs_on(one, image.platform) is not Runs.NO for one in programs):
            continue
        for other in images if programs else ():
            runs = (one for one in programs if runs_on(one, other.platform) is Runs.YES)
            found = next(runs, None) if digest in other.layers else None
            if found is not None:
                return Contradiction(digest, other.platform, programs[found], found)
    return None


def largest_share(
    images: tuple[Sharer, ...], shared: frozenset[Digest]
) -> tuple[int, Sharer, Sharer] | None:
    """Return the two images of different architectures that share the most, and how many bytes."""
    pairs = (
        (sum(size for digest, size in one.layers.items() if digest in common), one, other)
        for one, other in combinations(images, 2)
        if one.platform.architecture != other.platform.architecture
        and (common := shared & one.layers.keys() & other.layers.keys())
    )
    return max(pairs, key=lambda pair: pair[0], default=None)
