"""What people did, for admins."""

from __future__ import annotations

from collections.abc import Mapping

from mfl_lint.store import audit
from mfl_lint.web.answers import Answer
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services
from mfl_lint.web.writing import DeedItem


class AuditAnswer(Answer, frozen=True, kw_only=True):
    """What people did, the newest first."""

    items: tuple[DeedItem, ...]
    next_cursor: str | None


async def read_audit(services: Services, match: Mapping[str, str], query: Query) -> AuditAnswer:
    """Return what people did."""
    page = await audit.deeds(services.store, query.cursor, query.limit)
    return AuditAnswer(
        items=tuple(
            DeedItem(id=one.id, at=one.at, who=one.who, action=one.action, subject=one.subject)
            for one in page.items
        ),
        next_cursor=page.next_cursor,
    )
