"""A descriptor gives another size than the bytes have.

It is the size of a child in the index, or of the config in a manifest.

Why: clients check the size before the digest and refuse what differs: `failed size validation`
(containerd), `unexpected EOF`. Others reserve or read only as many bytes as the descriptor
promises, and then the digest does not match.

Fix: let a tool write the descriptors: for the index `docker manifest create REFERENCE
NAME@DIGEST…` and `docker manifest push --purge REFERENCE`; for a config `docker buildx build
--platform linux/amd64 -t REFERENCE --push .`. Sizes get wrong when documents are edited or
reformatted by hand.

Source: OCI image-spec 1.1 descriptor.md, "size".
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild, recreate


@rule("MFL204", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.BYTES,), kinds=Kind)
def size_mismatch(case: NodeCase) -> Iterator[Fault]:
    """Judge the sizes that lead to a document and to its config."""
    node, document = case.node, case.node.document
    if document is None:
        return
    said, real = node.entry.size_bytes, document.size_bytes
    if case.parent is not None and said is not None and said != real:
        yield Fault(
            f"the index says {said} bytes for {node.entry.digest}, it has {real}",
            recreate(case.parent),
        )
    if node.config is None or document.config is None:
        return
    said, real = document.config.size_bytes, len(node.config.raw)
    if said is not None and said != real:
        yield Fault(
            f"the manifest says {said} bytes for its config, it has {real}",
            rebuild(case.parent, node),
        )
