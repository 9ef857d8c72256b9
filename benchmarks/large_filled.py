"""A database of many tags that point at few indexes, as crawls leave it: whole, documents too.

Each repository has a hundred tags that point at two indexes of eight entries. One tag in fifty has
findings, one in twenty moved twelve times. A crawl of `benchmarks.formula_registry` finds every
tag unchanged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, create_engine

from benchmarks.counted import Filled, check_counters, measured
from benchmarks.filled import TAGS, Filling, columns_of, repository_name, tag_name
from benchmarks.images import INDEX, PLATFORMS, tag_contents
from benchmarks.images import Content as Made
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.observation import LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.records import Content, TagState
from mfl_lint.core.rule import TagSummary
from mfl_lint.crawl.facts import siblings_hash
from mfl_lint.rules import discover, judged_hash
from mfl_lint.store import migrate, tables
from mfl_lint.store.rows import content_rows, tag_row

INDEXES: Final = 2
MOVES: Final = 12
_BROKEN_EVERY: Final = 50
_MOVED_EVERY: Final = 20
_AT_ONCE: Final = 100
_PLATFORMS: Final = tuple(
    Platform(one["os"], one["architecture"], one.get("variant", "")).normalized()
    for one in PLATFORMS
)


@lru_cache(maxsize=4)
def index_contents(repository: int, which: int) -> tuple[Made, ...]:
    """Return the documents of an index: config and manifest of each platform, then itself."""
    return tuple(tag_contents(repository_name(repository), f"build {which}", broken=False))


@lru_cache(maxsize=1_000_000)
def index_digest(repository: int, place: int) -> Digest:
    """Return what a tag points at."""
    if place >= INDEXES:
        return index_digest(repository, place % INDEXES)
    return Digest(index_contents(repository, place)[-1].digest)


def fill_large(file: Path, tags: int, now: datetime) -> Filled:
    """Make the database."""
    migrate.upgrade(f"sqlite:///{file}")
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        _Large(connection, now, max(1, tags // TAGS)).write_all()
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        check_counters(connection)
        made = measured(connection)
    engine.dispose()
    return made


class _Large(Filling):
    """Rows of some repositories at once, so that memory does not grow."""

    def __init__(self, connection: Connection, now: datetime, repositories: int) -> None:
        super().__init__(connection, now, repositories)
        self._judged = judged_hash(discover(), Policy())

    def write_all(self) -> None:
        """Write everything; counters come last."""
        self._insert(tables.registries, iter([self._registry()]))
        self._insert(tables.crawls, map(self._crawl, range(90)))
        for start in range(0, self._repositories, _AT_ONCE):
            self._write(range(start, min(start + _AT_ONCE, self._repositories)))
        self._write_counters()

    def _write(self, numbers: range) -> None:
        tags = range(numbers.start * TAGS, numbers.stop * TAGS)
        findings = [row for tag in tags for row in self._finding_rows(tag)]
        self._insert(tables.repositories, map(self._repository, numbers))
        for number in numbers:
            self._insert(tables.documents, self._documents(number))
        self._insert(tables.entries, (row for n in numbers for row in self._entry_rows(n)))
        self._insert(tables.presence, (row for n in numbers for row in self._presence_rows(n)))
        self._insert(tables.tags, map(self._tag, tags))
        self._insert(tables.tag_history, (row for tag in tags for row in self._pasts(tag)))
        self._insert(tables.findings, iter(findings))
        self._insert(tables.transitions, map(self._transition, findings))

    def _repository(self, number: int) -> dict[str, Any]:
        summaries = (self._summary(number, place) for place in range(TAGS))
        return super()._repository(number) | {"siblings_hash": siblings_hash(summaries)}

    def _summary(self, repository: int, place: int) -> TagSummary:
        made = index_contents(repository, place % INDEXES)
        children = tuple(Digest(one.digest) for one in made[1:-1:2])
        return TagSummary(tag_name(place), Digest(made[-1].digest), True, _PLATFORMS, children)

    def _documents(self, number: int) -> Iterator[dict[str, Any]]:
        made = [one for which in range(INDEXES) for one in index_contents(number, which)]
        kept = [Content(Digest(one.digest), one.raw, one.media_type) for one in made]
        kept += [Content(digest_of(raw), raw, INDEX) for raw in map(_old(number), range(MOVES))]
        yield from content_rows(kept, self._now - timedelta(days=90))

    def _entry_rows(self, number: int) -> Iterator[dict[str, Any]]:
        for which in range(INDEXES):
            made = index_contents(number, which)
            for at, row in enumerate(self._entries):
                child = made[1 + 2 * at]
                own = {"digest": child.digest, "size_bytes": len(child.raw)}
                yield row | {"index_digest": made[-1].digest, **own}

    def _presence_rows(self, number: int) -> Iterator[dict[str, Any]]:
        for which in range(INDEXES):
            for child in index_contents(number, which)[1:-1:2]:
                yield {
                    "repository_id": number + 1,
                    "digest": child.digest,
                    "look": LookState.VERIFIED.value,
                    "looked_at": self._now - timedelta(hours=1),
                }

    def _tag(self, number: int) -> dict[str, Any]:
        repository, place = divmod(number, TAGS)
        at = self._now - timedelta(hours=1)
        state = TagState(
            name=tag_name(place),
            digest=index_digest(repository, place),
            look=LookState.VERIFIED,
            first_seen_at=self._now - timedelta(days=90),
            looked_at=at,
            verified_at=at,
            walked_at=at,
            moved_at=self._ago(number) if number % _MOVED_EVERY == 0 else None,
            complete=True,
            judged_hash=self._judged,
            summary=self._summary(repository, place),
        )
        counted = self._by_tag.pop(number + 1, Counter())
        return tag_row(repository + 1, state) | {"id": number + 1} | columns_of(counted)

    def _pasts(self, number: int) -> Iterator[dict[str, Any]]:
        repository, place = divmod(number, TAGS)
        tag = {"tag_id": number + 1}
        if number % _MOVED_EVERY == 0:
            for move in range(MOVES):
                at = self._now - timedelta(days=400 - move)
                yield tag | {"digest": digest_of(_old(repository)(move)), "seen_at": at}
        yield tag | {"digest": index_digest(repository, place), "seen_at": self._ago(number)}

    def _finding_rows(self, number: int) -> Iterator[dict[str, Any]]:
        if number % _BROKEN_EVERY == 0:
            for which in range(4):
                yield self._finding(number, number * 4 + which)


def _old(repository: int) -> Callable[[int], bytes]:
    """Return what makes the indexes that a repository's tags pointed at before: empty ones."""
    said = f'{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[],"annotations":{{"n":"%d"}}}}'
    return lambda move: (said % (repository * MOVES + move)).encode()
