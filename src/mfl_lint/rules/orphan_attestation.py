"""An attestation belongs to an image that is not in this index.

Its annotation `vnd.docker.reference.digest` names the digest of another entry of the same index;
none has it.

Why: whoever asks for the provenance or the SBOM of an image finds nothing, while the index looks
as if it had some. It happens when a list is put together from parts of several builds, or when a
platform was replaced and its attestation was not.

Fix: build image and attestation together: `docker buildx build --platform linux/amd64,linux/arm64
--provenance=true --sbom=true -t REFERENCE --push .`; or make the list anew without it: `docker
manifest create REFERENCE NAME@DIGEST…`, `docker manifest push --purge REFERENCE`.

Source: BuildKit, docs/attestations/attestation-storage.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import recreate, short

_REFERENCE: Final = "vnd.docker.reference.digest"


@rule("MFL109", Severity.WARNING, Scope.INDEX, needs=(Needs.INDEX,))
def orphan_attestation(case: NodeCase) -> Iterator[Fault]:
    """Judge the attestations of an index."""
    entries = case.node.children
    attestations = [node for node in entries if node.kind is Kind.ATTESTATION]
    if not attestations:
        return
    listed = {node.entry.digest for node in entries}
    for node in attestations:
        named = node.entry.annotations.get(_REFERENCE)
        if named is not None and named not in listed:
            yield Fault(
                f"the attestation {short(node.entry.digest)} belongs to {named[:100]},"
                " which is not in this index",
                recreate(case.node, without=node),
                node=node,
            )
