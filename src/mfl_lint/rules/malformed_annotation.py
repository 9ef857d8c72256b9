"""A pre-defined annotation has a value that its own definition does not allow.

Judged are `org.opencontainers.image.created` (an RFC 3339 time), `url`, `source` and
`documentation` (a URL), `licenses` (an SPDX licence expression) and `base.digest` (a digest), on
the index, its entries and the images' manifests. Of licences only the expression's grammar is
judged, not whether SPDX lists them. An empty value counts as absent: build actions write it for
repositories without a licence.

Why: tools that read the annotation fail or show nonsense: a time that is none sorts wrongly,
`git@host:org/app.git` is no link, `Apache 2.0` is no licence that a scanner knows.

Fix: write it as the specification has it, `2026-03-01T12:00:00Z`, `https://host/org/app`,
`Apache-2.0 OR MIT`: `docker buildx imagetools create --annotation index:KEY=VALUE -t REFERENCE
REFERENCE`.

Source: OCI image-spec 1.1 annotations.md "Pre-Defined Annotation Keys"; RFC 3339 section 5.6; SPDX
specification 2.3, annex D.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.kind import judges_images
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._annotations import annotate_with
from mfl_lint.rules._predefined import definition, is_malformed


@rule(
    "MFL405",
    Severity.WARNING,
    Scope.DOCUMENT,
    needs=(Needs.INDEX, Needs.CHILDREN),
    kinds=(Kind.IMAGE, Kind.INDEX),
)
def malformed_annotation(case: NodeCase) -> Iterator[Fault]:
    """Judge the annotations of one document and of the entry that lists it."""
    node = case.node
    own = node.document.annotations if node.document is not None else {}
    if not own and not node.entry.annotations:
        return
    given = [*node.entry.annotations.items(), *own.items()]
    wrong = dict.fromkeys(item for item in given if is_malformed(*item))
    if not wrong:
        return
    images = judges_images(node)
    if images is None:
        raise NotObserved("no child was seen that tells whether these are images")
    for key, value in wrong if images else ():
        subject = f"{case.normal} {key}" if case.parent is not None else key
        fix = annotate_with(key, node, case.parent)
        yield Fault(f"{key} is {value[:200]!r}, not {definition(key)}", fix, subject=subject)
