"""Bytes in, documents out: what a registry served, read as far as it can be read.

Nothing here raises for any bytes. The form is decided as moby and containerd decide it: by the
document's own mediaType, then by the type it was served as, then by its fields; and fields of
another form than the one decided make it ambiguous (CVE-2021-41190).
Source: OCI image-spec 1.1 manifest.md, image-index.md, image-layout.md; Docker image manifest
version 2, schemas 1 and 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from mfl_lint.core.config_document import read_config, read_whole_config
from mfl_lint.core.descriptor import read_descriptor, read_descriptors
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.json_text import load_object
from mfl_lint.core.manifest import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    SCHEMA1_TYPES,
    Descriptor,
    Document,
    Form,
    ImageConfig,
    Problem,
)
from mfl_lint.core.platform import Platform
from mfl_lint.core.problems import Problems
from mfl_lint.core.regular import regular_document
from mfl_lint.core.validate import MAX_NAME, Fields, read_annotations, read_media_type

OCI_ARTIFACT: Final = "application/vnd.oci.artifact.manifest.v1+json"
LAYOUT_VERSION: Final = "1.0.0"

_FORMS: Final[Mapping[str, Form]] = {
    **dict.fromkeys(INDEX_TYPES, Form.INDEX),
    **dict.fromkeys(MANIFEST_TYPES, Form.MANIFEST),
    **dict.fromkeys(SCHEMA1_TYPES, Form.SCHEMA1),
    OCI_ARTIFACT: Form.MANIFEST,
}
_FOREIGN: Final[Mapping[Form, tuple[str, ...]]] = {
    Form.INDEX: ("config", "layers", "fsLayers", "history"),
    Form.MANIFEST: ("manifests", "fsLayers", "history"),
    Form.SCHEMA1: ("manifests", "config", "layers"),
}


@lru_cache(maxsize=256)
def clean_media_type(text: str) -> str:
    """Return a media type to compare by: without parameters, lower case, bounded."""
    bare = text.partition(";")[0].strip().lower()[:MAX_NAME]
    return bare.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def form_of_type(media_type: str) -> Form | None:
    """Return the form that a media type stands for, None where it stands for none of them."""
    return _FORMS.get(clean_media_type(media_type))


def parse_document(raw: bytes, served_type: str, digest: Digest | None = None) -> Document:
    """Return the document that `raw` is; without a `digest` the bytes are hashed (sha256).

    `served_type` is the Content-Type, or the descriptor's media type on disk. What is not JSON,
    no object, or neither index nor manifest is UNREADABLE and has a problem that says so.
    """
    digest = digest or digest_of(raw)
    served = clean_media_type(served_type)
    return regular_document(raw, digest, served) or detailed_document(raw, digest, served)


def detailed_document(raw: bytes, digest: Digest, served: str) -> Document:
    """Return the same, read field by field. `served` is a clean media type."""
    problems = Problems()
    fields = load_object(raw, problems)
    if fields is None:
        return Document(raw, digest, served, Form.UNREADABLE, problems=problems.kept())
    media_type = read_media_type(fields, "mediaType", "", problems)
    form = form_of_type(media_type) or form_of_type(served) or _form_of_fields(fields)
    _check_form(fields, form, problems)
    entries, config, layers = _descriptors(fields, form, media_type, problems)
    subject = fields.get("subject")
    return Document(
        raw,
        digest,
        served,
        form,
        media_type,
        read_media_type(fields, "artifactType", "", problems),
        entries,
        config,
        layers,
        None if subject is None else read_descriptor(subject, "subject", problems),
        read_annotations(fields, "", problems),
        problems.kept(),
    )


def _form_of_fields(fields: Fields) -> Form:
    if "manifests" in fields:
        return Form.INDEX
    if "config" in fields or "layers" in fields:
        return Form.MANIFEST
    if "fsLayers" in fields or ("history" in fields and fields.get("schemaVersion") == 1):
        return Form.SCHEMA1
    return Form.UNREADABLE


def _check_form(fields: Fields, form: Form, problems: Problems) -> None:
    if form is Form.UNREADABLE:
        problems.invalid("", "neither index nor manifest: no manifests, config, layers, fsLayers")
        return
    if foreign := [key for key in _FOREIGN[form] if key in fields]:
        says = "an index" if form is Form.INDEX else "a manifest"
        problems.ambiguous(foreign[0], f"{says} must not have {' or '.join(foreign)}")


def _descriptors(
    fields: Fields, form: Form, media_type: str, problems: Problems
) -> tuple[tuple[Descriptor, ...], Descriptor | None, tuple[Descriptor, ...]]:
    """Return entries, config and layers."""
    if clean_media_type(media_type) == OCI_ARTIFACT:
        named = fields.get("blobs") is not None
        return (), None, read_descriptors(fields, "blobs", problems) if named else ()
    if form not in (Form.INDEX, Form.MANIFEST):
        return (), None, ()
    version = fields.get("schemaVersion")
    if version is None:
        problems.missing("", "schemaVersion")
    elif type(version) is not int or version != 2:
        problems.wrong("schemaVersion", version, "2")
    if form is Form.INDEX:
        return read_descriptors(fields, "manifests", problems), None, ()
    config = fields.get("config")
    if config is None:
        problems.missing("", "config")
    else:
        config = read_descriptor(config, "config", problems)
    return (), config, read_descriptors(fields, "layers", problems)


def parse_config(raw: bytes, digest: Digest) -> ImageConfig:
    """Return what an image's config says; an absent os or architecture is no problem here."""
    if (whole := read_whole_config(raw)) is not None:
        return ImageConfig(raw, digest, *whole)
    return detailed_config(raw, digest)


def detailed_config(raw: bytes, digest: Digest) -> ImageConfig:
    """Return the same, read field by field."""
    problems = Problems()
    fields = load_object(raw, problems)
    if fields is None:
        return ImageConfig(raw, digest, Platform(), problems=problems.kept())
    platform, created, diff_ids = read_config(fields, problems)
    return ImageConfig(raw, digest, platform, created, diff_ids, problems.kept())


def parse_layout(raw: bytes) -> tuple[Problem, ...]:
    """Return what is wrong with the bytes of an `oci-layout` file."""
    problems = Problems()
    fields = load_object(raw, problems)
    if fields is not None and fields.get("imageLayoutVersion") != LAYOUT_VERSION:
        version = fields.get("imageLayoutVersion")
        problems.wrong("imageLayoutVersion", version, f"{LAYOUT_VERSION!r}")
    return problems.kept()
