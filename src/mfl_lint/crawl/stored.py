"""What the store remembers of a tag, as the Observation that it once was; no request is made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from mfl_lint.core.digest import Digest, parse_digest
from mfl_lint.core.errors import (
    BodyInvalid,
    Denied,
    NotFound,
    NotObserved,
    RateLimited,
    RegistryError,
    Unreachable,
)
from mfl_lint.core.manifest import Document
from mfl_lint.core.observation import LookState, Observation
from mfl_lint.core.parse import parse_document
from mfl_lint.core.records import TagState
from mfl_lint.core.reference import Reference
from mfl_lint.crawl.known import StoreKnown
from mfl_lint.registry.observe import observe
from mfl_lint.registry.source import Head, Listing
from mfl_lint.registry.streaming import Take
from mfl_lint.store import registries, views
from mfl_lint.store.engine import Store

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FAILURES: Final[Mapping[LookState, type[RegistryError]]] = {
    LookState.ABSENT: NotFound,
    LookState.DENIED: Denied,
    LookState.THROTTLED: RateLimited,
    LookState.INVALID: BodyInvalid,
}


class StoredSource:
    """The store as a source: it says again what the registry said last."""

    def __init__(self, known: StoreKnown, digests: Mapping[str, Digest]) -> None:
        self._known = known
        self._digests = digests

    async def head(self, repository: str, target: str) -> Head:
        """Return the tag's digest, or what the last look at the digest said."""
        if target in self._digests:
            return Head(self._digests[target])
        digest = parse_digest(target)
        await self._repeat(digest)
        return Head(digest)

    async def document(self, repository: str, target: str, media_type: str = "") -> Document:
        """Return the stored document unless the last look at it failed."""
        digest = self._digests.get(target) or parse_digest(target)
        found = await self._known.contents([digest])
        if digest not in found:
            await self._repeat(digest)
            raise Unreachable(f"{digest} was never read")
        return parse_document(found[digest].raw, found[digest].media_type, digest)

    async def blob(self, repository: str, digest: Digest, limit: int) -> bytes:
        """Raise what the last look at the config said: stored ones are never asked for here."""
        await self._repeat(digest)
        raise Unreachable(f"{digest} was never read")

    async def stream(self, repository: str, digest: Digest, take: Take, limit: int) -> None:
        """Raise NotObserved: layers are never kept, only what was read of them."""
        raise NotObserved(f"{digest} was not read")

    async def check_blob(self, repository: str, digest: Digest) -> None:
        """Raise what the last look at the blob said."""
        await self._repeat(digest)

    async def tags(self, repository: str) -> Listing:
        """Return the tags that this source was made for."""
        return Listing(tuple(self._digests))

    async def repositories(self) -> Listing:
        """Return nothing: one repository is all there is."""
        return Listing(())

    async def close(self) -> None:
        """Hold nothing."""

    async def _repeat(self, digest: Digest) -> None:
        """Raise what the last look at the digest ended with, unless it was there."""
        presence = (await self._known.presences([digest])).get(digest)
        if presence is not None and presence.look is not LookState.VERIFIED:
            raise _FAILURES.get(presence.look, Unreachable)(presence.detail)


async def remembered(
    known: StoreKnown, registry: str, reference: Reference, state: TagState
) -> Observation | None:
    """Return the tag's last complete picture, None where it was never verified."""
    if state.digest is None:
        return None
    at = state.verified_at or _LONG_AGO
    source = StoredSource(known, {reference.target: state.digest})
    seen = await observe(source, registry, reference, now=lambda: at, known=known)
    return seen if isinstance(seen, Observation) else None


async def stored_observation(
    store: Store, registry: str, repository: str, tag: str
) -> Observation | None:
    """Return what is remembered of a tag; None where there is none or it was never seen."""
    row = await views.tag(store, registry, repository, tag)
    return None if row is None else await _observation(store, registry, repository, row.state)


async def observation_of(
    store: Store, registry: str, repository: str, tag: str, digest: Digest
) -> Observation | None:
    """Return what is remembered of a digest, as if the tag pointed at it; None for nothing."""
    state = TagState(tag, digest=digest)
    return await _observation(store, registry, repository, state)


async def _observation(
    store: Store, registry: str, repository: str, state: TagState
) -> Observation | None:
    held = await registries.repository(store, registry, repository)
    view = await views.registry(store, registry)
    if held is None or view is None:
        return None
    known = StoreKnown(store, held.id, _LONG_AGO)
    return await remembered(known, registry, Reference(view.host, repository, state.name), state)
