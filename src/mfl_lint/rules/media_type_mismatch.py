"""What a document is called differs: by the index, by itself, or by the registry's Content-Type.

Parameters and capitals do not count. A document without its own mediaType disagrees with
nothing; a Content-Type that is absent or generic (`application/json`) is information only.

Why: a client that trusts one name parses the document as what it is not; containerd and Docker
refuse it (`mediaType in manifest should be … not …`), because one document with two meanings is
an attack: one reader sees an image, the other an index.

Fix: push the document again under its real type: `docker manifest create REFERENCE NAME@DIGEST…`
and `docker manifest push --purge REFERENCE` for an index, `docker buildx build --platform
linux/amd64 -t REFERENCE --push .` for an image. If only Content-Type is wrong, it is the registry
or a proxy in front of it that says so.

Source: OCI image-spec 1.1 manifest.md and image-index.md, "mediaType"; distribution-spec 1.1,
"Pulling manifests"; CVE-2021-41190.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.manifest import INDEX_TYPES, MANIFEST_TYPES, Document, Form
from mfl_lint.core.observation import Kind
from mfl_lint.core.parse import clean_media_type, form_of_type
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import Fix, rebuild, recreate
from mfl_lint.rules._evidence import read_document

_USUAL: Final = INDEX_TYPES | MANIFEST_TYPES
_GENERIC: Final = frozenset({"", "application/json", "application/octet-stream", "text/plain"})


@rule("MFL205", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.BYTES,), kinds=Kind)
def media_type_mismatch(case: NodeCase) -> Iterator[Fault]:
    """Judge the names that a document goes by."""
    document = read_document(case.node)
    if document is None:
        return
    listed = case.node.entry.media_type if case.parent is not None else ""
    own = document.media_type
    if own == document.served_type and own in _USUAL and (listed == own or case.parent is None):
        return
    names = [("the index", listed), ("the document", own)]
    if document.served_type not in _GENERIC:
        names.append(("Content-Type", document.served_type))
    said = [(who, clean_media_type(name)) for who, name in names if name]
    if len({name for _, name in said}) > 1:
        yield Fault(_sentence(said), _fix(case, document))
    elif said and not _fits(said[0][1], document):
        yield Fault(f"{_sentence(said)}, but it is {_article(document.form)}", _fix(case, document))
    elif document.served_type in _GENERIC:
        served = document.served_type or "no Content-Type"
        yield Fault(
            f"the registry serves {served} for {_article(document.form)}",
            ("# let the registry, or the proxy before it, send the media type of the manifest",),
            Severity.INFO,
        )


def _fits(name: str, document: Document) -> bool:
    form = form_of_type(name)
    return form is None or form is document.form


def _sentence(said: list[tuple[str, str]]) -> str:
    return ", ".join(f"{who} says {name}" for who, name in said)


def _article(form: Form) -> str:
    return "an index" if form is Form.INDEX else f"a {form}"


def _fix(case: NodeCase, document: Document) -> Fix:
    """Return a new list where only the index is wrong, else a new document."""
    own, served = clean_media_type(document.media_type), document.served_type
    if case.parent is not None and own and (served in _GENERIC or own == served):
        return recreate(case.parent)
    if document.form is Form.INDEX:
        return recreate(case.node)
    return rebuild(case.parent, case.node)
