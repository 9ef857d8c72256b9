"""What pages show and the API sends of one thing each; keys may be added, never changed.

Times are aware UTC; an absent one is null. `page` is the path of the page about an item.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from mfl_lint.core.views import Counts, Told


class Ignored(msgspec.Struct, frozen=True):
    """Why a finding is lived with, and until when."""

    reason: str
    expires: datetime | None


class FindingItem(msgspec.Struct, frozen=True, cache_hash=True, kw_only=True):
    """A finding with its life; `ignored` is null where it counts."""

    rule: str
    slug: str
    severity: str
    state: str
    registry: str
    repository: str
    tag: str
    reference: str
    digest: str | None
    platform: str
    position: int | None
    message: str
    fix: str
    fingerprint: str
    first_seen_at: datetime
    last_confirmed_at: datetime
    resolved_at: datetime | None
    ignored: Ignored | None
    page: str


class CrawlItem(msgspec.Struct, frozen=True, kw_only=True):
    """One crawl; its figures grow while it runs. `partial`: of some repositories only."""

    id: int
    registry: str
    status: str
    started_at: datetime
    finished_at: datetime | None
    repositories: int
    repositories_done: int
    tags: int
    requests: int
    opened: int
    resolved: int
    problem: str
    page: str
    partial: bool = False


class RegistryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A registry. `state`: unwatched, crawling, notice, failed, waiting, or how its tags are.

    That is error, warning, unknown or ok. `uncertain_tags` were not seen whole, or a rule could
    not decide; `unlisted_repositories` are those whose tags were not listed.
    """

    name: str
    host: str
    watched: bool
    state: str
    notice: str
    repositories: int
    tags: int
    counts: Counts
    uncertain_tags: int
    unlisted_repositories: int
    last_crawl: CrawlItem | None
    next_crawl_at: datetime | None
    page: str


class RepositoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """A repository; `look` and `detail` say how its last listing ended."""

    registry: str
    name: str
    watched: bool
    tags: int
    counts: Counts
    uncertain_tags: int
    look: str | None
    detail: str
    last_crawled_at: datetime | None
    page: str


class BrokenItem(msgspec.Struct, frozen=True, cache_hash=True, kw_only=True):
    """A tag with findings that count, the worst of them, and since when the oldest stands."""

    registry: str
    repository: str
    tag: str
    counts: Counts
    since: datetime | None
    page: str
    faults: tuple[Told, ...] = ()


class ChangeItem(msgspec.Struct, frozen=True, cache_hash=True, kw_only=True):
    """What happened to a finding."""

    id: str
    change: str
    at: datetime
    reason: str
    rule: str
    slug: str
    severity: str
    registry: str
    repository: str
    tag: str
    platform: str
    message: str
    page: str


class Cell(msgspec.Struct, frozen=True):
    """One tag on one platform: ok, info, warning, error, absent, missing, unknown or none.

    `absent`: listed, but gone from the registry; `missing`: demanded, but not listed; `none`:
    neither demanded nor listed.
    """

    state: str
    reason: str


class TagItem(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the matrix: `cells` by platform, the worst severity of it all in `state`.

    That is unknown where nothing worse is found, but not all was seen or decided; `detail` says
    why. `counts` are the findings that count; `ignored` how many do not.
    """

    tag: str
    digest: str | None
    look: str
    detail: str
    state: str
    watched: bool
    counts: Counts
    ignored: int
    first_seen_at: datetime | None
    moved_at: datetime | None
    looked_at: datetime | None
    verified_at: datetime | None
    missing_since: datetime | None
    gone_at: datetime | None
    cells: Mapping[str, Cell]
    page: str


class EntryItem(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the tag's index, or the lone image itself.

    `path` is its position, `1.0` within a nested index. `size_bytes` is what a pull downloads
    (config and layers) where that is known, else the document's own size. `configured` is the
    platform that the image's config says, "" if it was not read. Of an attestation, `attests` is
    the path of the entry that it speaks of, `says` what of it (`provenance`, `sbom`).
    """

    path: str
    depth: int
    kind: str
    media_type: str
    digest: str | None
    platform: str
    configured: str
    contradicts: bool
    look: str
    detail: str
    size_bytes: int | None
    layers: int | None
    created_at: datetime | None
    annotations: Mapping[str, str]
    attests: str | None = None
    says: tuple[str, ...] = ()


class ReferencedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A tag with the digests of all manifests that pulling it may need, its own first.

    Where it is not `complete`, not all was seen, or it is not watched any more, and there may be
    more. What was pushed after `listed_at` (the repository's tags) or `verified_at` (this tag) is
    not in it.
    """

    registry: str
    repository: str
    tag: str
    digest: str
    digests: tuple[str, ...]
    complete: bool
    page: str
    listed_at: datetime | None = None
    verified_at: datetime | None = None


class PlacedItem(msgspec.Struct, frozen=True):
    """A repository with its tag of the name that is asked for, null where it has none."""

    registry: str
    repository: str
    tag: TagItem | None


class HitItem(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found: a repository, a tag or a digest, as `kind` says."""

    kind: str
    registry: str
    repository: str
    tag: str
    digest: str
    page: str


class ReadyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One platform: `answer` is yes, no or unknown, `ready` true, false or null.

    `digests` are the images that the engines take.
    """

    platform: str
    ready: bool | None
    answer: str
    reasons: tuple[str, ...]
    digests: tuple[str, ...]


class Doubt(msgspec.Struct, frozen=True):
    """Why nobody can say that all of a registry is well."""

    registry: str
    why: str
    page: str


class RuleItem(msgspec.Struct, frozen=True, kw_only=True):
    """A rule with the severity that holds here and its open findings."""

    id: str
    slug: str
    severity: str
    default_severity: str
    disabled: bool
    family: str
    needs: tuple[str, ...]
    what: str
    counts: Counts
    page: str
