"""The OCI layout in a tar or tar.gz file, read where it lies: nothing is ever extracted.

One pass over the archive checks every member and notes where the files are (in a plain tar),
or keeps the small ones that can be documents (in a compressed one).
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec

from mfl_lint.core.errors import (
    BodyInvalid,
    ManifestInvalid,
    MflLintError,
    NotFound,
    Unreachable,
)
from mfl_lint.core.manifest import MAX_DOCUMENT_BYTES
from mfl_lint.registry.layout import Layout, open_regular
from mfl_lint.registry.streaming import Readable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_MEMBERS: Final = 20_000
MAX_KEPT_BYTES: Final = 64 * 1024 * 1024
# Names of blobs fit into one block. What is larger is an extended header, which some versions
# of tarfile take quadratic time for.
_MAX_HEADER_BYTES: Final = 4096
_MAX_HEADERS_BYTES: Final = 1024 * 1024
_INFLATED_BYTES: Final = 256 * 1024 * 1024
_INFLATED_RATIO: Final = 100
_CHUNK_BYTES: Final = 1024 * 1024
_BLOCK_BYTES: Final = 512
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_TAR: Final = b"ustar"
_TAR_OFFSET: Final = 257


class _Member(msgspec.Struct, frozen=True):
    """A regular file in the archive: where it starts, or its bytes where they were kept."""

    size_bytes: int
    offset: int
    kept: bytes | None = None


class ArchiveSource(Layout):
    """The OCI layout in a tar file, plain or compressed with gzip.

    The constructor reads the archive once, to its end if it is compressed. Raises
    ManifestInvalid for a file that cannot be read, for one that holds links, devices, FIFOs,
    names outside the archive or a name twice, and for one that is out of bounds.
    """

    def __init__(self, path: Path) -> None:
        with ExitStack() as opened:
            self._file = opened.enter_context(_open(path))
            self._path = path
            self._compressed = self._file.read(len(_GZIP)) == _GZIP
            self._members = _members(self._file, self._compressed, str(path))
            super().__init__(self._read_member, self._open_member, f"oci-archive:{path}")
            self._files = opened.pop_all()

    async def close(self) -> None:
        """Close the archive; nothing can be read from it afterwards."""
        self._files.close()

    def _open_member(self, name: str) -> AbstractContextManager[Readable]:
        """Return a member to be read from where it lies; in a compressed archive all before it
        is inflated once more, within the same bounds as at first.
        """
        member = self._member(name)
        whole = cast("BinaryIO", io.BufferedReader(_Anew(self._file), _CHUNK_BYTES))
        stream = _InflatedStream(whole, self._file) if self._compressed else _PlainStream(whole)
        return closing(_Part(stream, member))

    def _member(self, name: str) -> _Member:
        member = self._members.get(name)
        if member is None:
            raise NotFound(f"{name} is not in {self._path}")
        return member

    def _read_member(self, name: str, limit: int) -> bytes:
        member = self._member(name)
        if member.size_bytes > limit:
            raise BodyInvalid(f"{name} has more than {limit} bytes: not read")
        if member.kept is not None:
            return member.kept
        if self._compressed:
            raise BodyInvalid(
                f"{name} was not kept: it is a layer, or {self._path} holds more than "
                f"{MAX_KEPT_BYTES} bytes of documents (a tar without compression has no limit)"
            )
        try:
            raw = os.pread(self._file.fileno(), member.size_bytes, member.offset)
        except OSError as error:
            raise Unreachable(f"{name}: {error.strerror or 'it cannot be read'}") from error
        if len(raw) < member.size_bytes:
            raise BodyInvalid(f"{name} is cut: {self._path} became shorter")
        return raw


class _PlainStream:
    """What tarfile reads headers through: it never asks for much at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._room = _MAX_HEADERS_BYTES

    def read(self, size: int = -1) -> bytes:
        """Return a piece of the archive, a header at most."""
        self._room -= size if size > _BLOCK_BYTES else 0
        if not 0 <= size <= _MAX_HEADER_BYTES or self._room < 0:
            raise ManifestInvalid(f"a header of {size} bytes, or too many large ones: refused")
        return self.take(size)

    def take(self, size: int) -> bytes:
        """Return a piece of a member."""
        return self._file.read(size)

    def seek(self, to: int) -> int:
        """Go to an offset from the start."""
        return self._file.seek(to)

    def tell(self) -> int:
        """Return the offset from the start."""
        return self._file.tell()


class _InflatedStream(_PlainStream):
    """The same through gzip: forwards only, and no bomb is inflated to its end."""

    def __init__(self, file: BinaryIO, whole: BinaryIO | None = None) -> None:
        size = os.fstat((whole or file).fileno()).st_size
        self._limit = max(_INFLATED_BYTES, size * _INFLATED_RATIO)
        super().__init__(cast("BinaryIO", gzip.GzipFile(fileobj=file)))

    def take(self, size: int) -> bytes:
        raw = super().take(size)
        if self.tell() > self._limit:
            raise ManifestInvalid(f"it inflates to more than {self._limit} bytes: refused")
        return raw

    def seek(self, to: int) -> int:
        while self.tell() < to and self.take(min(_CHUNK_BYTES, to - self.tell())):
            pass
        return self.tell()


class _Anew(io.RawIOBase):
    """An open file from its start, whoever else reads it: it has a position of its own."""

    def __init__(self, file: BinaryIO) -> None:
        self._descriptor = file.fileno()
        self._position = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def seek(self, to: int, whence: int = 0, /) -> int:
        """Go to an offset from the start, the only `whence` that is needed."""
        self._position = to
        return to

    def tell(self) -> int:
        """Return the offset from the start."""
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read as much as there is, as the buffer holds at most."""
        view = memoryview(buffer)
        data = os.pread(self._descriptor, len(view), self._position)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


class _Part:
    """One member's bytes; the way to them is gone when they are first read."""

    def __init__(self, stream: _PlainStream, member: _Member) -> None:
        self._stream = stream
        self._member = member
        self._left = member.size_bytes

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; raise BodyInvalid where the archive cannot be read any more."""
        try:
            if self._left == self._member.size_bytes:
                self._stream.seek(self._member.offset)
            data = self._stream.take(min(size, self._left))
        except (OSError, EOFError, zlib.error, ManifestInvalid) as error:
            raise BodyInvalid(f"the archive cannot be read: {error}") from error
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Do nothing: the file stays open for others."""


def _open(path: Path) -> BinaryIO:
    try:
        return os.fdopen(open_regular(path), "rb")
    except BodyInvalid as error:
        raise ManifestInvalid(str(error)) from error
    except OSError as error:
        raise ManifestInvalid(f"{path}: {error.strerror or 'it cannot be read'}") from error


def _members(file: BinaryIO, compressed: bool, name: str) -> dict[str, _Member]:
    """Return the regular files of an archive by their names in it."""
    file.seek(0)
    try:
        stream = _InflatedStream(file) if compressed else _PlainStream(file)
        return _read_members(stream, compressed)
    except MflLintError as error:
        raise ManifestInvalid(f"{name}: {error}") from error
    except Exception as error:  # hostile bytes reach parsers that promise no set of exceptions
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise ManifestInvalid(f"{name} is neither a tar nor a tar.gz archive: {reason}") from error


def _read_members(stream: _PlainStream, compressed: bool) -> dict[str, _Member]:
    members: dict[str, _Member] = {}
    room = MAX_KEPT_BYTES
    with tarfile.open(fileobj=cast("BinaryIO", stream), mode="r:", encoding="utf-8") as tar:
        for info in _checked(tar):
            name = _plain_name(info.name)
            if info.isdir():
                continue
            if name in members:
                raise ManifestInvalid(f"{name[:200]!r} is in it twice: refused")
            kept = _keep(stream, info.size, room) if compressed else None
            room -= len(kept or b"")
            members[name] = _Member(info.size, info.offset_data, kept)
    return members


def _checked(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield each directory and regular file; anything else is refused."""
    end = -1
    for count, info in enumerate(iter(tar.next, None)):
        if count >= MAX_MEMBERS:
            raise ManifestInvalid(f"it has more than {MAX_MEMBERS} members: refused")
        if info.size < 0 or tar.offset <= end:
            raise ManifestInvalid(f"{info.name[:200]!r} has an impossible size: refused")
        if info.issparse() or not (info.isreg() or info.isdir()):
            raise ManifestInvalid(f"{info.name[:200]!r} is a link, a device or a hole: refused")
        end = tar.offset
        yield info


def _plain_name(name: str) -> str:
    parts = name.split("/")
    if name.startswith("/") or ".." in parts:
        raise ManifestInvalid(f"{name[:200]!r} is a path out of the archive: refused")
    return "/".join(part for part in parts if part not in ("", "."))


def _keep(stream: _PlainStream, size: int, room: int) -> bytes | None:
    """Return the bytes of the member that the stream stands at, None if it is no document."""
    if size > min(MAX_DOCUMENT_BYTES, room):
        return None
    start = stream.take(min(size, _BLOCK_BYTES))
    if start.startswith((_GZIP, _ZSTD)) or start[_TAR_OFFSET:].startswith(_TAR):
        return None
    raw = start + stream.take(size - len(start))
    if len(raw) < size:
        raise ManifestInvalid("it is cut")
    return raw
