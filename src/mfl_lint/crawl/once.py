"""A source that is asked for each digest once, however many tags point at it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.manifest import Document
from mfl_lint.registry.source import Head, Listing, Source
from mfl_lint.registry.streaming import Take

T = TypeVar("T")


class OnceSource:
    """A source for the looks at one repository that are taken together.

    Tags whose HEAD shows the same digest share one GET. Only what was verified is shared:
    a failure is the asker's own, and the next one asks for itself.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tags: dict[str, Digest | None] = {}
        self._heads: dict[str, Head] = {}
        self._documents: dict[str, Document] = {}
        self._blobs: dict[str, bytes] = {}
        self._checked: dict[str, None] = {}
        # What is being asked for, and who waits for it: nobody, mostly.
        self._asking: dict[tuple[int, str], asyncio.Event | None] = {}

    async def head(self, repository: str, target: str) -> Head:
        """Return what a tag is now, or that a digest is there."""
        if is_digest(target):
            return await self._once(
                self._heads, target, lambda: self._source.head(repository, target)
            )
        head = await self._source.head(repository, target)
        self._tags[target] = head.digest
        return head

    async def document(self, repository: str, target: str, media_type: str = "") -> Document:
        """Return the document, another tag's where HEAD showed the same digest."""
        # Of the two only a digest has a colon.
        digest = target if ":" in target else self._tags.get(target)

        async def ask() -> Document:
            return await self._source.document(repository, target, media_type)

        if digest is None:
            return await ask()
        return await self._once(self._documents, digest, ask, lambda found: found.digest == digest)

    async def blob(self, repository: str, digest: Digest, limit: int) -> bytes:
        """Return the verified bytes of a small blob."""
        return await self._once(
            self._blobs, digest, lambda: self._source.blob(repository, digest, limit)
        )

    async def stream(self, repository: str, digest: Digest, take: Take, limit: int) -> None:
        """Hand a large blob on: each asker reads it for itself."""
        await self._source.stream(repository, digest, take, limit)

    async def check_blob(self, repository: str, digest: Digest) -> None:
        """Raise NotFound where the blob is not there."""

        async def ask() -> None:
            await self._source.check_blob(repository, digest)

        await self._once(self._checked, digest, ask)

    async def tags(self, repository: str) -> Listing:
        """Return the repository's tags."""
        return await self._source.tags(repository)

    async def repositories(self) -> Listing:
        """Return the names of all repositories."""
        return await self._source.repositories()

    async def close(self) -> None:
        """Hold nothing: the source is somebody else's."""

    async def _once(
        self,
        found: dict[str, T],
        digest: str,
        ask: Callable[[], Awaitable[T]],
        fits: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Return what was found before, or ask; who waits for another's failure asks again."""
        key = (id(found), digest)
        while digest not in found and key in self._asking:
            if (answered := self._asking[key]) is None:
                answered = self._asking[key] = asyncio.Event()
            await answered.wait()
        if digest in found:
            return found[digest]
        self._asking[key] = None
        try:
            answer = await ask()
            if fits(answer):
                found[digest] = answer
            return answer
        finally:
            if (waited := self._asking.pop(key)) is not None:
                waited.set()
