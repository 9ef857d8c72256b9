"""A layer's bytes unpacked as they stream by: forwards only, bounded in bytes and in time.

The compression is read from the first bytes, as engines do, not from the media type.
Source: RFC 1952 (gzip, of several members); RFC 8878 (zstd, of several and skippable frames).
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from time import monotonic
from types import ModuleType
from typing import Final, Protocol

import msgspec

from mfl_lint.core.errors import BodyInvalid
from mfl_lint.core.layer import MAX_MEMBERS

PIECE_BYTES: Final = 256 * 1024
_MEBIBYTE: Final = 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_OTHERS: Final = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x04\x22\x4d\x18": "lz4"}
_BLOCK_BYTES: Final = 512
# tarfile's search for a charset takes quadratic time over digits.
_DIGITS: Final = re.compile(rb"[0-9]{256}")


def _zstd() -> ModuleType:
    """Return the library, which few layers need and the command line's start does not."""
    return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


class ByteStream(Protocol):
    """What a layer is read from: at most `size` bytes, b"" at the end."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""


class LayerLimits(msgspec.Struct, frozen=True):
    """How much of one layer is read.

    `members` are kept, `headers` are read; one header, with all that extends it, has at most
    `header_bytes`. `deadline` is a moment of `clock` (seconds), None = any time.
    """

    unpacked_bytes: int = 4096 * _MEBIBYTE
    members: int = MAX_MEMBERS
    headers: int = 1_000_000
    header_bytes: int = _MEBIBYTE
    deadline: float | None = None
    clock: Callable[[], float] = monotonic


class Unpacked:
    """The unpacked bytes, as tarfile reads them: it seeks forwards only.

    Counts `packed_bytes` and `unpacked_bytes`. Raises BodyInvalid. `failure` is what the
    stream itself raised.
    """

    def __init__(self, stream: ByteStream, limits: LayerLimits) -> None:
        self.packed_bytes = 0
        self.unpacked_bytes = 0
        self.failure: Exception | None = None
        self._stream = stream
        self._limits = limits
        self._pieces = self._unpack()
        self._ready = memoryview(b"")
        self._position = 0
        self._room = limits.header_bytes

    def begin_header(self) -> None:
        """Let the next header have the full number of bytes again."""
        self._room = self._limits.header_bytes

    def read(self, size: int = -1, /) -> bytes:
        """Return a header's bytes: fewer than asked for only at the end."""
        if not 0 <= size <= self._room:
            raise BodyInvalid(f"a header has more than {self._limits.header_bytes} bytes")
        self._room -= size
        data = b"".join(self._take(size))
        if size > _BLOCK_BYTES and _DIGITS.search(data):
            raise BodyInvalid("a header holds an impossible number")
        return data

    def take(self, size: int) -> bytes:
        """Return a member's next bytes, all of them."""
        data = b"".join(self._take(size))
        if len(data) < size:
            raise BodyInvalid("it is cut within a file")
        return data

    def seek(self, to: int, /) -> int:
        """Go forwards to an offset from the start."""
        if to < self._position:
            raise BodyInvalid("a file has an impossible size")
        for _ in self._take(to - self._position):
            pass
        if self._position < to:
            raise BodyInvalid("it is cut within a file")
        return to

    def tell(self) -> int:
        """Return the offset from the start."""
        return self._position

    def drain(self) -> None:
        """Read what follows the archive, so that a cut or damaged end is seen."""
        for _ in self._pieces:
            pass

    def _take(self, size: int) -> Iterator[memoryview]:
        while size > 0:
            if not self._ready:
                self._ready = memoryview(next(self._pieces, b""))
                if not self._ready:
                    return
            piece, self._ready = self._ready[:size], self._ready[size:]
            size -= len(piece)
            self._position += len(piece)
            yield piece

    def _unpack(self) -> Iterator[bytes]:
        """Yield the unpacked bytes, counted, in pieces of at most PIECE_BYTES."""
        head = self._packed()
        while 0 < len(head) < 6 and (more := self._packed()):
            head += more
        for piece in self._opened(head):
            self.unpacked_bytes += len(piece)
            if self.unpacked_bytes > self._limits.unpacked_bytes:
                limit = self._limits.unpacked_bytes
                raise BodyInvalid(f"it unpacks to more than {limit} bytes: not read further")
            self._check_time()
            if piece:
                yield piece

    def _opened(self, head: bytes) -> Iterator[bytes]:
        if head.startswith(_GZIP):
            return self._gunzip(head)
        if head.startswith(_ZSTD) or _SKIPPABLE.match(head):
            return self._unzstd(head)
        for magic, name in _OTHERS.items():
            if head.startswith(magic):
                raise BodyInvalid(f"it is packed with {name}, which no standard allows")
        return self._plain(head)

    def _packed(self) -> bytes:
        self._check_time()
        try:
            data = self._stream.read(PIECE_BYTES)
        except Exception as error:  # kept apart from what hostile bytes raise in parsers
            self.failure = error
            raise
        self.packed_bytes += len(data)
        return data

    def _check_time(self) -> None:
        limits = self._limits
        if limits.deadline is not None and limits.clock() > limits.deadline:
            raise BodyInvalid("it took longer than it may: not read further")

    def _plain(self, data: bytes) -> Iterator[bytes]:
        while data:
            yield data
            data = self._packed()

    def _gunzip(self, data: bytes) -> Iterator[bytes]:
        while data:
            inflater = zlib.decompressobj(wbits=31)
            while not inflater.eof:
                try:
                    piece = inflater.decompress(data, PIECE_BYTES)
                except zlib.error as error:
                    raise BodyInvalid(f"its gzip is damaged: {error}") from None
                yield piece
                if not inflater.eof:
                    data = inflater.unconsumed_tail or self._packed()
                if not data:
                    raise BodyInvalid("its gzip is cut")
            data = self._behind(inflater.unused_data)

    def _behind(self, data: bytes) -> bytes:
        """Return what follows a gzip member: the next one, or nothing. Zeros may fill a block."""
        while not (data := data.lstrip(b"\0")):
            data = self._packed()
            if not data:
                return b""
        return data

    def _unzstd(self, data: bytes) -> Iterator[bytes]:
        zstd = _zstd()
        while data:
            frame = zstd.ZstdDecompressor()
            while not frame.eof:
                try:
                    piece = frame.decompress(data, PIECE_BYTES)
                except zstd.ZstdError as error:
                    raise BodyInvalid(f"its zstd is damaged: {error}") from None
                yield piece
                data = self._packed() if frame.needs_input else b""
                if frame.needs_input and not data:
                    raise BodyInvalid("its zstd is cut")
            data = frame.unused_data or self._packed()
