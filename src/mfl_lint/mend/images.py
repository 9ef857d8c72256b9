"""Images and lists in registries, as they become entries of a list."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotFound, Refused, RegistryError
from mfl_lint.core.kind import is_attestation_entry
from mfl_lint.core.manifest import MAX_DOCUMENT_BYTES, Descriptor, Document, Form
from mfl_lint.core.parse import parse_config
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference
from mfl_lint.mend.bringing import Child, Clients


class Found(msgspec.Struct, frozen=True):
    """What a reference names: the document, and where it lies (by digest)."""

    reference: Reference
    document: Document
    source: Reference

    @property
    def is_list(self) -> bool:
        """Say whether it is an index or manifest list."""
        return self.document.form is Form.INDEX


async def find(clients: Clients, reference: Reference) -> Found:
    """Return what a reference (untagged = latest) names now; a RegistryError names it too."""
    named = reference.with_default_tag()
    try:
        document = await clients(named.registry).document(named.repository, named.target)
    except NotFound as error:
        raise NotFound(f"no such manifest: {named.familiar}: {error}") from None
    except RegistryError as error:
        error.args = (f"{named.familiar}: {error}",)
        raise
    source = replace(named, tag=None, digest=document.digest)
    return Found(named, document, source)


async def as_child(clients: Clients, found: Found) -> Child:
    """Return an image as an entry: with the platform that its config says.

    Raise Refused for what is no image's manifest, with what would be one.
    """
    name, document = found.reference.familiar, found.document
    if found.is_list:
        raise Refused(f"{name} is a manifest list: --flatten takes its entries")
    if document.form is not Form.MANIFEST:
        raise Refused(f"{name} is no image manifest of today ({document.form}): push it again")
    media_type = document.media_type or document.served_type
    entry = Descriptor(media_type, document.digest, document.size_bytes)
    platform = await _platform(clients, found)
    return Child(replace(entry, platform=platform or None), found.source)


async def _platform(clients: Clients, found: Found) -> Platform | None:
    config = found.document.config
    if config is None or config.digest is None:
        return None
    try:
        raw = await clients(found.source.registry).blob(
            found.source.repository, config.digest, MAX_DOCUMENT_BYTES
        )
    except RegistryError as error:
        error.args = (f"{found.reference.familiar}: its config: {error}",)
        raise
    said = parse_config(raw, config.digest).platform
    return None if said.is_empty else said


def entries_of(found: Found) -> tuple[Child, ...]:
    """Return the entries of a list as they stand there, attestations last; Refused for no list."""
    if not found.is_list:
        raise Refused(f"{found.reference.familiar} is one image, not a list")
    entries = [entry for entry in found.document.entries if entry.digest is not None]
    ordered = sorted(entries, key=is_attestation_entry)
    return tuple(
        Child(entry, replace(found.source, digest=Digest(entry.digest or ""))) for entry in ordered
    )


async def offered(clients: Clients, found: Found) -> tuple[Descriptor, ...]:
    """Return the entries of a list, or the one that an image would be; none for what is neither."""
    if found.is_list:
        return found.document.entries
    try:
        return ((await as_child(clients, found)).entry,)
    except Refused:
        return ()
