"""A list judged before it is pushed: as it will be, its children as they lie now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotFound
from mfl_lint.core.manifest import Document
from mfl_lint.core.observation import Observation
from mfl_lint.core.parse import parse_document
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Judgement, Rule, Siblings
from mfl_lint.lint import judge
from mfl_lint.mend.bringing import Child, Clients
from mfl_lint.registry.observe import observe
from mfl_lint.registry.source import Head, Listing
from mfl_lint.registry.streaming import Take


class DraftSource:
    """A Source of one list that is in no registry yet; what it points at is asked where it lies.

    What is below a child lies where the child does.
    """

    def __init__(self, document: Document, children: Sequence[Child], clients: Clients) -> None:
        self._document = document
        self._clients = clients
        self._places: dict[str, Reference] = {}
        for child in children:
            self._places.setdefault(child.entry.digest or "", child.source)

    async def head(self, repository: str, target: str) -> Head:
        """Return what it is."""
        if target in self._places:
            place = self._places[target]
            return await self._clients(place.registry).head(place.repository, target)
        return Head(self._document.digest, self._document.served_type, self._document.size_bytes)

    async def document(self, repository: str, target: str, media_type: str = "") -> Document:
        """Return the list, or what lies in a registry; what leads further is remembered."""
        place = self._places.get(target)
        if place is None:
            return self._document
        document = await self._clients(place.registry).document(
            place.repository, target, media_type
        )
        for below in (*document.entries, document.config, *document.layers):
            if below is not None:
                self._places.setdefault(below.digest or "", place)
        return document

    async def blob(self, repository: str, digest: Digest, limit: int) -> bytes:
        """Return a config from where its manifest lies."""
        place = self._place(digest)
        return await self._clients(place.registry).blob(place.repository, digest, limit)

    async def stream(self, repository: str, digest: Digest, take: Take, limit: int) -> None:
        """Hand a layer on, from where its manifest lies."""
        place = self._place(digest)
        await self._clients(place.registry).stream(place.repository, digest, take, limit)

    async def check_blob(self, repository: str, digest: Digest) -> None:
        """Raise NotFound where it does not lie beside its manifest."""
        place = self._place(digest)
        await self._clients(place.registry).check_blob(place.repository, digest)

    async def tags(self, repository: str) -> Listing:
        """Return no tags: a list that is no tag yet has no siblings."""
        return Listing(())

    async def repositories(self) -> Listing:
        """Return no repositories."""
        return Listing(())

    async def close(self) -> None:
        """Do nothing: the clients are somebody else's."""

    def _place(self, digest: Digest) -> Reference:
        try:
            return self._places[digest]
        except KeyError:
            raise NotFound(f"{digest} is not part of the list") from None


class Judged(msgspec.Struct, frozen=True):
    """What the rules say of a list as it will be, and what was seen of it."""

    observation: Observation
    judgement: Judgement


async def judged(
    reference: Reference,
    raw: bytes,
    media_type: str,
    children: Sequence[Child],
    clients: Clients,
    *,
    rules: Sequence[Rule],
    policy: Policy,
    now: Callable[[], datetime],
) -> Judged:
    """Return what the rules would find if the list were pushed; no failure to look is raised."""
    registry: RegistryConfig = clients(reference.registry).registry
    document = parse_document(raw, media_type)
    source = DraftSource(document, children, clients)
    seen = await observe(source, registry.name, reference, now=now)
    if not isinstance(seen, Observation):  # nothing was vouched for, so nothing is unchanged
        raise TypeError(seen)
    insecure = registry.scheme is Scheme.HTTP
    judgement = judge(seen, rules, policy, Siblings(), sparse=registry.sparse, insecure=insecure)
    return Judged(seen, judgement)
