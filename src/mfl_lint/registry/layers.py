"""Read a layer as it streams by: nothing is unpacked to disk, nothing is sought.

Source: OCI image-spec 1.1 layer.md; POSIX.1-2017 pax "ustar" and "pax" formats; GNU tar.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final, cast

from mfl_lint.core.binary import HEAD_BYTES
from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import BodyInvalid
from mfl_lint.core.findings import one_line
from mfl_lint.core.kind import is_filesystem_layer
from mfl_lint.core.layer import LayerSummary, Member, MemberKind, clean_path, plain_text
from mfl_lint.core.program import ProgramReader
from mfl_lint.registry.members import Kept
from mfl_lint.registry.unpacking import (
    PIECE_BYTES,
    ByteStream,
    LayerLimits,
    Unpacked,
)

__all__ = ["ByteStream", "LayerLimits", "read_layer"]

_EXECUTE: Final = 0o111
_MAX_GLOBAL_HEADERS: Final = 16


def read_layer(
    stream: ByteStream,
    media_type: str,
    digest: Digest,
    limits: LayerLimits,
    watched: Iterable[str] = (),
) -> LayerSummary:
    """Return what a layer holds. Blocks: call it in a thread.

    What the stream raises passes through. A layer that is damaged, cut or beyond the limits
    gives a summary with a `problem`, and is not read to its end. `watched` are paths that are
    kept whatever the layer's number of members. The bytes are not hashed here.
    """
    kept = Kept(digest, limits.members, watched)
    if not is_filesystem_layer(media_type) or "encrypted" in media_type.lower():
        return kept.summary(problem=f"{plain_text(media_type)[:100]!r} is no layer that is read")
    source = Unpacked(stream, limits)
    problem = ""
    try:
        for info in _headers(source, limits):
            _keep(source, info, kept)
        source.drain()
    except Exception as error:  # hostile bytes reach parsers that promise no set of exceptions
        if source.failure is not None:
            raise source.failure from None
        problem = str(error) if isinstance(error, BodyInvalid) else _damage(error)
    return kept.summary(problem, source.packed_bytes, source.unpacked_bytes)


def _damage(error: Exception) -> str:
    return f"it is no tar archive: {one_line(str(error)) or type(error).__name__}"


class _Header(tarfile.TarInfo):
    """A member's header. tarfile takes a damaged one behind the first for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        """Return a header, or raise BodyInvalid where it is cut or damaged."""
        if 0 < len(buf) < tarfile.BLOCKSIZE:
            raise BodyInvalid("it is cut within a header")
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):
                raise BodyInvalid(f"a header is damaged: {error}") from None
            raise


def _headers(source: Unpacked, limits: LayerLimits) -> Iterator[tarfile.TarInfo]:
    """Yield each member's header; the source then stands where its data begins."""
    with tarfile.TarFile(
        fileobj=cast("BinaryIO", source), tarinfo=_Header, encoding="utf-8"
    ) as tar:
        for count, info in enumerate(iter(tar.next, None)):
            if count >= limits.headers:
                raise BodyInvalid(f"it has more than {limits.headers} files: not read further")
            if len(tar.pax_headers) > _MAX_GLOBAL_HEADERS:
                raise BodyInvalid("it has too many global headers")
            tar.members = []  # type: ignore[attr-defined]  # else it holds every header
            yield info
            source.begin_header()


def _keep(source: Unpacked, info: tarfile.TarInfo, kept: Kept) -> None:
    """Keep what a member is; of a file's bytes only what its header says."""
    path = clean_path(info.name)
    if not path or kept.is_whiteout(path):
        return
    is_executable = bool(info.mode & _EXECUTE)
    if info.isreg():
        reader = ProgramReader()
        _feed(source, _first_bytes(info), reader)
        program, shebang = reader.finish()
        member = Member(path, MemberKind.FILE, "", is_executable, program, shebang)
    elif info.issym():
        member = Member(path, MemberKind.LINK, plain_text(info.linkname))
    elif info.islnk():
        member = Member(path, MemberKind.HARDLINK, clean_path(info.linkname))
    else:
        kind = MemberKind.DIRECTORY if info.isdir() else MemberKind.OTHER
        member = Member(path, kind, is_executable=is_executable)
    kept.add(member)


def _first_bytes(info: tarfile.TarInfo) -> int:
    """Return how many of a file's first bytes lie together; a sparse file has holes."""
    parts = cast("list[tuple[int, int]] | None", info.sparse)
    if parts is None:
        return info.size
    offset, size = parts[0] if parts else (0, 0)
    return min(size, info.size) if offset == 0 else 0


def _feed(source: Unpacked, size: int, reader: ProgramReader) -> None:
    """Hand a file's bytes on until no more are wanted."""
    piece = min(size, HEAD_BYTES)
    while piece > 0 and reader.feed(source.take(piece)):
        size -= piece
        piece = min(size, PIECE_BYTES)
