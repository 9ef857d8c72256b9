"""One blob on its way into a registry: in chunks, resumed where a connection was cut.

Never more than one chunk is held, and that is bounded, whatever a registry asks for. What it says
that it has got decides how it goes on.
Source: distribution-spec 1.1 "Pushing a blob in chunks", "Resuming an upload".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import yarl

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import BodyInvalid, RateLimited, RegistryError, Rejected, Unreachable
from mfl_lint.registry.answer import Answer, place
from mfl_lint.registry.challenge import repository_scope
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.wire import NO_HEADERS, WRITING

# Sending one takes some four times as much memory.
CHUNK_BYTES: Final = 2 * 1024 * 1024
LONGEST_CHUNK_BYTES: Final = 16 * 1024 * 1024
_OCTETS: Final = "application/octet-stream"
_RANGE: Final = re.compile(r"(?:bytes=)?0-([0-9]{1,15})")
_DIGITS: Final = re.compile(r"[0-9]{1,12}")


class UploadLost(RegistryError):
    """The registry knows the upload no more: it has to begin anew."""


class UploadFailed(RegistryError):
    """The registry took no more, however often it was tried."""


def push_scope(repository: str, source: str = "") -> str:
    """Return the scope of writing to a repository, and reading blobs of another one."""
    beside = f" {repository_scope(source)}" if source else ""
    return f"{WRITING.format(repository)}{beside}"


def rejection(client: RegistryClient, answer: Answer) -> RegistryError:
    """Return the error of an answer that nothing was taken with; Unreachable if that is unsure."""
    error = client.refusal(answer)
    if answer.status == 405:
        return Rejected(f"{error}: it takes no pushes, as a registry that is read-only")
    if type(error) is Unreachable and 400 <= answer.status < 500:
        return Rejected(str(error))
    return error


def place_of(answer: Answer) -> yarl.URL:
    """Return where an upload goes on; Unreachable where nothing must be sent to."""
    where = f"{answer.method} {place(answer.url)}: the upload goes on"
    try:
        location = yarl.URL(answer.headers["Location"], encoded=True)
        url = answer.url.join(location).with_fragment(None)
        fine = url.scheme in ("http", "https") and bool(url.raw_host)
    except (KeyError, ValueError, TypeError):
        fine = False
    if not fine:
        raise Unreachable(f"{where} nowhere")
    if url.raw_user is not None:
        raise Unreachable(f"{where} at a URL with credentials in it")
    if answer.url.scheme == "https" and url.scheme == "http":
        raise Unreachable(f"{where} by http, and began by https")
    return url


class Upload:
    """A begun upload; `answer` is the 202 that began it. `sent` bytes are the registry's."""

    def __init__(self, client: RegistryClient, repository: str, answer: Answer) -> None:
        self.sent = 0
        self._client = client
        self._scope = push_scope(repository)
        self._location = place_of(answer)
        self._buffer = bytearray()
        wanted = answer.headers.get("OCI-Chunk-Min-Length", "")
        self._least = int(wanted) if _DIGITS.fullmatch(wanted) else 0
        self._chunk = max(CHUNK_BYTES, min(self._least, LONGEST_CHUNK_BYTES))

    async def write(self, piece: bytes) -> bool:
        """Take a piece, and send what is a whole chunk by now; always return True.

        Rejected where the registry takes only chunks that are larger than what may be held.
        """
        self._buffer += piece
        if len(self._buffer) >= self._chunk:
            if self._least > len(self._buffer):
                raise Rejected(
                    f"{place(self._location)}: chunks of at least {self._least} bytes are asked "
                    f"for, and no more than {LONGEST_CHUNK_BYTES} are held: copy the image with a "
                    "tool that sends it whole, then push the list without --copy"
                )
            await self._flush()
        return True

    async def finish(self, digest: Digest) -> None:
        """Send what is left and have the blob kept; UploadLost, UploadFailed or Rejected."""
        if self.sent:
            await self._flush()
        body, joint = bytes(self._buffer), "&" if self._location.raw_query_string else "?"
        url = yarl.URL(f"{self._location}{joint}digest={digest}", encoded=True)
        answer = await self._send("PUT", url, body, {"Content-Type": _OCTETS})
        if answer.status not in (200, 201, 202, 204):
            raise self._lost_or(answer)

    async def cancel(self) -> None:
        """Tell the registry that nothing more comes; whether it hears that does not matter."""
        try:
            await self._client.send("DELETE", self._location, self._scope, tries=1)
        except RegistryError:
            return

    async def _flush(self) -> None:
        """Send all that is held, trying again where that is interrupted."""
        tried = 0
        while self._buffer:
            try:
                if tried:
                    await self._client.pause(tried)
                    await self._find_out()
                await self._patch()
            except (Unreachable, BodyInvalid, RateLimited) as error:
                tried += 1
                if tried > self._client.retries:
                    raise UploadFailed(str(error)) from None

    async def _patch(self) -> None:
        if not self._buffer:
            return
        body = bytes(self._buffer)
        headers = {
            "Content-Type": _OCTETS,
            "Content-Range": f"{self.sent}-{self.sent + len(body) - 1}",
        }
        answer = await self._send("PATCH", self._location, body, headers)
        if answer.status not in (200, 201, 202, 204):
            raise self._lost_or(answer)
        self._location = place_of(answer)
        got = _got(answer)
        self._acknowledge(self.sent + len(body) if got is None else got, answer)

    async def _find_out(self) -> None:
        """Ask how much the registry has got, and hold the rest only."""
        answer = await self._client.send("GET", self._location, self._scope)
        if answer.status not in (200, 204):
            raise self._lost_or(answer)
        if "Location" in answer.headers:
            self._location = place_of(answer)
        self._acknowledge(_got(answer) or 0, answer)

    def _acknowledge(self, got: int, answer: Answer) -> None:
        if not self.sent <= got <= self.sent + len(self._buffer):
            where = f"{answer.method} {place(answer.url)}"
            raise UploadLost(f"{where}: it has {got} bytes of the upload, not {self.sent}")
        del self._buffer[: got - self.sent]
        self.sent = got

    async def _send(
        self, method: str, url: yarl.URL, body: bytes, headers: Mapping[str, str] = NO_HEADERS
    ) -> Answer:
        return await self._client.send(method, url, self._scope, headers, body, tries=1)

    def _lost_or(self, answer: Answer) -> RegistryError:
        """Return the error of a bad answer: of one about the upload itself it is lost."""
        error = rejection(self._client, answer)
        return UploadLost(str(error)) if answer.status in (400, 404, 416) else error


def _got(answer: Answer) -> int | None:
    """Return how many bytes the registry says it has got; `0-0` is how it says none."""
    found = _RANGE.fullmatch(answer.headers.get("Range", "").strip())
    end = int(found[1]) if found else None
    return end + 1 if end else end
