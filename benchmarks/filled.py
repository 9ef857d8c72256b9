"""A database as years of crawls leave it, filled through the store's own tables.

Everything but documents, which no measured page reads: they would be most of the bytes. Counters
are written as the crawls' transactions would have left them; `check_counters` counts them again.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Table, create_engine, update

from benchmarks.counted import Filled, check_counters, measured
from benchmarks.images import MANIFEST, PLATFORMS
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.records import CrawlStatus, Entry, TagState
from mfl_lint.core.rule import Finding, Rule
from mfl_lint.core.truth import Change, FindingState, Tracked
from mfl_lint.rules import discover
from mfl_lint.store import migrate, tables
from mfl_lint.store.counters import COLUMNS, column_of
from mfl_lint.store.inserts import insert_all
from mfl_lint.store.rows import entry_row, finding_row, tag_row

REGISTRY: Final = "published"
HOST: Final = "registry.bench.example"
TAGS: Final = 100
_FINDINGS_A_TAG: Final = 4
_DAYS: Final = 90
_CHUNK: Final = 20_000
# Of a hundred findings: how many are still open, not known any more, and resolved.
_STATES: Final = (
    *(FindingState.OPEN,) * 86,
    *(FindingState.UNKNOWN,) * 4,
    *(FindingState.RESOLVED,) * 10,
)


def repository_name(number: int) -> str:
    """Return the name of a repository."""
    return f"team-{number % 40:02}/service-{number:04}"


def tag_name(number: int) -> str:
    """Return the name of a tag; the first one is `latest`."""
    return "latest" if number == 0 else f"{number // 10}.{number % 10}.{number * 7 % 13}"


def fill(file: Path, repositories: int, now: datetime) -> Filled:
    """Make the database; half of its tags have findings, and one in a hundred is not certain."""
    migrate.upgrade(f"sqlite:///{file}")
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        filling = Filling(connection, now, repositories)
        filling.write_all()
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        check_counters(connection)
        made = measured(connection)
    engine.dispose()
    return made


def _platform_name(at: int) -> str:
    return "/".join(filter(None, map(PLATFORMS[at].get, ("os", "architecture", "variant"))))


def _fault(rule: Rule, tag: int, number: int) -> Finding:
    repository, name = repository_name(tag // TAGS), tag_name(tag % TAGS)
    at = number % len(PLATFORMS)
    reference, digest, platform = (
        f"{HOST}/{repository}:{name}",
        made_digest("child", tag, at),
        _platform_name(at),
    )
    return Finding(
        rule=rule.id,
        slug=rule.slug,
        severity=rule.severity,
        registry=REGISTRY,
        repository=repository,
        tag=name,
        reference=reference,
        digest=digest,
        platform=platform,
        position=at,
        subject=platform,
        message=f"entry {at} says {platform}, its config says linux/amd64 ({number})",
        fix=f"docker buildx imagetools create --tag {reference} {HOST}/{repository}@{digest}",
        fingerprint=hashlib.sha256(f"finding {number}".encode()).hexdigest(),
    )


def _entry(at: int) -> Entry:
    named = PLATFORMS[at]
    platform = Platform(named["os"], named["architecture"], named.get("variant", ""))
    given = Descriptor(media_type=MANIFEST, digest=None, size_bytes=1200 + at, platform=platform)
    return Entry(at, given, Kind.IMAGE)


def made_digest(*parts: object) -> Digest:
    return digest_of(repr(parts).encode())


class Filling:
    """Rows of one registry, and the counters that grow with them."""

    def __init__(self, connection: Connection, now: datetime, repositories: int) -> None:
        self._connection = connection
        self._now = now
        self._repositories = repositories
        self._rules = sorted(
            (one for one in discover() if one.id[3] in "1234"), key=lambda one: one.id
        )
        self._by_tag: dict[int, Counter[str]] = {}
        self._by_repository: dict[int, Counter[str]] = {}
        self._by_rule: dict[str, Counter[str]] = {}
        self._total: Counter[str] = Counter()
        self._entries = [entry_row(made_digest(), _entry(at)) for at in range(len(PLATFORMS))]

    def write_all(self) -> None:
        """Write everything; counters come last."""
        self._insert(tables.registries, iter([self._registry()]))
        self._insert(tables.repositories, map(self._repository, range(self._repositories)))
        self._insert(tables.crawls, map(self._crawl, range(_DAYS)))
        numbers = range(self._repositories * TAGS)
        self._insert(tables.entries, (row for tag in numbers for row in self._entry_rows(tag)))
        self._insert(tables.presence, (row for tag in numbers for row in self._presence_rows(tag)))
        findings = [row for tag in numbers for row in self._finding_rows(tag)]
        self._insert(tables.tags, map(self._tag, numbers))
        self._insert(tables.tag_history, map(self._past, numbers))
        self._insert(tables.findings, iter(findings))
        self._insert(tables.transitions, map(self._transition, findings))
        self._write_counters()

    def _insert(self, table: Table, rows: Iterator[dict[str, Any]]) -> None:
        while chunk := list(itertools.islice(rows, _CHUNK)):
            insert_all(self._connection, table, chunk)

    def _ago(self, number: int, spread: int = _DAYS * 24 * 60) -> datetime:
        """Return some minute of the last days, the same for the same number."""
        return self._now - timedelta(minutes=number * 7919 % spread, seconds=number % 60)

    def _registry(self) -> dict[str, Any]:
        return {
            "id": 1,
            "name": REGISTRY,
            "host": HOST,
            "first_seen_at": self._now - timedelta(days=_DAYS),
            "repositories": self._repositories,
            "tags": self._repositories * TAGS,
        }

    def _repository(self, number: int) -> dict[str, Any]:
        return {
            "id": number + 1,
            "registry_id": 1,
            "name": repository_name(number),
            "look": LookState.VERIFIED.value,
            "first_seen_at": self._now - timedelta(days=_DAYS),
            "last_crawled_at": self._now - timedelta(hours=1),
            "tags": TAGS,
        }

    def _crawl(self, number: int) -> dict[str, Any]:
        begun = self._now - timedelta(days=_DAYS - number)
        return {
            "id": number + 1,
            "registry_id": 1,
            "status": CrawlStatus.DONE.value,
            "started_at": begun,
            "finished_at": begun + timedelta(minutes=20),
            "repositories": self._repositories,
            "repositories_done": self._repositories,
            "tags": self._repositories * TAGS,
            "requests": self._repositories * (TAGS + 1),
            "opened": 20,
            "resolved": 10,
        }

    def _tag(self, number: int) -> dict[str, Any]:
        repository, place = divmod(number, TAGS)
        uncertain = number % 100 == 37
        state = TagState(
            name=tag_name(place),
            digest=made_digest("index", number),
            look=LookState.UNREACHABLE if uncertain else LookState.VERIFIED,
            detail="the registry did not answer in 30 s" if uncertain else "",
            first_seen_at=self._now - timedelta(days=_DAYS),
            looked_at=self._now - timedelta(hours=1),
            verified_at=self._now - timedelta(hours=25 if uncertain else 1),
            walked_at=self._now - timedelta(hours=25 if uncertain else 1),
            moved_at=self._ago(number) if number % 3 == 0 else None,
            complete=True,
            judged_hash="bench",
        )
        counted = self._by_tag.get(number + 1, Counter())
        return tag_row(repository + 1, state) | {"id": number + 1} | columns_of(counted)

    def _past(self, number: int) -> dict[str, Any]:
        return {
            "tag_id": number + 1,
            "digest": made_digest("index", number),
            "seen_at": self._ago(number),
        }

    def _entry_rows(self, number: int) -> Iterator[dict[str, Any]]:
        index = made_digest("index", number)
        for at, made in enumerate(self._entries):
            yield made | {"index_digest": index, "digest": made_digest("child", number, at)}

    def _presence_rows(self, number: int) -> Iterator[dict[str, Any]]:
        for at in range(len(self._entries)):
            yield {
                "repository_id": number // TAGS + 1,
                "digest": made_digest("child", number, at),
                "look": LookState.VERIFIED.value,
                "looked_at": self._now - timedelta(hours=1),
            }

    def _finding_rows(self, number: int) -> Iterator[dict[str, Any]]:
        if number % 2 == 0:
            return
        for which in range(_FINDINGS_A_TAG):
            yield self._finding(number, number // 2 * _FINDINGS_A_TAG + which)

    def _finding(self, tag: int, number: int) -> dict[str, Any]:
        rule = self._rules[number * 31 % len(self._rules)]
        state = _STATES[number * 37 % len(_STATES)]
        seen, checked = self._ago(number), self._now - timedelta(hours=1)
        ended = checked if state is FindingState.RESOLVED else None
        tracked = Tracked(_fault(rule, tag, number), state, seen, checked, ended, sequence=1)
        self._count(tag, rule.id, column_of(rule.severity.value, state.value))
        return finding_row(tracked) | {
            "registry_id": 1,
            "repository_id": tag // TAGS + 1,
            "tag_id": tag + 1,
        }

    def _count(self, tag: int, rule: str, column: str | None) -> None:
        if column is not None:
            self._by_tag.setdefault(tag + 1, Counter())[column] += 1
            self._by_repository.setdefault(tag // TAGS + 1, Counter())[column] += 1
            self._by_rule.setdefault(rule, Counter())[column] += 1
            self._total[column] += 1

    def _transition(self, finding: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": hashlib.sha256(f"opened {finding['fingerprint']}".encode()).hexdigest(),
            "fingerprint": finding["fingerprint"],
            "sequence": 1,
            "registry_id": 1,
            "change": Change.OPENED.value,
            "at": finding["first_seen_at"],
        }

    def _write_counters(self) -> None:
        run = self._connection.execute
        run(update(tables.registries).values(columns_of(self._total)))
        here = tables.repositories.c
        for number, counted in self._by_repository.items():
            of_it = update(tables.repositories).where(here.id == number)
            run(of_it.values(columns_of(counted)))
        rules = ((rule, counted) for rule, counted in sorted(self._by_rule.items()))
        rows = ({"registry_id": 1, "rule": rule} | columns_of(counted) for rule, counted in rules)
        self._insert(tables.rule_counters, rows)
        self._insert(tables.day_counters, map(self._day, range(_DAYS)))

    def _day(self, ago: int) -> dict[str, Any]:
        """Return what stood at the end of a day: a little less each day back."""
        day = (self._now - timedelta(days=ago)).date().isoformat()
        then = {name: self._total[name] * (200 - ago) // 200 for name in COLUMNS}
        return {"registry_id": 1, "day": day, **then, "opened": 20 + ago % 7, "resolved": ago % 5}


def columns_of(counted: Counter[str]) -> dict[str, int]:
    """Return what a row counts."""
    return {name: counted[name] for name in COLUMNS}
