"""What a tag consists of, row by row. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from mfl_lint.core.manifest import Descriptor, Document, Form
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.records import Entry
from mfl_lint.report.inspect import attestation_kinds
from mfl_lint.web.items import EntryItem

_MAX_ANNOTATIONS: Final = 50
_MAX_TEXT: Final = 500
_ATTESTED: Final = "vnd.docker.reference.digest"


def entries_of(root: Node) -> tuple[EntryItem, ...]:
    """Return the entries of an index, nested ones below theirs; a lone image is its own."""
    if not root.is_index:
        return (_item(root, "0", 0),)
    return tuple(_below(root, "", 0))


def stored_entries(entries: Iterable[Entry]) -> tuple[EntryItem, ...]:
    """Return the entries where their documents are not at hand."""
    listed = tuple(entries)
    paths = _paths((entry.descriptor.digest, str(entry.position)) for entry in listed)
    return tuple(
        msgspec.structs.replace(
            _listed(entry.descriptor, str(entry.position), 0, entry.kind, entry.look or ""),
            attests=_attested(entry.descriptor, paths),
        )
        for entry in listed
    )


def is_attachment(entry: EntryItem) -> bool:
    """Say whether an entry only accompanies the images: nobody runs it."""
    return entry.kind == Kind.ATTESTATION


def bounded_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Return as many annotations, and as much of them, as a page can hold."""
    return {
        _cut(name): _cut(annotations[name])
        for name in sorted(annotations, key=str)[:_MAX_ANNOTATIONS]
    }


def parse_created(text: str) -> datetime | None:
    """Return an RFC 3339 time in UTC, None where the text is none."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _below(index: Node, prefix: str, depth: int) -> Iterator[EntryItem]:
    paths = _paths((child.entry.digest, f"{prefix}{child.position}") for child in index.children)
    for child in index.children:
        path = f"{prefix}{child.position}"
        item = _item(child, path, depth)
        if is_attachment(item):
            said = tuple(map(_cut, attestation_kinds(child)))
            item = msgspec.structs.replace(item, attests=_attested(child.entry, paths), says=said)
        yield item
        yield from _below(child, f"{path}.", depth + 1)


def _paths(places: Iterable[tuple[str | None, str]]) -> dict[str, str]:
    """Return the path of each digest: the first of those that are listed twice."""
    found: dict[str, str] = {}
    for digest, path in places:
        if digest is not None:
            found.setdefault(digest, path)
    return found


def _attested(entry: Descriptor, paths: Mapping[str, str]) -> str | None:
    """Return the path of the entry that an attestation speaks of."""
    return paths.get(entry.annotations.get(_ATTESTED, ""))


def _item(node: Node, path: str, depth: int) -> EntryItem:
    config, document = node.config, node.document
    listed = _listed(node.entry, path, depth, node.kind, node.look.state if node.look else "")
    configured = str(config.platform) if config and not config.platform.is_empty else ""
    is_manifest = document is not None and document.form is Form.MANIFEST
    return msgspec.structs.replace(
        listed,
        configured=_cut(configured),
        contradicts=_contradicts(node),
        detail=node.look.detail if node.look else "",
        layers=len(document.layers) if document and is_manifest else None,
        size_bytes=_download(document) if document and is_manifest else listed.size_bytes,
        created_at=parse_created(config.created) if config else None,
    )


def _listed(entry: Descriptor, path: str, depth: int, kind: str, look: str) -> EntryItem:
    """Return what the index alone says of an entry."""
    platform = entry.platform
    return EntryItem(
        path=path,
        depth=depth,
        kind=str(kind),
        media_type=_cut(entry.media_type),
        digest=entry.digest,
        platform=_cut(platform.full) if platform and not platform.is_empty else "",
        configured="",
        contradicts=False,
        look=str(look),
        detail="",
        size_bytes=entry.size_bytes,
        layers=None,
        created_at=None,
        annotations=bounded_annotations(entry.annotations),
    )


def _download(manifest: Document) -> int | None:
    """Return what a pull downloads, None where a size is not said."""
    parts = (manifest.config, *manifest.layers)
    sizes = [part.size_bytes for part in parts if part is not None]
    known = [size for size in sizes if size is not None]
    return sum(known) if len(known) == len(sizes) else None


def _contradicts(node: Node) -> bool:
    """Say whether entry and config name another os or architecture."""
    said, built = node.entry.platform, node.config.platform if node.config else None
    if said is None or built is None or node.kind is not Kind.IMAGE:
        return False
    one, other = said.normalized(), built.normalized()
    return (one.os, one.architecture) != (other.os, other.architecture)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 1]}…"
