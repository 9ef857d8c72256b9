"""What the store holds of a registry now, in the shape of a scan, for printing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.reference import Reference
from mfl_lint.core.scan import Scan, ScannedPlatform, ScannedTarget, report_order
from mfl_lint.core.views import FindingFilter, FindingView, TagRow
from mfl_lint.store import registries, views
from mfl_lint.store.engine import Store

_PAGE: Final = 200


async def recorded_scan(store: Store, registry: str, now: datetime) -> Scan:
    """Return every tag of a registry with its open findings; for registries that fit in a report.

    No look is made: `started_at` is `now`.
    """
    view = await views.registry(store, registry)
    targets: list[ScannedTarget] = []
    if view is not None:
        for repository in await registries.repositories(store, registry):
            async for row in _rows(store, registry, repository.name):
                reference = Reference(view.host, repository.name, row.state.name)
                targets.append(_target(reference, row))
    findings = [item.finding async for item in open_findings(store, registry)]
    problems = (view.notice,) if view is not None and view.notice else ()
    return Scan(now, tuple(targets), tuple(sorted(findings, key=report_order)), problems)


async def _rows(store: Store, registry: str, repository: str) -> AsyncIterator[TagRow]:
    cursor: str | None = None
    while True:
        page = await views.tag_rows(store, registry, repository, cursor=cursor, limit=_PAGE)
        for row in page.items:
            if row.state.watched and row.state.gone_at is None:
                yield row
        cursor = page.next_cursor
        if cursor is None:
            return


async def open_findings(store: Store, registry: str) -> AsyncIterator[FindingView]:
    """Yield the registry's findings that are open, worst first."""
    wanted = FindingFilter(registry=registry, states=("open",))
    cursor: str | None = None
    while True:
        page = await views.findings_page(store, wanted, cursor=cursor, limit=_PAGE)
        for item in page.items:
            yield item
        cursor = page.next_cursor
        if cursor is None:
            return


def _target(reference: Reference, row: TagRow) -> ScannedTarget:
    platforms = tuple(
        ScannedPlatform(
            platform=entry.descriptor.platform.full if entry.descriptor.platform else "",
            digest=entry.descriptor.digest,
            size_bytes=entry.descriptor.size_bytes,
            state=entry.look or LookState.VERIFIED,
        )
        for entry in row.entries
        if entry.kind in (Kind.IMAGE, Kind.UNDECIDED)
    )
    state = row.state
    return ScannedTarget(
        reference=reference.familiar,
        canonical=str(reference),
        digest=state.digest,
        media_type="",
        state=state.look,
        detail=state.detail,
        platforms=platforms,
    )
