"""Reading what a repository's, a tag's, a rule's page and the list of findings show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from aiohttp import web

from mfl_lint.core.observation import Kind, Observation
from mfl_lint.core.reference import Reference, is_tag
from mfl_lint.core.rule import Rule
from mfl_lint.core.truth import FindingState, Tracked
from mfl_lint.core.views import (
    Counts,
    FindingFilter,
    FindingView,
    RegistryView,
    RepositoryView,
    TagRow,
)
from mfl_lint.crawl.stored import stored_observation
from mfl_lint.store import findings, registries, view_ignored, views
from mfl_lint.store.view_tags import tags_page
from mfl_lint.web import present
from mfl_lint.web.addressed import Place, repository_of
from mfl_lint.web.answers import (
    FindingsAnswer,
    RepositoryAnswer,
    RuleAnswer,
    RulesAnswer,
    TagAnswer,
)
from mfl_lint.web.entries import bounded_annotations, entries_of, is_attachment, stored_entries
from mfl_lint.web.hosts import host_items
from mfl_lint.web.insides import insides_of
from mfl_lint.web.items import FindingItem, RuleItem
from mfl_lint.web.matrix import column, matrix
from mfl_lint.web.overview import repository_items
from mfl_lint.web.past import past_of
from mfl_lint.web.query import Query, finding_filter, tag_filter, tag_order
from mfl_lint.web.services import Services


async def read_repository(
    services: Services, match: Mapping[str, str], query: Query
) -> RepositoryAnswer:
    """Return a repository's matrix with its own findings; 404 if it is not known."""
    registry, repository = await repository_of(services, match)
    policy, now = services.config().policy, services.now()
    wanted = tag_filter(query)
    rows = await tags_page(
        services.store,
        registry.name,
        repository.name,
        wanted,
        ignores=present.active_ignores(policy, now),
        order=tag_order(query),
        cursor=query.cursor,
        limit=query.limit,
    )
    (item,) = await repository_items(services, [repository])
    asked = [column(one) for one in (wanted.offers, wanted.lacks) if one is not None]
    drawn = matrix(rows.items, registry.name, repository.name, policy, now, asked)
    return RepositoryAnswer(
        host=registry.host,
        repository=item,
        findings=await own_findings(services, repository),
        platforms=drawn.platforms,
        more_platforms=drawn.more_platforms,
        items=drawn.items,
        next_cursor=rows.next_cursor,
    )


async def own_findings(services: Services, repository: RepositoryView) -> tuple[FindingItem, ...]:
    """Return what is wrong with the repository's name."""
    held = await registries.repository(services.store, repository.registry, repository.name)
    if held is None:
        return ()
    tracked = await findings.tracked(services.store, held.id, [""])
    standing = [one for one in tracked.get("", ()) if one.state is not FindingState.RESOLVED]
    return present.worst_first(_items(services, standing))


async def read_tag(services: Services, match: Mapping[str, str], query: Query) -> TagAnswer:
    """Return one tag with all below it; 404 if it is not known."""
    registry, repository = await repository_of(services, match)
    place = (registry.name, repository.name, match["tag"])
    row = await views.tag(services.store, *place) if is_tag(match["tag"]) else None
    if row is None:
        raise web.HTTPNotFound(
            text=f"{repository.name} has no tag {match['tag'][:128]!a} that is known"
        )
    observation = await stored_observation(services.store, *place)
    before = FindingFilter(*place, states=(str(FindingState.RESOLVED),), watched=False)
    resolved = await views.findings_page(services.store, before, limit=20)
    answer = _tag_answer(services, registry, row, observation, place)
    root = observation.root if observation is not None else None
    return msgspec.structs.replace(
        answer,
        resolved=_items(services, resolved.items),
        history=await past_of(services, place),
        hosts=host_items(root, answer.tag.cells),
        insides=await insides_of(services.store, root),
    )


def _tag_answer(
    services: Services,
    registry: RegistryView,
    row: TagRow,
    observation: Observation | None,
    place: Place,
) -> TagAnswer:
    drawn = matrix([row], place[0], place[1], services.config().policy, services.now())
    standing = present.worst_first(_items(services, row.findings))
    root = observation.root if observation is not None else None
    entries = entries_of(root) if root is not None else stored_entries(row.entries)
    return TagAnswer(
        host=registry.host,
        reference=str(Reference(registry.host, place[1], place[2])),
        tag=drawn.items[0],
        registry=place[0],
        repository=place[1],
        media_type=root.document.media_type if root and root.document else "",
        kind=str(root.kind if root else Kind.UNDECIDED),
        entries=tuple(entry for entry in entries if not is_attachment(entry)),
        attachments=tuple(filter(is_attachment, entries)),
        annotations=bounded_annotations(root.document.annotations)
        if root and root.document
        else {},
        findings=tuple(item for item in standing if item.ignored is None),
        ignored=tuple(item for item in standing if item.ignored is not None),
    )


async def read_findings(
    services: Services, match: Mapping[str, str], query: Query
) -> FindingsAnswer:
    """Return the findings that the parameters ask for."""
    page = await views.findings_page(
        services.store,
        finding_filter(query, services.now()),
        cursor=query.cursor,
        limit=query.limit,
    )
    return FindingsAnswer(items=_items(services, page.items), next_cursor=page.next_cursor)


async def read_rules(services: Services, match: Mapping[str, str], query: Query) -> RulesAnswer:
    """Return all rules by id."""
    ordered = sorted(services.rules, key=lambda rule: rule.id)
    return RulesAnswer(items=await _rule_items(services, ordered))


async def _rule_items(services: Services, rules: Iterable[Rule]) -> tuple[RuleItem, ...]:
    policy = services.config().policy
    ignores = present.active_ignores(policy, services.now())
    counts = await views.rule_counts(services.store)
    ignored = await view_ignored.ignored_by_rule(services.store, ignores)
    return tuple(
        present.rule_item(
            rule, policy, present.without(counts.get(rule.id, Counts()), ignored.get(rule.id))
        )
        for rule in rules
    )


async def read_rule(services: Services, match: Mapping[str, str], query: Query) -> RuleAnswer:
    """Return one rule with what it found; 404 if there is none of that id or slug."""
    rule = _rule_of(services, match["id"])
    (item,) = await _rule_items(services, [rule])
    page = await views.findings_page(
        services.store, FindingFilter(rule=rule.id), cursor=query.cursor, limit=query.limit
    )
    return RuleAnswer(
        rule=item,
        sections=dict(rule.sections),
        items=_items(services, page.items),
        next_cursor=page.next_cursor,
    )


def _rule_of(services: Services, name: str) -> Rule:
    for rule in services.rules:
        if name in (rule.id, rule.slug):
            return rule
    raise web.HTTPNotFound(text=f"there is no rule {name[:100]!a}")


def _items(services: Services, found: Iterable[FindingView | Tracked]) -> tuple[FindingItem, ...]:
    ignores = present.active_ignores(services.config().policy, services.now())
    return tuple(present.finding_item(one, ignores) for one in found)
