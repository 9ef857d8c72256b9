"""The index lists no image.

It has no entries, or attestations only.

Why: every pull fails with `no matching manifest for linux/amd64 in the manifest list entries`.
It is what is left when a cleanup removed the images, or when a pipeline pushed the list before
its images were built.

Fix: build and push the images with the list: `docker buildx build --platform
linux/amd64,linux/arm64 -t REFERENCE --push .`; or make the list from images that are there:
`docker manifest create REFERENCE NAME@DIGEST…`, `docker manifest push --purge REFERENCE`.

Source: OCI image-spec 1.1 image-index.md, "manifests" (it may be empty; nothing can be run then).
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import build


@rule("MFL211", Severity.ERROR, Scope.INDEX, needs=(Needs.INDEX,))
def empty_index(case: NodeCase) -> Iterator[Fault]:
    """Judge what an index lists."""
    entries = case.node.children
    if not entries and case.node.document is not None and case.node.document.entries:
        return
    if all(node.kind is Kind.ATTESTATION for node in entries):
        count = len(entries)
        what = f"only {count} attestation{'s' if count > 1 else ''}" if entries else "no entries"
        yield Fault(f"the index has {what}", build(()))
