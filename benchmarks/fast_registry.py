"""A registry that answers from memory as fast as Python can: so that clients are measured.

    python -m benchmarks.fast_registry REPOSITORIES

prints `host:port` when it is ready and ends when its standard input does. It serves the
reading half of the distribution API over HTTP/1.1, and besides

    GET /stats   the requests so far by method and kind, as JSON; POST tells and forgets them
    GET /urls    the path of every distinct document, one a line
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import parse_qs

from benchmarks.images import TAGS, is_broken, repository_names, tag_contents

_MAX_HEAD_BYTES: Final = 64 * 1024
_MAX_PAGE: Final = 100
_END: Final = b"\r\n\r\n"
_REASONS: Final = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}


class Served(NamedTuple):
    """An answer made beforehand: what HEAD gets, and what GET gets."""

    kind: str
    head: bytes
    whole: bytes


class Contents:
    """All that is served, by path."""

    def __init__(self, repositories: int) -> None:
        self.by_path: dict[bytes, Served] = {b"/v2/": served("ping", 200, b"{}")}
        self.repositories = repository_names(repositories)
        self.urls: list[str] = []
        for number, repository in enumerate(self.repositories):
            for place, tag in enumerate(TAGS):
                self._add_tag(repository, tag, broken=is_broken(number, place))

    def _add_tag(self, repository: str, tag: str, *, broken: bool) -> None:
        for content in tag_contents(repository, tag, broken=broken):
            path = f"/v2/{repository}/{content.kind}/{content.name}"
            answer = served(
                content.kind, 200, content.raw, content.media_type, digest=content.digest
            )
            self.by_path[path.encode()] = answer
            by_digest = f"/v2/{repository}/{content.kind}/{content.digest}"
            self.by_path[by_digest.encode()] = answer
            self.urls.append(path)


def served(
    kind: str,
    status: int,
    body: bytes,
    media_type: str = "application/json",
    *,
    digest: str = "",
    link: str = "",
) -> Served:
    """Return the answer's bytes."""
    lines = [
        f"HTTP/1.1 {status} {_REASONS[status]}",
        "Docker-Distribution-Api-Version: registry/2.0",
        f"Content-Type: {media_type}",
        f"Content-Length: {len(body)}",
    ]
    if digest:
        lines.append(f"Docker-Content-Digest: {digest}")
    if link:
        lines.append(f'Link: <{link}>; rel="next"')
    if status == 400:
        lines.append("Connection: close")
    head = "\r\n".join(lines).encode() + _END
    return Served(kind, head, head + body)


def refused(status: int, code: str) -> Served:
    """Return an error as registries say it."""
    body = {"errors": [{"code": code, "message": code.lower().replace("_", " "), "detail": {}}]}
    return served("refused", status, json.dumps(body).encode())


_BAD: Final = refused(400, "UNSUPPORTED")
_NO_METHOD: Final = refused(405, "UNSUPPORTED")


class Answers(Protocol):
    """What a connection asks."""

    def answer(self, method: bytes, target: bytes) -> bytes:
        """Return the bytes to send."""


class Registry:
    """Answers and counts."""

    def __init__(self, contents: Contents) -> None:
        self._by_path = contents.by_path
        self._contents = contents
        self._counts: Counter[tuple[bytes, str]] = Counter()

    def answer(self, method: bytes, target: bytes) -> bytes:
        """Return the bytes to send."""
        found = self._by_path.get(target)
        if found is None:
            if target == b"/stats":
                return self._stats(method)
            found = self._seldom(target)
        if method not in (b"GET", b"HEAD"):
            found = _NO_METHOD
        self._counts[method, found.kind] += 1
        return found.head if method == b"HEAD" else found.whole

    def _stats(self, method: bytes) -> bytes:
        told: dict[str, Any] = {f"{m.decode()} {kind}": n for (m, kind), n in self._counts.items()}
        if method == b"POST":
            self._counts.clear()
        return served("stats", 200, json.dumps(told).encode()).whole

    def _seldom(self, target: bytes) -> Served:
        """Return a listing, or a 404 with the registry's own document."""
        path, _, query = target.decode("latin-1").partition("?")
        if path == "/urls":
            return served("urls", 200, "\n".join(self._contents.urls).encode(), "text/plain")
        if path == "/v2/_catalog":
            return page_of(path, query, "repositories", self._contents.repositories, {})
        repository = path.removeprefix("/v2/").removesuffix("/tags/list")
        if path.endswith("/tags/list") and repository in self._contents.repositories:
            return page_of(path, query, "tags", TAGS, {"name": repository})
        if path == "/v2":
            return self._by_path[b"/v2/"]
        return refused(404, "BLOB_UNKNOWN" if "/blobs/" in path else "MANIFEST_UNKNOWN")


def page_of(
    path: str, query: str, field: str, names: tuple[str, ...], beside: dict[str, str]
) -> Served:
    """Return one page of a listing of sorted names."""
    asked = parse_qs(query)
    wanted = asked.get("n", [""])[0]
    size = min(int(wanted), _MAX_PAGE) if wanted.isdecimal() and int(wanted) else _MAX_PAGE
    last = asked.get("last", [""])[0]
    start = bisect_right(names, last)
    shown = names[start : start + size]
    link = f"{path}?last={shown[-1]}&n={size}" if start + size < len(names) else ""
    body = json.dumps({**beside, field: shown}).encode()
    return served(field, 200, body, link=link)


class Connection(asyncio.Protocol):
    """One client's connection: any number of requests, several of them at once if it likes."""

    def __init__(self, registry: Answers) -> None:
        self._registry = registry
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def pause_writing(self) -> None:
        """Take no more requests while the client does not take the answers."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Answer all requests that are whole now, in their order."""
        received = self._received + data if self._received else data
        answers = []
        start = 0
        if not received[:1].isalpha():  # no HTTP at all: most likely somebody tries TLS
            self._transport.write(_BAD.whole)
            self._transport.close()
            return
        while (end := received.find(_END, start)) >= 0:
            answer, goes_on = self._one(received[start:end])
            answers.append(answer)
            start = end + len(_END)
            if not goes_on:
                self._transport.write(b"".join(answers))
                self._transport.close()
                return
        self._received = received[start:]
        if len(self._received) > _MAX_HEAD_BYTES:
            self._transport.write(_BAD.whole)
            self._transport.close()
        elif answers:
            self._transport.write(answers[0] if len(answers) == 1 else b"".join(answers))

    def _one(self, head: bytes) -> tuple[bytes, bool]:
        """Return the answer to one request, and whether the connection goes on."""
        line, _, fields = head.partition(b"\r\n")
        parts = line.split(b" ")
        if len(parts) != 3 or _has_body(fields):
            return _BAD.whole, False
        method, target, version = parts
        goes_on = version == b"HTTP/1.1" and b"connection: close" not in fields.lower()
        return self._registry.answer(method, target), goes_on


def _has_body(fields: bytes) -> bool:
    lower = fields.lower()
    return b"transfer-encoding:" in lower or (
        b"content-length:" in lower and b"content-length: 0" not in lower
    )


async def serve(connection: Callable[[], Connection]) -> None:
    """Say where, and serve until the standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(connection, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"{host}:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    filled = Registry(Contents(int(sys.argv[1])))
    gc.collect()
    gc.freeze()
    asyncio.run(serve(lambda: Connection(filled)))
