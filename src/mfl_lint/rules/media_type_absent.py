"""An index or manifest does not say what it is: it has no mediaType field.

Why: it is allowed, but then the Content-Type of the answer decides alone, and a copy that loses
it (a file on disk, an archive, a badly set up proxy) turns the document into a riddle: an OCI
index without images and an empty manifest look alike. Some registries refuse it on push.

Fix: current tools write the field: `docker buildx build --platform linux/amd64,linux/arm64 -t
REFERENCE --push .` for images, `docker manifest create REFERENCE NAME@DIGEST…` and `docker
manifest push --purge REFERENCE` for the index alone.

Source: OCI image-spec 1.1 manifest.md and image-index.md, "mediaType" (SHOULD be used).
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.manifest import Form
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild, recreate


@rule("MFL213", Severity.INFO, Scope.DOCUMENT, needs=(Needs.BYTES,), kinds=Kind)
def media_type_absent(case: NodeCase) -> Iterator[Fault]:
    """Judge whether a document names its own type."""
    document = case.node.document
    if document is None or document.media_type:
        return
    if document.form is Form.INDEX:
        yield Fault("the index has no mediaType of its own", recreate(case.node))
    elif document.form is Form.MANIFEST:
        yield Fault("the manifest has no mediaType of its own", rebuild(case.parent, case.node))
