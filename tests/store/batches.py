"""What a crawl would record, made in a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mfl_lint.config import RegistryConfig
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.manifest import OCI_INDEX, OCI_MANIFEST, Descriptor
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.records import Batch, Content, Entry, Lease, Presence, TagState, TagWrite
from mfl_lint.core.rule import Finding, Judgement, TagSummary, fingerprint
from mfl_lint.core.truth import Settlement, Tracked, settle
from mfl_lint.store import crawls, leases, registries
from mfl_lint.store.engine import Store

NOW: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RULES: Final = frozenset({"MFL101", "MFL201", "MFL301"})


def later(**spans: float) -> datetime:
    """Return a time after NOW."""
    return NOW + timedelta(**spans)


def digest(text: str) -> Digest:
    """Return the digest of a text."""
    return digest_of(text.encode())


def finding(
    tag: str = "v1",
    rule: str = "MFL101",
    severity: Severity = Severity.ERROR,
    **changed: Any,
) -> Finding:
    """Return a finding of a tag of `one/team/app`."""
    subject = changed.get("subject", "linux/arm64")
    registry, repository = changed.get("registry", "one"), changed.get("repository", "team/app")
    fields: dict[str, Any] = {
        "slug": "wrong-platform",
        "registry": registry,
        "repository": repository,
        "reference": f"registry.test/{repository}:{tag}",
        "digest": digest("index"),
        "platform": "linux/arm64",
        "position": 1,
        "subject": subject,
        "message": "the entry says linux/arm64, the config linux/amd64",
        "fix": "docker manifest annotate …",
        "fingerprint": fingerprint(rule, registry, repository, tag, subject, 0),
    }
    return Finding(rule=rule, severity=severity, tag=tag, **(fields | changed))


def found(
    *findings: Finding,
    before: Sequence[Tracked] = (),
    at: datetime = NOW,
    complete: bool = True,
) -> Settlement:
    """Return what a look makes of the findings before, when it finds these."""
    return settle(
        before,
        Judgement(findings, ()),
        complete=complete,
        judged=RULES,
        now=at,
        missed_rounds=3,
    )


def state(name: str = "v1", content: str | None = None, **changed: Any) -> TagState:
    """Return a tag that was just seen, pointing at the digest of `content`."""
    seen = digest(content or name)
    fields: dict[str, Any] = {
        "digest": seen,
        "look": LookState.VERIFIED,
        "first_seen_at": NOW,
        "looked_at": NOW,
        "verified_at": NOW,
        "walked_at": NOW,
        "complete": True,
        "judged_hash": "rules",
        "summary": TagSummary(name, seen, True, (Platform("linux", "arm64", "v8"),), (seen,)),
    }
    return TagState(name, **(fields | changed))


def entry(position: int = 0, **changed: Any) -> Entry:
    """Return an entry with everything in it."""
    fields: dict[str, Any] = {
        "media_type": OCI_MANIFEST,
        "digest": digest(f"child {position}"),
        "size_bytes": 1234,
        "platform": Platform("windows", "amd64", "", "10.0.20348.1", ("win32k",)),
        "annotations": {"com.example.key": "välue"},
        "artifact_type": "application/x",
        "urls": ("https://example.test/x",),
    }
    return Entry(position, Descriptor(**(fields | changed)), Kind.IMAGE)


def write(
    name: str = "v1",
    *findings: Finding,
    settlement: Settlement | None = None,
    entries: int = 2,
    **changed: Any,
) -> TagWrite:
    """Return all consequences of a look at one tag, with these findings opened."""
    listed = tuple(entry(position) for position in range(entries))
    seen = [one.descriptor.digest for one in listed if one.descriptor.digest is not None]
    return TagWrite(
        state=state(name, **changed),
        settlement=settlement if settlement is not None else found(*findings),
        entries=listed,
        presences=tuple(Presence(one, LookState.VERIFIED, "", NOW) for one in seen),
        moved=True,
    )


def content(text: str) -> Content:
    """Return a document with these bytes."""
    return Content(digest(text), text.encode(), OCI_INDEX)


def batch(*tags: TagWrite, crawl_id: int = 0, at: datetime = NOW, **more: Any) -> Batch:
    """Return one transaction of a crawl."""
    return Batch(crawl_id=crawl_id, at=at, tags=tags, **more)


async def lease(
    store: Store,
    repository: str = "team/app",
    *,
    registry: str = "one",
    holder: str = "me",
    now: datetime = NOW,
) -> Lease:
    """Return a lease on a repository, of a registry that is made known first."""
    watched = [RegistryConfig(name, f"{name}.test") for name in ("one", "two")]
    await registries.sync_registries(store, watched, now, ("one", "two"))
    held = await leases.acquire(store, registry, repository, holder, 120.0, now)
    assert held is not None
    return held


async def crawl(store: Store, registry: str = "one", now: datetime = NOW) -> int:
    """Return the id of a crawl that runs."""
    return await crawls.start_crawl(store, registry, now)
