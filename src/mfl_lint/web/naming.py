"""What names are blamed for, beside a plan: of one list alone it knows no other name."""

from __future__ import annotations

import msgspec

from mfl_lint.core.mendable import NAMES, mend_command
from mfl_lint.core.observation import Observation
from mfl_lint.core.views import RepositoryView
from mfl_lint.mend.fixing import may_be_grouped
from mfl_lint.store import views
from mfl_lint.web import present
from mfl_lint.web.inspection import own_findings
from mfl_lint.web.services import Services


class NamedItem(msgspec.Struct, frozen=True, kw_only=True):
    """A name that says a platform; `command` makes one list of all like it, "" where none does."""

    rule: str
    platform: str
    message: str
    command: str


async def named_of(
    services: Services, repository: RepositoryView, seen: Observation
) -> tuple[NamedItem, ...]:
    """Return what the names of a tag and of its repository are blamed for."""
    place = (repository.registry, repository.name, seen.reference.target)
    row = await views.tag(services.store, *place)
    ignores = present.active_ignores(services.config().policy, services.now())
    of_tag = (present.finding_item(one, ignores) for one in (row.findings if row else ()))
    items = (*await own_findings(services, repository), *of_tag)
    grouped, reference = may_be_grouped(seen), str(seen.reference)
    return tuple(
        NamedItem(
            rule=one.rule,
            platform=one.platform,
            message=one.message,
            command=mend_command(one.rule, reference, one.fix) if grouped else "",
        )
        for one in items
        if one.rule in NAMES and one.ignored is None
    )
