"""Look at everything below one document: level by level, each digest once, within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.errors import (
    BodyInvalid,
    Denied,
    DigestMismatch,
    NotFound,
    NotObserved,
    RateLimited,
    RegistryError,
)
from mfl_lint.core.kind import decide_kind, presumed_kind
from mfl_lint.core.manifest import (
    MAX_DOCUMENT_BYTES,
    MAX_ENTRIES,
    Descriptor,
    Document,
    Form,
    ImageConfig,
)
from mfl_lint.core.observation import VERIFIED, Kind, Look, LookState, Node
from mfl_lint.core.parse import parse_config, parse_document
from mfl_lint.registry.source import Known, Source, StoredContent

MAX_DEPTH: Final = 4
AT_ONCE: Final = 4
_DETAIL_CHARACTERS: Final = 300

_STATES: Final[tuple[tuple[type[RegistryError], LookState], ...]] = (
    (NotFound, LookState.ABSENT),
    (Denied, LookState.DENIED),
    (RateLimited, LookState.THROTTLED),
    (DigestMismatch, LookState.INVALID),
    (BodyInvalid, LookState.INVALID),
)


def look_of(error: RegistryError) -> Look:
    """Return how a look ended that failed with `error`; what has no own state is unreachable."""
    found = (state for kind, state in _STATES if isinstance(error, kind))
    state, detail = next(found, LookState.UNREACHABLE), " ".join(str(error).split())
    if not isinstance(error, DigestMismatch):
        return Look(state, detail[:_DETAIL_CHARACTERS])
    actual, claimed = _digest(error.actual), _digest(error.claimed)
    return Look(state, detail[:_DETAIL_CHARACTERS], actual, claimed=claimed)


def _digest(text: str | None) -> Digest | None:
    return Digest(text) if text is not None and is_digest(text) else None


class _Seen(msgspec.Struct, frozen=True, gc=False):
    """What one digest gave; `look` is None where the source does not look at it."""

    look: Look | None = None
    document: Document | None = None
    config: ImageConfig | None = None


_NOT_LOOKED_AT: Final = _Seen()
_NOT_AT_HAND: Final = _Seen()


@dataclass(slots=True)
class _Place:
    """A node while the tree grows; `above` are the digests from the root down to its parent."""

    position: int | None
    entry: Descriptor
    above: tuple[Digest, ...]
    seen: _Seen = _NOT_LOOKED_AT
    kind: Kind = Kind.UNDECIDED
    children: list[_Place] = field(default_factory=list)

    def all(self) -> Iterator[_Place]:
        yield self
        for child in self.children:
            yield from child.all()


def _bounded(detail: str) -> Look:
    return Look(LookState.INVALID, detail, bounded=True)


def _too_large(entry: Descriptor) -> Look | None:
    if entry.size_bytes is None or entry.size_bytes <= MAX_DOCUMENT_BYTES:
        return None
    detail = f"{entry.size_bytes} bytes: not fetched, a document has {MAX_DOCUMENT_BYTES} at most"
    return _bounded(detail)


def _out_of_bounds(place: _Place) -> Look | None:
    """Return why nobody looks at a place that could be looked at, None if it is in bounds."""
    if len(place.above) > MAX_DEPTH:
        return _bounded(f"not looked at: nested deeper than {MAX_DEPTH}")
    if place.entry.digest in place.above:
        return _bounded("not looked at: an index that contains itself")
    return _too_large(place.entry)


class Tree:
    """What stands below one root in one repository. Content from `known` is trusted.

    Bytes that `known` holds are not fetched: their presence is asked for with HEAD where
    `known` does not vouch for it. `known` is asked for many digests at once. `read_configs` are
    the configs that were fetched.
    """

    def __init__(self, source: Source, repository: str, known: Known) -> None:
        self.read_configs: set[Digest] = set()
        self._source = source
        self._repository = repository
        self._known = known
        self._seen: dict[Digest, _Seen] = {}
        self._configs: dict[Digest, _Seen] = {}
        self._room = MAX_ENTRIES
        self._is_full = False

    async def grow(self, document: Document) -> None:
        """Look at all that `document` leads to. Failures to look are kept in the nodes."""
        entry = Descriptor(document.served_type, document.digest, document.size_bytes)
        self._root = _Place(None, entry, (), _Seen(VERIFIED, document))
        self._root.kind = decide_kind(entry, document)
        level = [self._root]
        while level:
            level = [child for place in level for child in self._expand(place)]
            await self._look_at(level)
        await self._read_configs()

    @property
    def has_absent(self) -> bool:
        """Say whether anything below the root was not found."""
        every = (*self._seen.values(), *self._configs.values())
        return any(x.look is not None and x.look.state is LookState.ABSENT for x in every)

    def node(self, unconfirmed: Look | None = None) -> Node:
        """Return the tree; `unconfirmed` takes the place of every look that ended in absent."""
        return self._freeze(self._root, unconfirmed)

    def _expand(self, place: _Place) -> list[_Place]:
        document = place.seen.document
        if document is None or document.form is not Form.INDEX:
            return []
        above = (*place.above, document.digest)
        entries = document.entries[: self._room]
        place.children = [_Place(at, entry, above) for at, entry in enumerate(entries)]
        self._room -= len(entries)
        if len(entries) < len(document.entries) and not self._is_full:
            self._is_full = True
            look = _bounded(f"not looked at, like all after it: more than {MAX_ENTRIES} entries")
            first = document.entries[len(entries)]
            place.children.append(_Place(len(entries), first, above, _Seen(look)))
        return place.children

    async def _look_at(self, places: Sequence[_Place]) -> None:
        open_places = [place for place in places if self._is_to_be_seen(place)]
        wanted = {x.entry.digest: x.entry for x in open_places if x.entry.digest is not None}
        await self._look_at_digests({d: e for d, e in wanted.items() if d not in self._seen})
        for place in open_places:
            if place.entry.digest is not None:
                place.seen = self._seen[place.entry.digest]
        for place in places:
            at_hand = place.seen is not _NOT_AT_HAND
            kind = decide_kind(place.entry, place.seen.document)
            place.kind = kind if at_hand else presumed_kind(place.entry)

    @staticmethod
    def _is_to_be_seen(place: _Place) -> bool:
        """Say whether to ask for the place, and note in it why not."""
        if place.seen.look is not None or place.entry.digest is None:
            return False
        if decide_kind(place.entry, None) is Kind.BLOB:
            return False
        look = _out_of_bounds(place)
        place.seen = _Seen(look)
        return look is None

    async def _look_at_digests(self, entries: Mapping[Digest, Descriptor]) -> None:
        stored = await self._stored(entries)
        present: frozenset[Digest] = frozenset()
        if stored:
            present = await self._known.present(self._repository, list(stored))
        looks: dict[Digest, _Ask] = {}
        for digest, entry in entries.items():
            content = stored.get(digest)
            if content is not None and digest in present:
                self._seen[digest] = _Seen(VERIFIED, _parse(content))
            else:
                looks[digest] = partial(self._document, digest, entry, content)
        await _ask_all(looks, self._seen)

    async def _document(
        self, digest: Digest, entry: Descriptor, stored: StoredContent | None
    ) -> _Seen:
        if stored is None:
            asked = self._source.document(self._repository, digest, entry.media_type)
            return _Seen(VERIFIED, await asked)
        await self._source.head(self._repository, digest)
        return _Seen(VERIFIED, _parse(stored))

    async def _read_configs(self) -> None:
        configs = {x.digest: x for x in map(_config_entry, self._root.all()) if x and x.digest}
        stored = await self._stored(configs)
        looks: dict[Digest, _Ask] = {}
        for digest, entry in configs.items():
            content, refused = stored.get(digest), _too_large(entry)
            if content is not None:
                config = parse_config(content.raw, digest)
                self._configs[digest] = _Seen(VERIFIED, config=config)
            elif refused is not None:
                self._configs[digest] = _Seen(refused)
            else:
                looks[digest] = partial(self._config, digest)
        await _ask_all(looks, self._configs)

    async def _config(self, digest: Digest) -> _Seen:
        raw = await self._source.blob(self._repository, digest, MAX_DOCUMENT_BYTES)
        self.read_configs.add(digest)
        return _Seen(VERIFIED, config=parse_config(raw, digest))

    async def _stored(self, digests: Iterable[Digest]) -> Mapping[Digest, StoredContent]:
        asked = list(digests)
        return await self._known.contents(asked) if asked else {}

    def _freeze(self, place: _Place, unconfirmed: Look | None) -> Node:
        entry = _config_entry(place)
        config = self._configs.get(entry.digest) if entry and entry.digest else None
        return Node(
            position=place.position,
            entry=place.entry,
            kind=place.kind,
            look=_confirmed(place.seen.look, unconfirmed),
            document=place.seen.document,
            config_look=_confirmed(config.look, unconfirmed) if config else None,
            config=config.config if config else None,
            children=tuple(self._freeze(child, unconfirmed) for child in place.children),
        )


def _parse(stored: StoredContent) -> Document:
    return parse_document(stored.raw, stored.media_type, stored.digest)


def _config_entry(place: _Place) -> Descriptor | None:
    """Return what to read an image's config by; the configs of all else are never read."""
    if place.kind is not Kind.IMAGE or place.seen.document is None:
        return None
    return place.seen.document.config


def _confirmed(look: Look | None, unconfirmed: Look | None) -> Look | None:
    if unconfirmed is None or look is None or look.state is not LookState.ABSENT:
        return look
    return unconfirmed


_Ask = Callable[[], Awaitable[_Seen]]


async def _ask_all(asks: Mapping[Digest, _Ask], seen: dict[Digest, _Seen]) -> None:
    """Ask for all of them, AT_ONCE at a time, and note what each one gave."""
    waiting = iter(asks.items())

    async def work() -> None:
        for digest, ask in waiting:
            seen[digest] = await _asked(ask)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(asks))):
            group.create_task(work())


async def _asked(ask: _Ask) -> _Seen:
    try:
        return await ask()
    except NotObserved:
        return _NOT_AT_HAND
    except RegistryError as error:
        return _Seen(look_of(error))
