"""An OCI layout as a source, and the layout in a directory on disk.

Nothing is followed that the layout names: digests are matched in full before they become
paths, links are refused at every step below the directory, and only regular files are read,
opened so that a FIFO cannot block. Source: OCI image-spec 1.1, image-layout.md.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest, digest_of, is_digest
from mfl_lint.core.errors import (
    BodyInvalid,
    Denied,
    DigestMismatch,
    ManifestInvalid,
    NotFound,
    RegistryError,
    Unreachable,
)
from mfl_lint.core.manifest import MAX_DOCUMENT_BYTES, OCI_INDEX, Descriptor, Document, Form
from mfl_lint.core.parse import parse_document, parse_layout
from mfl_lint.core.reference import Reference, is_tag
from mfl_lint.registry.source import Head, Listing
from mfl_lint.registry.streaming import Intake, Readable, Take, stream_file

Read = Callable[[str, int], bytes]
Open = Callable[[str], AbstractContextManager[Readable]]

REF_NAME: Final = "org.opencontainers.image.ref.name"
CONTAINERD_NAME: Final = "io.containerd.image.name"

_REFUSED: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR})
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class LayoutEntry(msgspec.Struct, frozen=True):
    """One entry of a layout's `index.json`; `tag` is None where it has no name."""

    tag: str | None
    descriptor: Descriptor


class Layout:
    """An OCI layout, whatever holds its files: a Source of one repository, without a name.

    `read` takes a path inside the layout and a limit in bytes; it returns the whole file and
    raises NotFound where there is none, another RegistryError where it cannot be read. `opened`
    takes a path too, for a file that is too large to be held; so it raises. `name` is what people
    call the layout, `oci:DIR`. Raises ManifestInvalid if it is no layout.
    """

    def __init__(self, read: Read, opened: Open, name: str) -> None:
        self._read = read
        self._opened = opened
        self._name = name
        _check_version(self._control_file("oci-layout"), name)
        index = parse_document(self._control_file("index.json"), OCI_INDEX)
        _check_index(index, name)
        self._entries = tuple(LayoutEntry(_tag_of(x), x) for x in index.entries)
        self._by_tag: dict[str, Descriptor] = {}
        self._types: dict[Digest, str] = {}
        for entry in self._entries:
            if entry.tag is not None:
                self._by_tag.setdefault(entry.tag, entry.descriptor)
            if entry.descriptor.digest is not None:
                self._types.setdefault(entry.descriptor.digest, entry.descriptor.media_type)

    def descriptors(self) -> tuple[LayoutEntry, ...]:
        """Return all entries of `index.json`, in its order."""
        return self._entries

    def references(self, tag: str | None = None) -> tuple[Reference, ...]:
        """Return how to ask for each entry, by tag or else by digest; or for one tag only.

        The layout's name stands for the registry; the repository has none, "", so that no rule
        judges a path on disk. An entry whose tag an earlier one has too is asked for by digest.
        A tag that is not there is returned all the same: looking at it ends in absent. Raises
        ManifestInvalid where an entry has neither a tag of its own nor a usable digest.
        """
        if tag is not None:
            return (Reference(self._name, "", tag),)
        return tuple(dict.fromkeys(self._every_reference()))

    async def head(self, repository: str, target: str) -> Head:
        """Return what the tag or digest is; NotFound where its blob is not there."""
        digest, media_type = self._find(target)
        raw = self._read(_blob_path(digest), MAX_DOCUMENT_BYTES)
        return Head(digest, media_type, len(raw))

    async def document(self, repository: str, target: str, media_type: str = "") -> Document:
        """Return the verified document; its served type is the one of its descriptor."""
        digest, listed = self._find(target)
        raw = self._verified(digest, MAX_DOCUMENT_BYTES)
        return parse_document(raw, media_type or listed, digest)

    async def blob(self, repository: str, digest: Digest, limit: int) -> bytes:
        """Return the verified bytes of a blob; BodyInvalid above `limit` bytes."""
        return self._verified(digest, limit)

    async def stream(self, repository: str, digest: Digest, take: Take, limit: int) -> None:
        """Hand a large blob to `take` and verify it; nothing is extracted."""
        path = _blob_path(digest)
        await stream_file(partial(self._opened, path), path, Intake(digest, take, limit))

    async def check_blob(self, repository: str, digest: Digest) -> None:
        """Raise NotFound where there is no such file; one that is too large to be read is there."""
        with suppress(BodyInvalid):
            self._read(_blob_path(digest), 0)

    async def tags(self, repository: str) -> Listing:
        """Return the tags, in the order of `index.json`."""
        return Listing(tuple(self._by_tag))

    async def repositories(self) -> Listing:
        """Return nothing: a layout holds one repository, and not its name."""
        return Listing(())

    async def close(self) -> None:
        """Do nothing: no file stays open."""

    def _control_file(self, path: str) -> bytes:
        try:
            return self._read(path, MAX_DOCUMENT_BYTES)
        except RegistryError as error:
            raise ManifestInvalid(f"{self._name} is not a usable OCI layout: {error}") from error

    def _every_reference(self) -> Iterator[Reference]:
        for at, (tag, descriptor) in enumerate((x.tag, x.descriptor) for x in self._entries):
            if tag is not None and self._by_tag[tag] is descriptor:
                yield Reference(self._name, "", tag)
            elif descriptor.digest is not None:
                yield Reference(self._name, "", None, descriptor.digest)
            else:
                raise ManifestInvalid(
                    f"{self._name}: index.json: manifests[{at}] has neither a tag of its own nor "
                    "a usable digest; name a tag to look at that one only"
                )

    def _find(self, target: str) -> tuple[Digest, str]:
        if is_digest(target):
            digest = Digest(target)
            return digest, self._types.get(digest, "")
        descriptor = self._by_tag.get(target)
        if descriptor is None:
            raise NotFound(f"{self._name} has no tag {target[:128]!r}")
        if descriptor.digest is None:
            raise BodyInvalid(f"{self._name}: the entry of {target!r} has no usable digest")
        return descriptor.digest, descriptor.media_type

    def _verified(self, digest: Digest, limit: int) -> bytes:
        raw = self._read(_blob_path(digest), limit)
        actual = digest_of(raw, digest.partition(":")[0])
        if actual != digest:
            raise DigestMismatch(f"the bytes of {digest} hash to {actual}", actual, digest)
        return raw


class LayoutSource(Layout):
    """The OCI layout in a directory. The directory itself may be a link: the user named it."""

    def __init__(self, path: Path) -> None:
        def read(inside: str, limit: int) -> bytes:
            return _read_below(path, inside, limit)

        def opened(inside: str) -> AbstractContextManager[Readable]:
            return os.fdopen(_descriptor_below(path, inside), "rb")

        super().__init__(read, opened, f"oci:{path}")


def open_regular(name: str | Path, directory: int | None = None) -> int:
    """Return a file descriptor to read a regular file by; what is none is a BodyInvalid.

    Below an open `directory` a link is refused; a path that the user named may be one. Never
    waits, whatever the path is. Raises OSError as `os.open` does.
    """
    flags = _FLAGS if directory is None else _FLAGS | os.O_NOFOLLOW
    descriptor = os.open(name, flags, dir_fd=directory)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise BodyInvalid(f"{name} is not a regular file: refused")
    return descriptor


def read_bounded(descriptor: int, name: str, limit: int) -> bytes:
    """Return all bytes of an open regular file and close it; BodyInvalid above `limit` bytes."""
    with os.fdopen(descriptor, "rb") as file:
        size = os.fstat(descriptor).st_size
        raw = file.read(size + 1) if size <= limit else b""
    if size > limit or len(raw) > limit:
        raise BodyInvalid(f"{name} has more than {limit} bytes: not read")
    return raw


def _check_version(raw: bytes, name: str) -> None:
    for problem in parse_layout(raw):
        raise ManifestInvalid(f"{name}: oci-layout: {problem.where}: {problem.message}")


def _check_index(index: Document, name: str) -> None:
    # Entries that are unread because there are too many must not be passed over in silence.
    whole = [problem for problem in index.problems if problem.where in ("", "manifests")]
    if index.form is not Form.INDEX or any(problem.where == "manifests" for problem in whole):
        detail = whole[0].message if whole else f"it is a {index.form}"
        raise ManifestInvalid(f"{name}: index.json cannot be used: {detail}")


def _blob_path(digest: Digest) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"


def _tag_of(entry: Descriptor) -> str | None:
    """Return the tag in an entry's name, which may be a tag alone or a full reference."""
    for key in (REF_NAME, CONTAINERD_NAME):
        name = entry.annotations.get(key, "").partition("@")[0]
        if is_tag(name):
            return name
        _, colon, tag = name.rpartition("/")[2].rpartition(":")
        if colon and is_tag(tag):
            return tag
    return None


def _read_below(directory: Path, inside: str, limit: int) -> bytes:
    """Return the bytes of a file below a directory; every failure is a RegistryError."""
    try:
        return read_bounded(_descriptor_below(directory, inside), inside, limit)
    except OSError as error:
        raise _failure(inside, error) from error


def _descriptor_below(directory: Path, inside: str) -> int:
    """Return a descriptor of a file below a directory; every failure is a RegistryError."""
    try:
        root = os.open(directory, _FLAGS | os.O_DIRECTORY)
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
        raise Unreachable(f"{directory}: {reason}") from error
    try:
        return _open_below(root, inside)
    except OSError as error:
        raise _failure(inside, error) from error


def _open_below(root: int, inside: str) -> int:
    """Return a file descriptor of the file; `root` is closed, whatever happens."""
    *parents, name = inside.split("/")
    at = root
    try:
        for parent in parents:
            below = os.open(parent, _FLAGS | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = below
        return open_regular(name, at)
    finally:
        os.close(at)


def _failure(inside: str, error: OSError) -> RegistryError:
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{inside} is not there")
    if isinstance(error, PermissionError):
        return Denied(f"{inside}: permission denied")
    if error.errno in _REFUSED:
        return BodyInvalid(f"{inside} is a link, or not a regular file in a directory: refused")
    return Unreachable(f"{inside}: {error.strerror or 'it cannot be read'}")
