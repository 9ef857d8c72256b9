"""The bytes that the registry serves are not those that the digest stands for.

Two answers in full length were hashed, and both have another digest than the one they were asked
for by.

Why: this is what digests exist to prevent: the content was changed or damaged on the way or in
the registry's storage. Engines refuse it with `manifest verification failed for digest` or
`unexpected commit digest`; a client that does not verify runs what nobody published.

Fix: do not use the image. Look for a proxy or a cache between you and the registry that rewrites
manifests, and for damaged storage; then push the image again from where it was built: `docker
buildx build --platform linux/amd64,linux/arm64 -t REFERENCE --push .`.

Source: OCI image-spec 1.1 descriptor.md, "Verification".
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild, ways


@rule("MFL203", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.BYTES,), kinds=Kind)
def digest_mismatch(case: NodeCase) -> Iterator[Fault]:
    """Judge the bytes of a document and of its config."""
    node, document = case.node, case.node.document
    if node.look is not None and node.look.mismatch is not None:
        yield _fault(case, "the manifest", node.entry.digest, node.look.mismatch)
    if node.config_look is not None and node.config_look.mismatch is not None:
        wanted = document.config.digest if document and document.config else None
        yield _fault(case, "the config", wanted, node.config_look.mismatch)


def _fault(case: NodeCase, what: str, wanted: Digest | None, got: Digest) -> Fault:
    first = "do not use it, find what changes it, then push it again"
    return Fault(
        f"{what} {wanted} has bytes that hash to {got}",
        ways((first, rebuild(case.parent, case.node))),
    )
