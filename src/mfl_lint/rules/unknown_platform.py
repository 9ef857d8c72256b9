"""An image is listed for the platform `unknown/unknown`.

BuildKit marks its attestations with `unknown/unknown` and an annotation that names the image
they belong to; those are no images and are not meant here. This entry is an image.

Why: no engine ever selects it: `no matching manifest for linux/amd64 in the manifest list
entries`. It stays invisible until somebody needs exactly that image.

Fix: give the entry its platform: `docker manifest create REFERENCE NAME@DIGEST…`, `docker manifest
annotate --os linux --arch amd64 REFERENCE NAME@DIGEST`, `docker manifest push --purge REFERENCE`.
If it is meant to be an attestation, build again with a current BuildKit: `docker buildx build
--platform linux/amd64,linux/arm64 --provenance=true -t REFERENCE --push .`.

Source: BuildKit, docs/attestations/attestation-storage.md; OCI image-spec 1.1 image-index.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import annotate, recreate, short


@rule("MFL108", Severity.WARNING, Scope.ENTRY, needs=(Needs.INDEX, Needs.CHILDREN))
def unknown_platform(case: NodeCase) -> Iterator[Fault]:
    """Judge an image's entry."""
    node, said = case.node, case.node.entry.platform
    if said is None or case.parent is None or not said.is_unknown:
        return
    built = node.config.platform if node.config is not None else None
    knows = built is not None and built.os and built.architecture and not built.is_unknown
    message = f"the image {short(node.entry.digest)} is listed as {said}, without the annotation"
    message += " of an attestation"
    if built is not None and knows:
        fix = annotate(case.parent, node, built.normalized())
        yield Fault(f"{message}; its config says {built}", fix)
    else:
        yield Fault(message, recreate(case.parent, without=node))
