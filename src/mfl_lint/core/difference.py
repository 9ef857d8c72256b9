"""What is different between two looks, platform by platform. Pure.

Images are matched by their platform in its normal form; of equal ones the first with the first.
Nothing is said of what was not seen: then `unseen` says what was missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.json_text import load_object
from mfl_lint.core.manifest import Form, ImageConfig
from mfl_lint.core.observation import Kind, LookState, Node, Observation
from mfl_lint.core.problems import Problems

_ATTESTED: Final = "vnd.docker.reference.digest"
_MAX_SHOWN: Final = 300
_MAX_CHANGES: Final = 100


class Status(StrEnum):
    """What became of a platform from the first reference to the second."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


class Change(msgspec.Struct, frozen=True):
    """One thing that differs, each side as one bounded text; "" = not there."""

    field: str
    before: str
    after: str


class PlatformDifference(msgspec.Struct, frozen=True):
    """One platform on both sides; a digest is None where it is not there."""

    platform: str
    status: Status
    before: Digest | None
    after: Digest | None
    changes: tuple[Change, ...] = ()


class Difference(msgspec.Struct, frozen=True):
    """Two references compared. `changes` are those of the documents they lead to.

    `unseen` says, a line each, what could not be looked at.
    """

    platforms: tuple[PlatformDifference, ...]
    changes: tuple[Change, ...]
    unseen: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Say whether nothing differs in what was seen."""
        return not self.changes and all(item.status is Status.SAME for item in self.platforms)

    @property
    def same_platforms(self) -> bool:
        """Say whether each platform that was seen is on both sides."""
        one_sided = (Status.ADDED, Status.REMOVED)
        return not any(item.status in one_sided for item in self.platforms)


def difference(before: Observation, after: Observation) -> Difference:
    """Return what differs between two looks."""
    if before.root is None or after.root is None:
        return Difference((), (), tuple(_unseen(before, after)))
    one, other = _images(before.root), _images(after.root)
    one, other = _beside(one, other), _beside(other, one)
    compared = tuple(_compared(key, one.get(key), other.get(key)) for key in {**one, **other})
    changes = tuple(_document_changes(before.root, after.root))
    return Difference(compared, changes, tuple(_unseen(before, after)))


_Key = tuple[str, int]


class _Image(msgspec.Struct, frozen=True):
    node: Node
    attestations: tuple[str, ...]


def _images(root: Node) -> Mapping[_Key, _Image]:
    """Return the images by platform, numbered among equals."""
    found: dict[_Key, _Image] = {}
    attested = _attestations(root)
    for node in root.walk():
        if node.kind not in (Kind.IMAGE, Kind.UNDECIDED) or node.is_index:
            continue
        name = _platform(node)
        number = 0
        while (name, number) in found:
            number += 1
        digest = node.entry.digest or ""
        found[name, number] = _Image(node, tuple(sorted(attested.get(digest, ()))))
    return found


def _beside(images: Mapping[_Key, _Image], others: Mapping[_Key, _Image]) -> Mapping[_Key, _Image]:
    """Return a lone image under the name that a list gives it; a list's images as they are."""
    for key, lone in images.items():
        if _is_lone(lone):
            digest = lone.node.entry.digest
            listed = (name for name, one in others.items() if one.node.entry.digest == digest)
            return {next(listed, key): lone}
    return images


def _is_lone(image: _Image) -> bool:
    return image.node.position is None


def _platform(node: Node) -> str:
    said = node.entry.platform or (node.config.platform if node.config else None)
    return said.normalized().full if said is not None and not said.is_empty else ""


def _attestations(root: Node) -> Mapping[str, list[str]]:
    """Return the digests of attestations by that of the image they speak of."""
    found: dict[str, list[str]] = {}
    for node in root.walk():
        if node.kind is Kind.ATTESTATION and node.entry.digest is not None:
            image = node.entry.annotations.get(_ATTESTED, "")
            found.setdefault(image, []).append(node.entry.digest)
    return found


def _compared(key: _Key, one: _Image | None, other: _Image | None) -> PlatformDifference:
    before = one.node.entry.digest if one else None
    after = other.node.entry.digest if other else None
    if one is None or other is None:
        status = Status.ADDED if one is None else Status.REMOVED
        return PlatformDifference(key[0], status, before, after)
    changes = tuple(_changes(one, other))
    status = Status.CHANGED if changes or before != after else Status.SAME
    return PlatformDifference(key[0], status, before, after, changes[:_MAX_CHANGES])


def _changes(one: _Image, other: _Image) -> Iterator[Change]:
    before, after = one.node, other.node
    yield from _field("presence", _presence(before, after), _presence(after, before))
    # Of a lone image no list says anything.
    listed = not (_is_lone(one) or _is_lone(other))
    if listed:
        said = [x.entry.platform.full if x.entry.platform else "" for x in (before, after)]
        yield from _field("platform", *said)
    if before.entry.digest != after.entry.digest:
        yield from _content_changes(before, after)
    if listed:
        yield from _maps("annotations", before.entry.annotations, after.entry.annotations)
    yield from _field("attestations", *(", ".join(x.attestations) for x in (one, other)))


def _presence(node: Node, other: Node) -> str:
    """Return whether the image is there, "" unless that is known of both."""
    known = (LookState.VERIFIED, LookState.ABSENT)
    states = [item.look.state if item.look else None for item in (node, other)]
    return str(states[0]) if all(state in known for state in states) else ""


def _content_changes(before: Node, after: Node) -> Iterator[Change]:
    if before.document is not None and after.document is not None:
        one, other = before.document, after.document
        yield from _field("media type", one.media_type, other.media_type)
        yield from _field("layers", str(len(one.layers)), str(len(other.layers)))
        yield from _field("download bytes", *map(_download, (before, after)))
        yield from _maps("manifest annotations", one.annotations, other.annotations)
    if before.config is not None and after.config is not None:
        yield from _field("created", before.config.created, after.config.created)
        built = [item.config.platform.full for item in (before, after) if item.config]
        yield from _field("config platform", *built)
        yield from _maps("config", *map(_runtime, (before.config, after.config)))


def _download(node: Node) -> str:
    """Return how many bytes a pull downloads, "" where a size is not said."""
    document = node.document
    if document is None or document.form is not Form.MANIFEST:
        return ""
    sizes = [part.size_bytes for part in (document.config, *document.layers) if part is not None]
    known = [size for size in sizes if size is not None]
    return str(sum(known)) if len(known) == len(sizes) else ""


def _runtime(config: ImageConfig) -> Mapping[str, Any]:
    """Return the part of a config that says how the image runs."""
    fields = load_object(config.raw, Problems()) or {}
    runtime = fields.get("config")
    return runtime if isinstance(runtime, dict) else {}


def _document_changes(before: Node, after: Node) -> Iterator[Change]:
    yield from _field("digest", before.entry.digest or "", after.entry.digest or "")
    if before.document is None or after.document is None or not (before.is_index or after.is_index):
        return
    one, other = before.document, after.document
    types = [document.media_type or document.served_type for document in (one, other)]
    yield from _field("media type", *types)
    yield from _maps("annotations", one.annotations, other.annotations)


def _field(name: str, before: str, after: str) -> Iterator[Change]:
    if before != after:
        yield Change(name, _bounded(before), _bounded(after))


def _maps(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted({*before, *after}):
        one, other = before.get(key), after.get(key)
        if one != other:
            yield Change(_bounded(f"{name}.{key}"), _text(one), _text(other))


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return _bounded(value or "")
    return _bounded(json.dumps(value, ensure_ascii=False, default=str))


def _bounded(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _unseen(*observations: Observation) -> Iterator[str]:
    """Yield what was not seen: a look that tells nothing of the content."""
    for seen in observations:
        name = str(seen.reference)
        if seen.root is None:
            yield f"{name}: {seen.look.state}: {seen.look.detail}"
            continue
        for node in seen.root.walk():
            for look in (node.look, node.config_look):
                if look is not None and not look.conclusive:
                    yield f"{name} {_platform(node)}: {look.state}: {look.detail}"
