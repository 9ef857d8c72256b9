"""What the store already knows, asked in few questions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import LookState
from mfl_lint.core.records import Presence, TagState
from mfl_lint.crawl.facts import PENDING
from mfl_lint.registry.source import StoredContent
from mfl_lint.store import observations
from mfl_lint.store.engine import Store

V = TypeVar("V")


class _Joined(Generic[V]):
    """Many small questions of concurrent walks, put to the database as one.

    `window_s` is how long the first question waits for others.
    """

    def __init__(
        self,
        ask: Callable[[Sequence[Digest]], Awaitable[Mapping[Digest, V]]],
        window_s: float = 0.002,
    ) -> None:
        self._ask = ask
        self._window_s = window_s
        self._wanted: set[Digest] = set()
        self._answer: asyncio.Task[Mapping[Digest, V]] | None = None

    async def get(self, digests: Sequence[Digest]) -> Mapping[Digest, V]:
        """Return what is known of the digests."""
        if not digests:
            return {}
        self._wanted.update(digests)
        if self._answer is None:
            self._answer = asyncio.ensure_future(self._flush())
        everything = await asyncio.shield(self._answer)
        return {digest: everything[digest] for digest in digests if digest in everything}

    async def _flush(self) -> Mapping[Digest, V]:
        await asyncio.sleep(self._window_s)
        wanted, self._wanted, self._answer = self._wanted, set(), None
        return await self._ask(sorted(wanted))


class StoreKnown:
    """The store as `observe` asks it, for one repository.

    `fresh_after`: presences looked at before that instant do not vouch any more. `answered`
    are the digests whose bytes came from here, `vouched` those whose presence did, with when that
    was looked at: what else a walk saw is new and is to be recorded. `lasting`: documents that
    are about to be removed are not there.
    """

    def __init__(
        self, store: Store, repository_id: int, fresh_after: datetime, *, lasting: bool = False
    ) -> None:
        self.fresh_after = fresh_after
        self.answered: set[Digest] = set()
        self.vouched: dict[Digest, datetime] = {}

        async def ask_contents(digests: Sequence[Digest]) -> Mapping[Digest, StoredContent]:
            found = await observations.contents(store, digests, lasting=lasting)
            return {
                digest: StoredContent(digest, content.raw, content.media_type)
                for digest, content in found.items()
            }

        async def ask_presences(digests: Sequence[Digest]) -> Mapping[Digest, Presence]:
            return await observations.presences(store, repository_id, digests)

        self._contents = _Joined(ask_contents)
        self._presences = _Joined(ask_presences)

    async def contents(self, digests: Sequence[Digest]) -> Mapping[Digest, StoredContent]:
        """Return those of the digests whose bytes are kept."""
        found = await self._contents.get(digests)
        self.answered.update(found)
        return found

    async def presences(self, digests: Sequence[Digest]) -> Mapping[Digest, Presence]:
        """Return what the last looks at the digests said, however old."""
        return await self._presences.get(digests)

    async def present(self, repository: str, digests: Sequence[Digest]) -> frozenset[Digest]:
        """Return those whose presence was confirmed recently enough."""
        found = await self._presences.get(digests)
        good = {
            digest: presence.looked_at
            for digest, presence in found.items()
            if presence.look is LookState.VERIFIED and presence.looked_at >= self.fresh_after
        }
        self.vouched.update(good)
        return frozenset(good)

    def vouched_digest(self, before: TagState | None, judged_hash: str) -> Digest | None:
        """Return the digest whose HEAD alone is enough now, None where more must be looked at.

        `judged_hash` is that of the rules and policy in force.
        """
        if before is None or before.gone_at or before.unsettled or not before.complete:
            return None
        current = before.judged_hash.removesuffix(PENDING) == judged_hash
        young = before.walked_at is not None and before.walked_at >= self.fresh_after
        readable = before.look is LookState.VERIFIED and before.watched
        return before.digest if current and young and readable else None
