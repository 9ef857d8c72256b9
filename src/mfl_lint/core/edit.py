"""Index in, new index out: what no step names stays as it was written, byte for byte.

Keys that nobody here knows, their order, annotations, artifactType, subject, attestations and
the spacing are kept, whoever wrote them: what is appended and removed again leaves the digest
that was there. Two things come back otherwise: the last entry's place, once it is removed, is
written `[]` (and so is `"manifests": null`), and an `annotations` that becomes empty goes.

What is new is written in the document's own style. A new docker list is written as `docker
manifest push` writes it (indented by three blanks), a new OCI index as manifest-tool writes it
(by two); `index_fields` has the order of their keys.

Source: OCI image-spec 1.1 image-index.md, descriptor.md; Docker image manifest version 2,
schema 2, "Manifest List".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from mfl_lint.core.errors import ManifestInvalid, Refused
from mfl_lint.core.index_fields import (
    DOCKER_ORDER,
    INDEX_ORDER,
    OCI_ORDER,
    PLATFORM_ORDER,
    descriptor_fields,
    place,
    platform_fields,
    put,
)
from mfl_lint.core.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MANIFEST_TYPES,
    OCI_INDEX,
    Descriptor,
    Document,
    Form,
    ProblemKind,
)
from mfl_lint.core.parse import clean_media_type, parse_document
from mfl_lint.core.platform import Platform
from mfl_lint.core.spaced import Container, Style, join, split, style_of, write
from mfl_lint.core.steps import (
    Add,
    Annotate,
    Drop,
    Repoint,
    SetAnnotations,
    SetMediaType,
    Step,
)

_NEW: Final = {DOCKER_LIST: Style("   ", colon=": "), OCI_INDEX: Style("  ", colon=": ")}
_ENTRY_DEPTH: Final = 2


class Edited(msgspec.Struct, frozen=True):
    """An index that can be changed. `served_type` is its media type in the registry."""

    root: Container
    style: Style
    served_type: str
    before: str = ""
    after: str = ""

    @property
    def media_type(self) -> str:
        """Return the type to push it as: its own field, else what it was served as."""
        document = self.document()
        return document.media_type or document.served_type or OCI_INDEX

    def document(self) -> Document:
        """Return what the bytes say as they are now."""
        return parse_document(encode(self), self.served_type)


def read(raw: bytes, served_type: str) -> Edited:
    """Return the index that `raw` is; raise ManifestInvalid where it is none to be changed.

    A document that two readers may read in two ways is refused: no change would cure it.
    """
    document = parse_document(raw, served_type)
    if document.form is not Form.INDEX:
        raise ManifestInvalid("not an index or manifest list, so there are no entries to change")
    for problem in document.problems:
        if problem.kind is ProblemKind.AMBIGUOUS:
            raise ManifestInvalid(f"not changed: {problem.where or 'index'}: {problem.message}")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ManifestInvalid("not changed: it is not UTF-8") from None
    bare = text.strip(" \t\n\r")
    before, _, after = text.partition(bare)
    root = split(bare)
    manifests = root.value("manifests")
    if manifests is not None and manifests[0] not in "[n":
        raise ManifestInvalid("not changed: its manifests are no array")
    return Edited(root, style_of(root), clean_media_type(served_type), before, after)


def new_index(media_type: str, steps: Sequence[Step]) -> Edited:
    """Return a new docker list or OCI index that consists of what the steps add."""
    style = _NEW[media_type]
    text = write({"schemaVersion": 2, "mediaType": media_type, "manifests": []}, style, 0)
    return apply(Edited(split(text), style, media_type), steps)


def form_for(media_types: Collection[str], asked: str = "") -> str:
    """Return the media type of a new index over children of these types.

    Raise Refused where they are mixed and nobody `asked` for one of the two.
    """
    if asked:
        return asked
    known = [clean_media_type(one) for one in media_types]
    docker = sum(one == DOCKER_MANIFEST for one in known)
    if docker and docker < sum(one in MANIFEST_TYPES for one in known):
        raise Refused(
            f"{docker} of the {len(known)} images are docker manifests and the others are OCI: say "
            "--oci or --docker; some engines and registries refuse such a list"
        )
    return DOCKER_LIST if docker else OCI_INDEX


def encode(edited: Edited) -> bytes:
    """Return the bytes of the index."""
    return f"{edited.before}{join(edited.root)}{edited.after}".encode("utf-8", "replace")


def apply(edited: Edited, steps: Iterable[Step]) -> Edited:
    """Return the index after all steps; raise ManifestInvalid where one cannot be taken."""
    work = _Work(edited)
    for step in steps:
        work.take(step)
    return work.result()


class _Work:
    """One index while steps are taken. Positions are those of the index as it was."""

    def __init__(self, edited: Edited) -> None:
        self._edited = edited
        self._style = edited.style
        self._root = edited.root
        text = edited.root.value("manifests")
        self._list = split(text if text and text[0] == "[" else "[]")
        self._dropped: set[int] = set()
        self._added: list[str] = []

    def take(self, step: Step) -> None:
        match step:
            case Annotate(position, platform):
                self._change(position, lambda entry: self._annotated(entry, platform))
            case Drop(position):
                self._entry(position)
                self._dropped.add(position)
            case Repoint(position, child):
                self._change(position, lambda entry: self._repointed(entry, child))
            case Add(child):
                fields = descriptor_fields(child, self._order())
                self._added.append(write(fields, self._style, _ENTRY_DEPTH))
            case SetMediaType(media_type):
                self._root = put(self._root, "mediaType", media_type, INDEX_ORDER, self._style, 1)
            case SetAnnotations(annotations, None):
                self._root = self._noted(self._root, annotations, INDEX_ORDER, 1)
            case SetAnnotations(annotations, int() as position):
                order, depth = self._order(), _ENTRY_DEPTH + 1
                self._change(position, lambda one: self._noted(one, annotations, order, depth))

    def result(self) -> Edited:
        """Return the index as the steps have left it."""
        entries = self._list
        for position in sorted(self._dropped, reverse=True):
            entries = entries.without(position)
        for text in self._added:
            entries = entries.having(len(entries.items), text, self._style, _ENTRY_DEPTH)
        if not (self._dropped or self._added or entries.items):
            return replace(self._edited, root=self._root)
        at = self._root.find("manifests")
        if at is None:
            where = place(self._root, "manifests", INDEX_ORDER)
            root = self._root.having(where, join(entries), self._style, 1, "manifests")
        else:
            root = self._root.with_value(at, join(entries))
        return replace(self._edited, root=root)

    def _entry(self, position: int) -> str:
        if not 0 <= position < len(self._list.items):
            raise ManifestInvalid(f"not changed: the index has no entry at position {position}")
        return self._list.items[position].value

    def _change(self, position: int, change: Callable[[Container], Container]) -> None:
        text = self._entry(position)
        if text[0] != "{":
            raise ManifestInvalid(f"not changed: manifests[{position}] is no object")
        self._list = self._list.with_value(position, join(change(split(text))))

    def _order(self) -> tuple[str, ...]:
        """Return the order of an entry's keys: that of those there, else of the list's type."""
        for item in self._list.items:
            entry = split(item.value) if item.value[0] == "{" else None
            size = entry.find("size") if entry else None
            digest = entry.find("digest") if entry else None
            if size is not None and digest is not None:
                return DOCKER_ORDER if size < digest else OCI_ORDER
        return DOCKER_ORDER if self._edited.served_type == DOCKER_LIST else OCI_ORDER

    def _annotated(self, entry: Container, platform: Platform) -> Container:
        """Return the entry with this platform; keys of the old one that are unknown stay."""
        text = entry.value("platform") or "{}"
        fields = split(text) if text[0] == "{" else split("{}")
        wanted = platform_fields(platform)
        depth = _ENTRY_DEPTH + 2
        for key in PLATFORM_ORDER:
            value = wanted.get(key)
            fields = put(fields, key, value, PLATFORM_ORDER, self._style, depth)
        return self._with(entry, "platform", fields if fields.items else None, self._order())

    def _repointed(self, entry: Container, child: Descriptor) -> Container:
        order = self._order()
        fields = descriptor_fields(replace(child, platform=None, annotations={}), order)
        for key in ("mediaType", "digest", "size", "artifactType", "urls", "data"):
            entry = put(entry, key, fields.get(key), order, self._style, _ENTRY_DEPTH + 1)
        return entry

    def _noted(
        self,
        holder: Container,
        annotations: Mapping[str, str | None],
        order: tuple[str, ...],
        depth: int,
    ) -> Container:
        text = holder.value("annotations") or "{}"
        fields = split(text) if text[0] == "{" else split("{}")
        for key, value in annotations.items():
            names = tuple(sorted({*(item.key for item in fields.items), key}))
            fields = put(fields, key, value, names, self._style, depth + 1)
        return self._with(holder, "annotations", fields if fields.items else None, order, depth)

    def _with(
        self,
        holder: Container,
        key: str,
        value: Container | None,
        order: tuple[str, ...],
        depth: int = _ENTRY_DEPTH + 1,
    ) -> Container:
        at = holder.find(key)
        if value is None:
            return holder if at is None else holder.without(at)
        if at is not None:
            return holder.with_value(at, join(value))
        return holder.having(place(holder, key, order), join(value), self._style, depth, key)
