"""Reading what became of findings, newest first, for the API and the feeds."""

from __future__ import annotations

from collections.abc import Mapping

from mfl_lint.core.truth import Change
from mfl_lint.core.views import Page, TransitionView
from mfl_lint.store import views
from mfl_lint.web import present
from mfl_lint.web.answers import TransitionsAnswer
from mfl_lint.web.query import Query
from mfl_lint.web.services import Services


async def read_transitions(
    services: Services, match: Mapping[str, str], query: Query
) -> TransitionsAnswer:
    """Return what opened, resolved or changed, newest first."""
    page = await transitions(services, query)
    return TransitionsAnswer(
        items=tuple(map(present.change_item, page.items)), next_cursor=page.next_cursor
    )


async def transitions(services: Services, query: Query) -> Page[TransitionView]:
    """Return the changes that the parameters ask for."""
    return await views.transitions_page(
        services.store,
        registry=query.text("registry") or None,
        repository=query.text("repository"),
        rule=query.text("rule"),
        changes=query.choices("change", [str(item) for item in Change]),
        cursor=query.cursor,
        limit=query.limit,
    )
