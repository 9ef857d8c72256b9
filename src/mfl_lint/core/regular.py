"""The quick way to read a document: at once, where nothing about it is out of the ordinary.

An index or a manifest that holds the usual fields only is decoded straight into its values. All
that could be wrong or unusual (another field or type, a repeated key, an escape) is left to the
detailed reading of `parse.py`, which says the same of what is read here.
Source: OCI image-spec 1.1 manifest.md, image-index.md, descriptor.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from mfl_lint.core.descriptor import RegularDescriptor, are_regular, descriptor_of
from mfl_lint.core.digest import Digest
from mfl_lint.core.json_text import is_all_of
from mfl_lint.core.manifest import INDEX_TYPES, MANIFEST_TYPES, MAX_ENTRIES, Document, Form
from mfl_lint.core.validate import Name

# What is larger is bounded in more ways than one.
_MAX_BYTES: Final = 64 * 1024

_Descriptors = Annotated[list[RegularDescriptor], Meta(min_length=1, max_length=MAX_ENTRIES)]


class _Regular(msgspec.Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    schema_version: Literal[2]
    media_type: Name
    annotations: dict[str, str] | None = None


class _Index(_Regular, kw_only=True):
    manifests: _Descriptors


class _Manifest(_Regular, kw_only=True):
    config: RegularDescriptor
    layers: _Descriptors


_AS_INDEX: Final = msgspec.json.Decoder(_Index)
_AS_MANIFEST: Final = msgspec.json.Decoder(_Manifest)


def regular_document(raw: bytes, digest: Digest, served: str) -> Document | None:
    """Return the document of these bytes, None where only a detailed reading tells.

    `served` is the clean media type that it was served as; another one in the document is
    nothing regular.
    """
    # A backslash is an escape: see `is_all_of`.
    if len(raw) > _MAX_BYTES or b"\\" in raw:
        return None
    try:
        if served in MANIFEST_TYPES:
            return _manifest(_AS_MANIFEST.decode(raw), raw, digest, served)
        if served in INDEX_TYPES:
            return _index(_AS_INDEX.decode(raw), raw, digest, served)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    return None


def _is_usual(found: _Regular, named: Sequence[RegularDescriptor], raw: bytes, served: str) -> bool:
    return found.media_type == served and is_all_of(raw, found) and are_regular(named)


def _manifest(found: _Manifest, raw: bytes, digest: Digest, served: str) -> Document | None:
    if not _is_usual(found, (found.config, *found.layers), raw, served):
        return None
    return Document(
        raw,
        digest,
        served,
        Form.MANIFEST,
        served,
        config=descriptor_of(found.config),
        layers=tuple(map(descriptor_of, found.layers)),
        annotations=found.annotations or {},
    )


def _index(found: _Index, raw: bytes, digest: Digest, served: str) -> Document | None:
    if not _is_usual(found, found.manifests, raw, served):
        return None
    return Document(
        raw,
        digest,
        served,
        Form.INDEX,
        served,
        entries=tuple(map(descriptor_of, found.manifests)),
        annotations=found.annotations or {},
    )
