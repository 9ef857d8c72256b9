"""The manifest is of the retired schema 1.

Why: it knows no platforms and no lists, is not verified by digest in the way later manifests are,
and current Docker and containerd do not pull it any more: `media type
"application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported`. Many
registries refuse to store or serve it.

Fix: convert it, `skopeo copy --format oci docker://REFERENCE docker://REFERENCE`, or build it
again: `docker buildx build --platform linux/amd64,linux/arm64 -t REFERENCE --push .`.

Source: Docker image manifest version 2, schema 1; Docker's list of deprecated features;
containerd, pull of schema 1 images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.manifest import Form
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import build, ways

_CONVERT: Final = "skopeo copy --format oci docker://{reference} docker://{reference}"


@rule("MFL210", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.BYTES,), kinds=Kind)
def schema1_manifest(case: NodeCase) -> Iterator[Fault]:
    """Judge a document's form."""
    document = case.node.document
    if document is not None and document.form is Form.SCHEMA1:
        name = document.media_type or document.served_type or "schema 1"
        yield Fault(
            f"the manifest is {name}, which current engines do not read",
            ways(("convert it", (_CONVERT,)), ("to build it again", build(()))),
        )
