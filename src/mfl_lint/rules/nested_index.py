"""The index lists another index.

Why: few clients descend: most expect an image behind an entry and fail, or take one platform for
the whole inner list. It usually comes from putting together tags that a build with provenance had
already made indexes of.

Fix: make one flat list from the images themselves: `docker buildx imagetools create -t REFERENCE
REFERENCE-amd64 REFERENCE-arm64` takes the entries of the inner lists; or build without the
wrapping: `docker buildx build --platform linux/amd64 --provenance=false --sbom=false -t REFERENCE
--push .`.

Source: OCI image-spec 1.1 image-index.md (an implementation SHOULD support nested indexes; few
do); moby and containers/image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import build, flatten, ways

# Without artifacts: the list of what refers to an index names it, and is no image's list.
_KINDS: Final = frozenset(Kind) - {Kind.ARTIFACT}


@rule("MFL209", Severity.WARNING, Scope.ENTRY, needs=(Needs.INDEX,), kinds=_KINDS)
def nested_index(case: NodeCase) -> Iterator[Fault]:
    """Judge what an entry leads to."""
    node = case.node
    if node.kind is not Kind.INDEX:
        return
    beside = case.parent.children if case.parent is not None else ()
    listed = [child.entry.platform for child in (*beside, *node.children)][:64]
    count = len(node.children)
    holds = f" with {count} {'entry' if count == 1 else 'entries'}" if node.document else ""
    name = node.entry.digest or "without a digest that can be asked for"
    yield Fault(
        f"entry {node.position} is itself an index, {name}{holds}",
        ways(
            ("list the images themselves", flatten(case.parent or node)),
            ("to build one flat list", build(one for one in listed if one is not None)),
        ),
    )
