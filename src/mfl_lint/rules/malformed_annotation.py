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

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from mfl_lint.core.config_document import RFC3339
from mfl_lint.core.digest import is_digest
from mfl_lint.core.errors import NotObserved
from mfl_lint.core.kind import judges_images
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._annotations import annotate_with
from mfl_lint.rules._licences import is_licence_expression

_PREFIX: Final = "org.opencontainers.image."
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]\S*")
_LONGEST: Final = 4096


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
    wrong = dict.fromkeys(item for item in given if _is_wrong(*item))
    if not wrong:
        return
    images = judges_images(node)
    if images is None:
        raise NotObserved("no child was seen that tells whether these are images")
    for key, value in wrong if images else ():
        meant = _DEFINED[key][1]
        subject = f"{case.normal} {key}" if case.parent is not None else key
        fix = annotate_with(key, node, case.parent)
        yield Fault(f"{key} is {value[:200]!r}, not {meant}", fix, subject=subject)


def _is_wrong(key: str, value: str) -> bool:
    if key not in _DEFINED or not value.strip():
        return False
    return len(value) > _LONGEST or not _DEFINED[key][0](value)


def _is_time(value: str) -> bool:
    return RFC3339.fullmatch(value.upper()) is not None


def _is_url(value: str) -> bool:
    return _URL.fullmatch(value) is not None


_A_URL: Final = (_is_url, "a URL")
_DEFINED: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    f"{_PREFIX}created": (_is_time, "an RFC 3339 time"),
    f"{_PREFIX}url": _A_URL,
    f"{_PREFIX}source": _A_URL,
    f"{_PREFIX}documentation": _A_URL,
    f"{_PREFIX}licenses": (is_licence_expression, "an SPDX licence expression"),
    f"{_PREFIX}base.digest": (is_digest, "a digest"),
}
