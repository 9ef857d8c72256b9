"""What counts as an image, an attestation, a blob or an artifact."""

from __future__ import annotations

import pytest

from mfl_lint.core.digest import Digest
from mfl_lint.core.kind import (
    decide_kind,
    is_attachment_tag,
    is_filesystem_layer,
    is_foreign_layer,
    judges_images,
)
from mfl_lint.core.manifest import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1,
    SCHEMA1_SIGNED,
    Descriptor,
    Document,
    Form,
)
from mfl_lint.core.observation import Kind, Node

D = Digest("sha256:" + "a" * 64)
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
IN_TOTO = "application/vnd.in-toto+json"
SIMPLESIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
HELM = "application/vnd.cncf.helm.config.v1+json"
ATTESTED = {"vnd.docker.reference.digest": D, "vnd.docker.reference.type": "attestation-manifest"}
ENTRY = Descriptor(OCI_MANIFEST, D, 7)


def manifest(config: str | None, *layers: str, artifact_type: str = "") -> Document:
    return Document(
        b"",
        D,
        OCI_MANIFEST,
        Form.MANIFEST,
        OCI_MANIFEST,
        artifact_type,
        config=None if config is None else Descriptor(config, D, 2),
        layers=tuple(Descriptor(layer, D, 1) for layer in layers),
    )


def index(*children: Node, artifact_type: str = "") -> Node:
    document = Document(b"", D, OCI_INDEX, Form.INDEX, OCI_INDEX, artifact_type)
    return Node(0, Descriptor(OCI_INDEX, D, 7), Kind.INDEX, document=document, children=children)


def leaf(kind: Kind) -> Node:
    return Node(0, ENTRY, kind)


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (manifest(OCI_CONFIG, LAYER), Kind.IMAGE),
        (manifest(DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LAYER), Kind.IMAGE),
        (manifest(OCI_CONFIG), Kind.IMAGE),
        (manifest(OCI_CONFIG, "application/x", LAYER), Kind.IMAGE),
        (manifest(OCI_CONFIG.upper() + "; a=b", LAYER), Kind.IMAGE),
        (manifest(OCI_CONFIG, LAYER, artifact_type=OCI_CONFIG), Kind.IMAGE),
        (manifest(OCI_CONFIG, LAYER, artifact_type="application/x"), Kind.ARTIFACT),
        (manifest(OCI_CONFIG, SIMPLESIGNING), Kind.ARTIFACT),
        (manifest(HELM, "application/vnd.cncf.helm.chart.content.v1.tar+gzip"), Kind.ARTIFACT),
        (manifest(HELM), Kind.ARTIFACT),
        (manifest(HELM, LAYER), Kind.ARTIFACT),
        (manifest(OCI_CONFIG, IN_TOTO, IN_TOTO), Kind.ATTESTATION),
        (manifest(OCI_CONFIG, IN_TOTO, artifact_type="application/x"), Kind.ATTESTATION),
        (manifest(OCI_CONFIG, IN_TOTO, LAYER), Kind.IMAGE),
        (manifest(None, LAYER), Kind.UNDECIDED),
        (manifest("", LAYER), Kind.UNDECIDED),
        (Document(b"", D, "", Form.INDEX), Kind.INDEX),
        (Document(b"", D, "", Form.SCHEMA1), Kind.IMAGE),
        (Document(b"", D, OCI_INDEX, Form.UNREADABLE), Kind.UNDECIDED),
        (
            Document(
                b"", D, "", Form.MANIFEST, "application/vnd.oci.artifact.manifest.v1+json", "a/b"
            ),
            Kind.ARTIFACT,
        ),
    ],
)
def test_a_seen_document_decides_its_kind(document: Document, kind: Kind) -> None:
    assert kind == decide_kind(ENTRY, document)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (ENTRY, Kind.UNDECIDED),
        (Descriptor(DOCKER_MANIFEST), Kind.UNDECIDED),
        (Descriptor(OCI_MANIFEST + "; charset=utf-8"), Kind.UNDECIDED),
        (Descriptor(""), Kind.UNDECIDED),
        (Descriptor(OCI_MANIFEST, artifact_type=OCI_CONFIG), Kind.UNDECIDED),
        (Descriptor(OCI_MANIFEST, artifact_type="application/x"), Kind.ARTIFACT),
        (Descriptor("application/vnd.oci.artifact.manifest.v1+json"), Kind.ARTIFACT),
        (Descriptor(OCI_INDEX), Kind.INDEX),
        (Descriptor(DOCKER_LIST.upper()), Kind.INDEX),
        (Descriptor(SCHEMA1), Kind.IMAGE),
        (Descriptor(SCHEMA1_SIGNED), Kind.IMAGE),
        (Descriptor(LAYER), Kind.BLOB),
        (Descriptor(LAYER, artifact_type="application/x"), Kind.BLOB),
        (Descriptor("application/xml"), Kind.BLOB),
        (Descriptor(OCI_MANIFEST, annotations=ATTESTED), Kind.ATTESTATION),
    ],
)
def test_an_entry_alone_decides_as_far_as_it_can(entry: Descriptor, kind: Kind) -> None:
    assert kind == decide_kind(entry, None)


def test_the_entrys_annotations_decide_over_an_unreadable_document() -> None:
    attested = Descriptor(OCI_MANIFEST, annotations=ATTESTED)
    unreadable = Document(b"x", D, "", Form.UNREADABLE)
    assert Kind.ATTESTATION == decide_kind(attested, unreadable)
    assert Kind.ATTESTATION == decide_kind(attested, manifest(OCI_CONFIG, LAYER))


def test_the_entrys_artifact_type_decides_over_an_images_document() -> None:
    soci = Descriptor(OCI_MANIFEST, artifact_type="application/vnd.amazon.soci.index.v2+json")
    assert Kind.ARTIFACT == decide_kind(soci, manifest(OCI_CONFIG, LAYER))


def test_only_layers_that_are_unpacked_belong_to_a_filesystem() -> None:
    oci, docker = "application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."
    yes = [
        *(oci + "v1.tar" + end for end in ("", "+gzip", "+zstd", "+encrypted", "+zstd+encrypted")),
        *(oci + "nondistributable.v1.tar" + end for end in ("", "+gzip", "+zstd")),
        *(docker + "diff.tar" + end for end in ("", ".gzip", ".zstd")),
        *(docker + "foreign.diff.tar" + end for end in ("", ".gzip")),
    ]
    no = [IN_TOTO, SIMPLESIGNING, "", oci + "v1.tar+xz", oci + "v1.tarx", "x" + oci + "v1.tar"]
    assert [True] * len(yes) == [is_filesystem_layer(media_type) for media_type in yes]
    assert [False] * len(no) == [is_filesystem_layer(media_type) for media_type in no]


@pytest.mark.parametrize(
    ("tag", "attached"),
    [
        ("sha256-" + "a" * 64, True),
        ("sha256-" + "0" * 64 + ".sig", True),
        ("sha256-" + "0" * 64 + ".att", True),
        ("sha256-" + "0" * 64 + ".sbom", True),
        ("sha256-" + "0" * 64 + ".anything-else_1", True),
        ("sha512-" + "0" * 64, True),
        ("sha256-" + "a" * 63, False),
        ("sha256-" + "a" * 65, False),
        ("sha256-" + "A" * 64, False),
        ("sha256-" + "a" * 64 + "\n", False),
        ("v1-sha256-" + "a" * 64, False),
        ("latest", False),
    ],
)
def test_tags_made_of_a_digest_are_attachments(tag: str, attached: bool) -> None:
    assert attached == is_attachment_tag(tag)


@pytest.mark.parametrize(
    ("root", "judged"),
    [
        (leaf(Kind.IMAGE), True),
        (leaf(Kind.ARTIFACT), False),
        (leaf(Kind.ATTESTATION), False),
        (leaf(Kind.UNDECIDED), None),
        (index(), True),
        (index(leaf(Kind.ATTESTATION)), True),
        (index(leaf(Kind.IMAGE), leaf(Kind.UNDECIDED), leaf(Kind.ARTIFACT)), True),
        (index(leaf(Kind.ARTIFACT), leaf(Kind.UNDECIDED)), None),
        (index(leaf(Kind.ARTIFACT), leaf(Kind.ATTESTATION)), False),
        (index(leaf(Kind.BLOB), leaf(Kind.BLOB)), False),
        (index(index(leaf(Kind.IMAGE)), leaf(Kind.ARTIFACT)), True),
        (index(index()), True),
        (index(leaf(Kind.INDEX), leaf(Kind.ARTIFACT)), None),
        (index(artifact_type="application/x"), False),
        (index(leaf(Kind.IMAGE), artifact_type="application/x"), True),
    ],
)
def test_a_tree_is_judged_as_an_image_where_it_holds_one_or_was_meant_to(
    root: Node, judged: bool | None
) -> None:
    assert judged is judges_images(root)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Descriptor("application/vnd.oci.image.layer.v1.tar+gzip"), False),
        (Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", urls=("https://x",)), True),
        (Descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), True),
        (Descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), True),
        (Descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip"), False),
    ],
)
def test_a_foreign_layer_is_fetched_from_elsewhere(layer: Descriptor, expected: bool) -> None:
    assert expected is is_foreign_layer(layer)
