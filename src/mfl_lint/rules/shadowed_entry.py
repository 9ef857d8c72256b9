"""No host gets this image: where it is meant to run, every engine takes another entry.

A host of exactly the entry's platform is asked for what docker, containerd, podman and a client
that takes the first match would choose there; all of them choose other entries.

Why: the image is built, stored and scanned, and runs nowhere. Mostly it is the newer one of two
for the same platform, so that a repaired image never reaches anybody.

Fix: take one of the two out of the list: `docker manifest create REFERENCE NAME@DIGEST…` with the
images that are meant, `docker manifest push --purge REFERENCE`. For Windows, give each entry the
build that it is for: `docker manifest annotate --os windows --arch amd64 --os-version
10.0.20348.2402 REFERENCE NAME@DIGEST`.

Source: OCI image-spec 1.1 image-index.md ("the first matching entry SHOULD be used");
containerd/platforms; moby; containers/image `ChooseInstance`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.selection import ENGINES, Engine, Listing, detected
from mfl_lint.core.selection.engines import key_of
from mfl_lint.rules._commands import recreate, short
from mfl_lint.rules._evidence import is_unseen, unseen


@rule("MFL112", Severity.INFO, Scope.INDEX, needs=(Needs.INDEX,))
def shadowed_entry(case: NodeCase) -> Iterator[Fault]:
    """Judge the images of an index that are not alone with their os, architecture and variant."""
    named = [child for child in case.children if _is_named(child)]
    same = Counter(key_of(child.normal) for child in named)
    if len(same) == len(named):
        return
    listing = Listing.of(case.node)
    known: dict[tuple[Engine, Platform], Node | None] = {}
    gap = ""
    for child in named:
        node, normal = child.node, child.normal
        if same[key_of(normal)] < 2 or not (node.kind is Kind.IMAGE or is_unseen(node)):
            continue
        others = _taken_instead(listing, node, normal, known)
        if others and node.kind is not Kind.IMAGE:
            gap = gap or unseen(node)
        elif others:
            yield Fault(
                f"entry {node.position} ({normal.full}, {short(node.entry.digest)}) is never taken:"
                f" {_told(others)}",
                recreate(case.node, without=node),
                node=node,
            )
    if gap:
        raise NotObserved(gap)


def _is_named(child: NodeCase) -> bool:
    """Say whether the entry names a platform that a host can have."""
    normal = child.normal
    if child.node.kind is Kind.ATTESTATION or not (normal.os and normal.architecture):
        return False
    return not normal.is_unknown


def _taken_instead(
    listing: Listing, node: Node, host: Platform, known: dict[tuple[Engine, Platform], Node | None]
) -> list[Node]:
    """Return what each engine takes on the host, nothing where one takes the node or none."""
    others: list[Node] = []
    for engine in ENGINES:
        asked = detected(engine, host)
        if (engine, asked) not in known:
            known[engine, asked] = listing.choose(engine, asked)
        taken = known[engine, asked]
        if taken is None or taken.entry.digest == node.entry.digest:
            return []
        others.append(taken)
    return others


def _told(others: list[Node]) -> str:
    places = sorted({other.position or 0 for other in others})
    if len(places) == 1:
        return f"every engine takes entry {places[0]} there"
    return f"engines take the entries {', '.join(map(str, places))} there"
