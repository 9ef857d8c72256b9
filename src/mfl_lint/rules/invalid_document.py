"""A document breaks the specification.

It is not JSON, lacks a required field, or a field has a value that it must not have: a digest
that is none, a negative size, a platform that is no object. Trees that are nested too deep and
indexes with too many entries belong here too: they are not followed.

Why: every client decides for itself what it makes of it: one fails with `invalid character` or
`failed to unmarshal`, another reads a zero where a number was meant, a third ignores the entry.

Fix: push it again with a tool that writes documents itself: `docker buildx build --platform
linux/amd64,linux/arm64 -t REFERENCE --push .`, or for the index alone `docker manifest create
REFERENCE NAME@DIGEST…` and `docker manifest push --purge REFERENCE`. `mfl-lint inspect REFERENCE`
shows what could be read.

Source: OCI image-spec 1.1 descriptor.md, manifest.md, image-index.md, config.md and their JSON
schemas; RFC 8259.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.manifest import ProblemKind
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild, ways
from mfl_lint.rules._problems import problems_of

_ON_DISK: Final = ("# write it to the disk again, with the tool that made it or from a registry",)


@rule("MFL207", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.BYTES,), kinds=Kind)
def invalid_document(case: NodeCase) -> Iterator[Fault]:
    """Judge a document and its config."""
    node = case.node
    if node.look is not None and node.look.bounded:
        yield Fault(
            f"not followed: {node.look.detail or 'more than is looked at'}",
            ways(("list the images in one flat index", rebuild(case.parent, node))),
        )
    for what in problems_of(node, ProblemKind.INVALID):
        yield Fault(what, rebuild(case.parent, node), fix_on_disk=_ON_DISK)
