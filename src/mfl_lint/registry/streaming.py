"""Large blobs, a piece at a time: bounded, hashed and handed on; never held whole."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

import aiohttp

from mfl_lint.config import HttpConfig
from mfl_lint.core.digest import Digest, parse_digest
from mfl_lint.core.errors import BodyInvalid, DigestMismatch, Unreachable
from mfl_lint.registry.answer import content_length, place

Take = Callable[[bytes], Awaitable[bool]]

_PIECE_BYTES: Final = 256 * 1024


class Readable(Protocol):
    """An open file, as far as it is needed here."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, none at the end."""


class Intake:
    """What came of one blob: `received` bytes, handed to `take` until it says False.

    Raises ReferenceInvalid where the digest is none that can be verified.
    """

    def __init__(self, digest: Digest, take: Take, limit: int) -> None:
        self.received = 0
        self.stopped = False
        self._digest = parse_digest(digest)
        self._hash = hashlib.new(digest.partition(":")[0])
        self._take = take
        self._limit = limit

    def check_length(self, length: int | None, where: str) -> None:
        """Raise BodyInvalid where more is announced, or came, than may."""
        if max(length or 0, self.received) > self._limit:
            raise BodyInvalid(f"{where}: more than {self._limit} bytes: not read")

    async def feed(self, piece: bytes, where: str) -> bool:
        """Hash a piece and hand it on; return False where no more is wanted."""
        self.received += len(piece)
        self.check_length(None, where)
        self._hash.update(piece)
        self.stopped = not await self._take(piece)
        return not self.stopped

    def verify(self, where: str, *, framed: bool = True) -> None:
        """Raise DigestMismatch where all came and is something else; BodyInvalid where it is cut.

        What was stopped early proves nothing. `framed`: the end was announced, not just reached.
        """
        actual = f"{self._digest.partition(':')[0]}:{self._hash.hexdigest()}"
        if self.stopped or actual == self._digest:
            return
        if not framed:
            raise BodyInvalid(f"{where}: the answer was cut off")
        raise DigestMismatch(
            f"{where}: the bytes are {actual}, not {self._digest}", actual, self._digest
        )


def streaming_timeout(http: HttpConfig) -> aiohttp.ClientTimeout:
    """Return the bounds of what may take long: all of it, connecting, and each silence."""
    return aiohttp.ClientTimeout(
        total=http.layer_timeout_s,
        sock_connect=http.connect_timeout_s,
        sock_read=http.timeout_s,
    )


class BodyStream:
    """Reads the body of a good answer for an Intake. What fails in a body is not tried again.

    An intake that has received something already wants the rest: of a whole body that much is
    left out, and a partial one (206) has to begin there.
    """

    def __init__(self, intake: Intake, http: HttpConfig) -> None:
        self.intake = intake
        self.timeout: Final = streaming_timeout(http)

    async def read(self, response: aiohttp.ClientResponse) -> bytes:
        """Hand the body on; return no bytes, so that nobody holds them."""
        where = f"{response.method} {place(response.url)}"
        length = content_length(response.headers.getall("Content-Length", []))
        skip = self.intake.received
        if response.status == 206:
            if not response.headers.get("Content-Range", "").startswith(f"bytes {skip}-"):
                raise BodyInvalid(f"{where}: a part was asked for, and another one came")
            length, skip = length and length + skip, 0
        self.intake.check_length(length, where)
        try:
            async with asyncio.timeout(self.timeout.total):
                async for piece in response.content.iter_any():
                    wanted = piece[skip:]
                    skip = max(0, skip - len(piece))
                    if wanted and not await self.intake.feed(wanted, where):
                        response.close()
                        break
        except aiohttp.SocketTimeoutError:
            raise Unreachable(f"{where}: nothing came for {self.timeout.sock_read:g} s") from None
        except TimeoutError:
            raise Unreachable(f"{where}: not read within {self.timeout.total:g} s") from None
        except (aiohttp.ClientError, OSError):
            raise BodyInvalid(f"{where}: the answer was cut off") from None
        return b""


async def stream_file(
    opened: Callable[[], AbstractContextManager[Readable]], name: str, intake: Intake
) -> None:
    """Hand the bytes of a file on and verify them. Errors are those of the RegistryError tree.

    `opened` may block, and so may the file: both are left to a thread.
    """
    with await asyncio.to_thread(opened) as file:
        while piece := await asyncio.to_thread(_read, file, name):
            if not await intake.feed(piece, name):
                break
    intake.verify(name)


def _read(file: Readable, name: str) -> bytes:
    try:
        return file.read(_PIECE_BYTES)
    except OSError as error:
        raise Unreachable(f"{name}: {error.strerror or 'it cannot be read'}") from error
