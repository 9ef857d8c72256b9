"""Between rows and core values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import StoreError
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.records import Content, Entry, TagState
from mfl_lint.core.rule import Finding, TagSummary
from mfl_lint.core.truth import FindingState, Tracked
from mfl_lint.core.views import Counts
from mfl_lint.store.columns import from_json, to_json
from mfl_lint.store.compression import compressor, decompressed

_FITS: Final = 2**63
_VERSION: Final = re.compile(r"v?\d", re.IGNORECASE)
_NUMBER: Final = re.compile(r"\d+")
_FINDING_PLAIN: Final = (
    "rule",
    "slug",
    "reference",
    "digest",
    "platform",
    "position",
    "subject",
    "message",
    "fix",
    "fingerprint",
    "tag",
)
_TRACKED_PLAIN: Final = (
    "first_seen_at",
    "last_confirmed_at",
    "resolved_at",
    "missed_rounds",
    "sequence",
)
WEIGHTS: Final = {Severity.ERROR: 3, Severity.WARNING: 2, Severity.INFO: 1}


def sort_key(tag: str) -> str:
    """Return text that sorts `latest` first, then versions newest first, then others by name."""
    if tag == "latest":
        return "0"
    if not _VERSION.match(tag):
        return "2" + tag
    numbers = _NUMBER.sub(lambda n: f"{max(0, 10**18 - 1 - int(n[0][:18])):018}", tag.lstrip("vV"))
    return "1" + numbers


def tag_row(repository_id: int, state: TagState) -> dict[str, Any]:
    """Return the row of a tag, but for its counters."""
    return {
        "repository_id": repository_id,
        "name": state.name,
        "sort_key": sort_key(state.name),
        "digest": state.digest,
        "look": state.look.value,
        "detail": state.detail,
        "first_seen_at": state.first_seen_at,
        "looked_at": state.looked_at,
        "verified_at": state.verified_at,
        "walked_at": state.walked_at,
        "moved_at": state.moved_at,
        "missing_since": state.missing_since,
        "gone_at": state.gone_at,
        "watched": state.watched,
        "complete": state.complete,
        "judged_hash": state.judged_hash,
        "unsettled": state.unsettled,
        "summary": None if state.summary is None else to_json(state.summary),
    }


def tag_state(row: Any) -> TagState:
    """Return the tag of a row."""
    return TagState(
        name=row.name,
        digest=row.digest,
        look=LookState(row.look),
        detail=row.detail,
        first_seen_at=row.first_seen_at,
        looked_at=row.looked_at,
        verified_at=row.verified_at,
        walked_at=row.walked_at,
        moved_at=row.moved_at,
        missing_since=row.missing_since,
        gone_at=row.gone_at,
        watched=row.watched,
        complete=row.complete,
        judged_hash=row.judged_hash,
        unsettled=row.unsettled,
        summary=summary(row),
    )


def summary(row: Any) -> TagSummary | None:
    """Return a tag's summary, None where it was not looked at."""
    return None if row.summary is None else from_json(row.summary, TagSummary)


def entry_row(index: Digest, entry: Entry) -> dict[str, Any]:
    """Return the row of an entry; an absent platform has no os."""
    given, platform = entry.descriptor, entry.descriptor.platform or Platform()
    size = given.size_bytes
    return {
        "index_digest": index,
        "position": entry.position,
        "digest": given.digest,
        "media_type": given.media_type,
        "size_bytes": size if size is not None and size < _FITS else None,
        "os": platform.os if given.platform is not None else None,
        "architecture": platform.architecture,
        "variant": platform.variant,
        "os_version": platform.os_version,
        "os_features": to_json(platform.os_features) if platform.os_features else "",
        "annotations": to_json(given.annotations) if given.annotations else "",
        "artifact_type": given.artifact_type,
        "urls": to_json(given.urls) if given.urls else "",
        "kind": entry.kind.value,
    }


def entry_value(row: Any, look: str | None) -> Entry:
    """Return the entry of a row; `look` is the last look at its digest."""
    features = tuple(from_json(row.os_features, list[str])) if row.os_features else ()
    platform = Platform(row.os or "", row.architecture, row.variant, row.os_version, features)
    descriptor = Descriptor(
        media_type=row.media_type,
        digest=row.digest,
        size_bytes=row.size_bytes,
        platform=None if row.os is None else platform,
        annotations=from_json(row.annotations, dict[str, str]) if row.annotations else {},
        artifact_type=row.artifact_type,
        urls=tuple(from_json(row.urls, list[str])) if row.urls else (),
    )
    return Entry(
        row.position, descriptor, Kind(row.kind), None if look is None else LookState(look)
    )


def finding_row(tracked: Tracked) -> dict[str, Any]:
    """Return the row of a finding, but for the ids of its place."""
    finding = tracked.finding
    row = {name: getattr(finding, name) for name in _FINDING_PLAIN}
    row |= {name: getattr(tracked, name) for name in _TRACKED_PLAIN}
    row["severity"] = finding.severity.value
    row["weight"] = WEIGHTS[finding.severity]
    row["state"] = tracked.state.value
    return row


def finding_value(row: Any) -> Finding:
    """Return the finding of a row that names `registry` and `repository` too."""
    return Finding(
        severity=Severity(row.severity),
        registry=row.registry,
        repository=row.repository,
        **{name: getattr(row, name) for name in _FINDING_PLAIN},
    )


def tracked_value(row: Any) -> Tracked:
    """Return the finding of a row with its life."""
    life = {name: getattr(row, name) for name in _TRACKED_PLAIN}
    return Tracked(finding_value(row), FindingState(row.state), **life)


def content_rows(contents: Sequence[Content], at: Any) -> list[dict[str, Any]]:
    """Return the rows of documents, compressed, each digest once, in the order of digests.

    Two transactions that write the same digests in one order cannot block one another.
    """
    once, compress = {content.digest: content for content in contents}, compressor()
    return [
        {
            "digest": content.digest,
            "media_type": content.media_type,
            "raw": compress(content.raw),
            "size_bytes": len(content.raw),
            "fetched_at": at,
        }
        for _, content in sorted(once.items())
    ]


def content_value(row: Any) -> Content:
    """Return the document of a row; StoreError if its bytes were damaged."""
    try:
        raw = decompressed(row.raw)
    except ValueError as error:
        raise StoreError(f"the stored document {row.digest} is damaged: {error}") from error
    return Content(row.digest, raw, row.media_type)


def counts(row: Any) -> Counts:
    """Return the counters of a row."""
    return Counts(row.error, row.warning, row.info, row.unknown)
