"""Documents as registries serve them: raw bytes, and a lenient typed view beside them.

A document that breaks the specification is not an exception: the view holds what could be
read, `problems` says what could not, and the rules turn problems into findings.
Source: OCI image-spec 1.1 (manifest.md, image-index.md, config.md, descriptor.md); Docker
image manifest version 2, schema 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.platform import Platform

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
SCHEMA1: Final = "application/vnd.docker.distribution.manifest.v1+json"
SCHEMA1_SIGNED: Final = "application/vnd.docker.distribution.manifest.v1+prettyjws"

INDEX_TYPES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFEST_TYPES: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
SCHEMA1_TYPES: Final = frozenset({SCHEMA1, SCHEMA1_SIGNED})
CONFIG_TYPES: Final = frozenset({OCI_CONFIG, DOCKER_CONFIG})

MAX_DOCUMENT_BYTES: Final = 8 * 1024 * 1024
MAX_ENTRIES: Final = 1000
_EARLIEST: Final = datetime(1981, 1, 1, tzinfo=UTC)


class Form(StrEnum):
    """What shape a document has, whatever it calls itself."""

    INDEX = "index"
    MANIFEST = "manifest"
    SCHEMA1 = "schema1"
    UNREADABLE = "unreadable"


class ProblemKind(StrEnum):
    """Which rule a problem belongs to."""

    INVALID = "invalid"
    AMBIGUOUS = "ambiguous"


class Problem(msgspec.Struct, frozen=True, gc=False):
    """One breach of the specification. `where` is a path like `manifests[2].digest`, "" = whole."""

    kind: ProblemKind
    where: str
    message: str


class Descriptor(msgspec.Struct, frozen=True, gc=False):
    """What a document says of another one. None or "" stands for absent or unusable.

    `platform` is None when the entry has none; a present one keeps its exact spelling.
    `size_bytes` is None when absent, negative or no integer.
    """

    media_type: str = ""
    digest: Digest | None = None
    size_bytes: int | None = None
    platform: Platform | None = None
    annotations: Mapping[str, str] = {}
    artifact_type: str = ""
    urls: tuple[str, ...] = ()


class Document(msgspec.Struct, frozen=True, gc=False):
    """One manifest, index or schema 1 document.

    `raw` are the bytes that `digest` was computed over. `served_type` is the Content-Type (or
    the descriptor's media type on disk) without parameters, lower case, "" if none was given.
    `media_type` is the document's own field, "" if absent. `entries` are an index's
    `manifests`; `config` and `layers` are a manifest's.
    """

    raw: bytes
    digest: Digest
    served_type: str
    form: Form
    media_type: str = ""
    artifact_type: str = ""
    entries: tuple[Descriptor, ...] = ()
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = {}
    problems: tuple[Problem, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Return how many bytes the document has."""
        return len(self.raw)


class ImageConfig(msgspec.Struct, frozen=True, gc=False):
    """What an image's config says. Absent strings are "", an absent `diff_ids` is None."""

    raw: bytes
    digest: Digest
    platform: Platform
    created: str = ""
    diff_ids: int | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def created_at(self) -> datetime | None:
        """Return when the image was made, None where it does not say or no build can know."""
        try:
            created = datetime.fromisoformat(self.created)
        except ValueError:
            return None
        aware = created if created.tzinfo is not None else created.replace(tzinfo=UTC)
        return aware if aware >= _EARLIEST else None
