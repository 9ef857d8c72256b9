"""Docker's and OCI's media types are mixed in one list or one image.

An OCI index that lists Docker manifests, or a Docker manifest list that lists OCI manifests, is a
warning; a Docker manifest with OCI layers is an error. Attestations do not count: they are OCI
documents wherever they are.

Why: the image-spec lets an OCI index list anything and Docker's format does not; registries and
old clients that know one of the two refuse the other half. A Docker manifest with OCI layers
cannot be pulled by Docker's classic store: `unsupported media type
application/vnd.oci.image.layer.v1.tar+gzip`.

Fix: build all of it in one format: `docker buildx build --platform linux/amd64,linux/arm64
--output type=registry,oci-mediatypes=true -t REFERENCE .`.

Source: OCI image-spec 1.1 image-index.md "manifests", media-types.md "Compatibility Matrix"; Docker
image manifest version 2, schema 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import Final

from mfl_lint.core.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Document,
)
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.parse import clean_media_type
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import build, listed, rebuild
from mfl_lint.rules._evidence import read_document

_OTHERS: Final = {
    OCI_INDEX: frozenset({DOCKER_MANIFEST, DOCKER_LIST}),
    DOCKER_LIST: frozenset({OCI_MANIFEST, OCI_INDEX}),
}
_NAMES: Final = {OCI_INDEX: ("an OCI index", "Docker"), DOCKER_LIST: ("a Docker list", "OCI")}
_OCI_LAYER: Final = "application/vnd.oci.image.layer."
_JUDGED: Final = frozenset({Kind.IMAGE, Kind.INDEX, Kind.UNDECIDED})


@rule("MFL208", Severity.WARNING, Scope.DOCUMENT, needs=(Needs.CHILDREN,), kinds=Kind)
def mixed_media_types(case: NodeCase) -> Iterator[Fault]:
    """Judge the types that an index lists, or those of a manifest's layers."""
    node, document = case.node, read_document(case.node)
    if document is None:
        return
    own = _type_of(document)
    if own in _OTHERS:
        yield from _foreign_children(node, own)
    elif own == DOCKER_MANIFEST:
        layers = [layer for layer in document.layers if _is_oci(layer)]
        if layers:
            yield Fault(
                f"a Docker manifest with {_counted(layers, 'OCI layer')}: {layers[0].media_type}",
                rebuild(case.parent, node),
                Severity.ERROR,
            )


def _type_of(document: Document) -> str:
    return clean_media_type(document.media_type or document.served_type)


def _counted(items: Sized, what: str) -> str:
    return f"{len(items)} {what}{'s' if len(items) > 1 else ''}"


def _is_oci(layer: Descriptor) -> bool:
    return clean_media_type(layer.media_type).startswith(_OCI_LAYER)


def _foreign_children(node: Node, own: str) -> Iterator[Fault]:
    """Yield one fault for all children of the other family."""
    foreign = [child for child in node.children if _is_foreign(child, own)]
    if not foreign:
        return
    what, other = _NAMES[own]
    known = [child.entry.platform for child in foreign if child.entry.platform is not None]
    names = f" ({listed(known)})" if known else ""
    every = [child.entry.platform for child in node.children if child.entry.platform is not None]
    yield Fault(
        f"{what} that lists {_counted(foreign, f'{other} manifest')}{names}",
        build((one.normalized() for one in every), " --output type=registry,oci-mediatypes=true"),
    )


def _is_foreign(child: Node, own: str) -> bool:
    own_type = _type_of(child.document) if child.document is not None else ""
    media_type = own_type or clean_media_type(child.entry.media_type)
    return child.kind in _JUDGED and media_type in _OTHERS[own]
