"""Two images in one index are for the same platform.

Same means: the same os, architecture, variant, os.version and os.features after normalising. Two
entries with different digests are an error, the same digest twice is a warning. An image packed
with zstd beside the same one packed with gzip is no duplicate: buildah makes such pairs.

Why: which of the two runs depends on the engine: some take the first, some sort before they
choose. One of the two images is never tested and may be an old one; a host can run last month's
program under today's tag.

Fix: make the list anew with one image for each platform: `docker manifest create REFERENCE
NAME@DIGEST…`, `docker manifest push --purge REFERENCE`. Where an earlier try left a draft of the
list on the disk, `docker manifest create` refuses, and with `--amend` it keeps the entries of the
draft: the printed line therefore makes a draft, throws it away with `docker manifest rm REFERENCE`
and begins afresh. `docker buildx imagetools create --append` keeps the old entry of the registry:
leave that out.

Source: OCI image-spec 1.1 image-index.md ("the first matching entry SHOULD be used"); the
annotation `io.github.containers.compression.zstd` of containers/image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from mfl_lint.core.doubles import preferred
from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import Fix, recreate, short, ways
from mfl_lint.rules._evidence import is_unseen

_ZSTD: Final = "io.github.containers.compression.zstd"


@rule("MFL105", Severity.ERROR, Scope.INDEX, needs=(Needs.INDEX,))
def duplicate_platform(case: NodeCase) -> Iterator[Fault]:
    """Judge the entries of an index among one another."""
    first: dict[tuple[Platform, bool], NodeCase] = {}
    unseen: Counter[tuple[Platform, bool]] = Counter()
    for child in case.children:
        node = child.node
        if not (child.normal.os and child.normal.architecture) or child.normal.is_unknown:
            continue
        key = (child.normal, node.entry.annotations.get(_ZSTD) == "true")
        if is_unseen(node):
            unseen[key] += 1
        elif node.kind is Kind.IMAGE and first.setdefault(key, child) is not child:
            yield _fault(case, first[key], child)
    for key, count in unseen.items():
        if key in first or count > 1:
            raise NotObserved(f"another entry for {key[0]} was not seen")


def _fault(case: NodeCase, first: NodeCase, again: NodeCase) -> Fault:
    one, other = first.node, again.node
    same = one.entry.digest == other.entry.digest
    what = "with the same digest" if same else f"and {short(other.entry.digest)}"
    return Fault(
        f"{again.normal} is listed twice, as entries {one.position} and {other.position}:"
        f" {short(one.entry.digest)} {what}",
        recreate(case.node) if same else _ways(case.node, one, other),
        Severity.WARNING if same else Severity.ERROR,
        node=other,
    )


def _ways(index: Node, one: Node, other: Node) -> Fix:
    """Return the list with the one of the two that a plan keeps, then with the other one."""
    kept, why = preferred((one, other))
    lost = other if kept is one else one
    return ways(
        (f"to keep entry {kept.position}, {why}", recreate(index, without=lost, keep=kept)),
        (f"to keep entry {lost.position}", recreate(index, without=kept, keep=lost)),
    )
