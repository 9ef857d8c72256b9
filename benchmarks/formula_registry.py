"""A registry of a million tags that never change: every answer follows from its address.

    python -m benchmarks.formula_registry REPOSITORIES

prints `host:port` when it is ready and ends when its standard input does. It lists repositories
and tags and answers HEAD of tags, as `benchmarks.large_filled` fills the database; documents it
has none, because nobody who knows all of them asks for one.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from benchmarks.fast_registry import Connection, Served, page_of, refused, serve, served
from benchmarks.filled import TAGS, repository_name, tag_name
from benchmarks.images import INDEX
from benchmarks.large_filled import index_digest

_PLACES: Final = {tag_name(place): place for place in range(TAGS)}
_NAMES: Final = tuple(sorted(_PLACES))
_UNKNOWN: Final = refused(404, "MANIFEST_UNKNOWN")


class Formula:
    """Answers, and counts those that are no HEAD."""

    def __init__(self, repositories: int) -> None:
        self._repositories = tuple(sorted(map(repository_name, range(repositories))))
        self._numbers = {repository_name(n).encode(): n for n in range(repositories)}
        self._ping = served("ping", 200, b"{}")
        self.counts = {"HEAD": 0, "else": 0}

    def answer(self, method: bytes, target: bytes) -> bytes:
        """Return the bytes to send."""
        if method == b"HEAD":
            self.counts["HEAD"] += 1
            return self._tag(target).head
        self.counts["else"] += target != b"/stats"
        return self._listing(target).whole

    def _tag(self, target: bytes) -> Served:
        repository, _, tag = target.removeprefix(b"/v2/").partition(b"/manifests/")
        number, place = self._numbers.get(repository), _PLACES.get(tag.decode("latin-1"))
        if number is None or place is None:
            return _UNKNOWN
        digest = index_digest(number, place)
        return served("manifests", 200, b" " * 2000, INDEX, digest=digest)

    def _listing(self, target: bytes) -> Served:
        path, _, query = target.decode("latin-1").partition("?")
        if path in ("/v2", "/v2/"):
            return self._ping
        if path == "/stats":
            told = " ".join(f"{name}={number}" for name, number in self.counts.items())
            return served("stats", 200, told.encode(), "text/plain")
        if path == "/v2/_catalog":
            return page_of(path, query, "repositories", self._repositories, {})
        repository = path.removeprefix("/v2/").removesuffix("/tags/list")
        if path.endswith("/tags/list") and repository.encode() in self._numbers:
            return page_of(path, query, "tags", _NAMES, {"name": repository})
        return _UNKNOWN


if __name__ == "__main__":
    formula = Formula(int(sys.argv[1]))
    asyncio.run(serve(lambda: Connection(formula)))
