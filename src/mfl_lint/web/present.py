"""Core values as the items that pages show and the API sends. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby

import msgspec

from mfl_lint.core.policy import Ignore, Policy
from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.core.rule import Finding, Rule
from mfl_lint.core.truth import FindingState, Tracked
from mfl_lint.core.views import (
    BrokenTag,
    Counts,
    FindingView,
    RegistryView,
    RepositoryView,
    TransitionView,
)
from mfl_lint.rules import family_of
from mfl_lint.store.view_uncertain import Uncertain
from mfl_lint.web import links
from mfl_lint.web.items import (
    BrokenItem,
    ChangeItem,
    CrawlItem,
    FindingItem,
    Ignored,
    RegistryItem,
    RepositoryItem,
    RuleItem,
)


def ignored_by(finding: Finding, ignores: Sequence[Ignore]) -> Ignored | None:
    """Return which of the ignores that hold is for the finding, None where it counts."""
    for ignore in ignores:
        if ignore.names(finding.rule, finding.registry, finding.repository, finding.tag):
            return Ignored(ignore.reason, ignore.expires)
    return None


def active_ignores(policy: Policy, now: datetime) -> tuple[Ignore, ...]:
    """Return the ignores that hold at `now`."""
    return tuple(one for one in policy.ignores if one.expires is None or now < one.expires)


def without(counts: Counts, ignored: Counts | None) -> Counts:
    """Return the counts without what is ignored of them."""
    if ignored is None:
        return counts
    # Counted one after the other: in between something may have resolved.
    return Counts(
        error=max(0, counts.error - ignored.error),
        warning=max(0, counts.warning - ignored.warning),
        info=max(0, counts.info - ignored.info),
        unknown=max(0, counts.unknown - ignored.unknown),
    )


def finding_item(view: FindingView | Tracked, ignores: Sequence[Ignore]) -> FindingItem:
    """Return a finding as it is shown while these ignores hold."""
    item, ignored = _counting_item(view), ignored_by(view.finding, ignores)
    return item if ignored is None else msgspec.structs.replace(item, ignored=ignored)


@lru_cache(maxsize=4096)
def _counting_item(view: FindingView | Tracked) -> FindingItem:
    """Return a finding that nobody ignores; most are what they were when last shown."""
    finding = view.finding
    return FindingItem(
        rule=finding.rule,
        slug=finding.slug,
        severity=str(finding.severity),
        state=str(view.state),
        registry=finding.registry,
        repository=finding.repository,
        tag=finding.tag,
        reference=finding.reference,
        digest=finding.digest,
        platform=finding.platform,
        position=finding.position,
        message=finding.message,
        fix=finding.fix,
        fingerprint=finding.fingerprint,
        first_seen_at=view.first_seen_at,
        last_confirmed_at=view.last_confirmed_at,
        resolved_at=view.resolved_at,
        ignored=None,
        page=links.subject(finding.registry, finding.repository, finding.tag),
    )


def apart(
    items: Sequence[FindingItem],
) -> tuple[tuple[FindingItem, ...], tuple[FindingItem, ...]]:
    """Return those that count and those that are ignored."""
    ignored = tuple(item for item in items if item.ignored is not None)
    if not ignored:
        return tuple(items), ()
    return tuple(item for item in items if item.ignored is None), ignored


def worst_first(items: Iterable[FindingItem]) -> tuple[FindingItem, ...]:
    """Return findings in the order in which a person wants to read them."""
    order = ("error", "warning", "info")
    return tuple(sorted(items, key=lambda item: (order.index(item.severity), item.rule)))


def counts_of(findings: Iterable[FindingItem]) -> Counts:
    """Count the findings that stand and are not ignored."""
    tally = dict.fromkeys(("error", "warning", "info", "unknown"), 0)
    for item in findings:
        if item.ignored is None and item.state != FindingState.RESOLVED:
            unknown = item.state == FindingState.UNKNOWN
            tally["unknown" if unknown else item.severity] += 1
    return Counts(**tally)


def sum_counts(counts: Iterable[Counts]) -> Counts:
    """Add up counts."""
    given = tuple(counts)
    return Counts(
        error=sum(item.error for item in given),
        warning=sum(item.warning for item in given),
        info=sum(item.info for item in given),
        unknown=sum(item.unknown for item in given),
    )


def crawl_item(crawl: CrawlRecord, live: Sequence[CrawlRecord] = ()) -> CrawlItem:
    """Return a crawl as it is shown, with the newest figures there are of it."""
    record = next((item for item in live if item.id == crawl.id), crawl)
    return CrawlItem(
        id=record.id,
        registry=record.registry,
        status=str(record.status),
        started_at=record.started_at,
        finished_at=record.finished_at,
        repositories=record.repositories,
        repositories_done=record.repositories_done,
        tags=record.tags,
        requests=record.requests,
        opened=record.opened,
        resolved=record.resolved,
        problem=record.problem,
        page=links.crawl(record.id),
        partial=record.partial,
    )


def registry_item(
    view: RegistryView,
    live: Sequence[CrawlRecord],
    next_crawl_at: datetime | None,
    uncertain: Uncertain,
) -> RegistryItem:
    """Return a registry as it is shown; a crawl that runs here, best a whole one, is its last."""
    here = (item for item in live if item.registry == view.name)
    running = sorted(here, key=lambda item: not item.partial)
    last = running[-1] if running else view.last_crawl
    return RegistryItem(
        name=view.name,
        host=view.host,
        watched=view.watched,
        state=_registry_state(view, last, uncertain),
        notice=view.notice,
        repositories=view.repositories,
        tags=view.tags,
        counts=view.counts,
        uncertain_tags=uncertain.tags,
        unlisted_repositories=uncertain.repositories,
        last_crawl=crawl_item(last) if last else None,
        next_crawl_at=next_crawl_at,
        page=links.registry(view.name),
    )


def _registry_state(view: RegistryView, last: CrawlRecord | None, uncertain: Uncertain) -> str:
    if not view.watched:
        return "unwatched"
    if view.notice:
        return "notice"
    if last is None:
        return "waiting"
    if last.status in (CrawlStatus.RUNNING, CrawlStatus.FAILED):
        return "crawling" if last.status is CrawlStatus.RUNNING else "failed"
    state = worst(view.counts)
    return "unknown" if state == "ok" and uncertain != Uncertain() else state


def worst(counts: Counts) -> str:
    """Return the worst severity that stands, else unknown or ok; info leaves a thing ok."""
    if counts.error:
        return "error"
    if counts.warning:
        return "warning"
    return "unknown" if counts.unknown else "ok"


def repository_item(
    view: RepositoryView, ignored: Counts | None = None, uncertain_tags: int = 0
) -> RepositoryItem:
    """Return a repository as it is shown, without what is ignored."""
    return RepositoryItem(
        registry=view.registry,
        name=view.name,
        watched=view.watched,
        tags=view.tags,
        counts=without(view.counts, ignored),
        uncertain_tags=uncertain_tags,
        look=str(view.look) if view.look else None,
        detail=view.detail,
        last_crawled_at=view.last_crawled_at,
        page=links.repository(view.registry, view.name),
    )


def broken_item(broken: BrokenTag) -> BrokenItem:
    """Return a broken tag as it is shown."""
    return BrokenItem(
        registry=broken.registry,
        repository=broken.repository,
        tag=broken.tag,
        counts=broken.counts,
        since=broken.since,
        faults=tuple(dict.fromkeys(broken.faults)),
        page=links.subject(broken.registry, broken.repository, broken.tag),
    )


def change_item(view: TransitionView) -> ChangeItem:
    """Return a change as it is shown."""
    finding, transition = view.finding, view.transition
    return ChangeItem(
        id=transition.id,
        change=str(transition.change),
        at=transition.at,
        reason=transition.reason,
        rule=finding.rule,
        slug=finding.slug,
        severity=str(finding.severity),
        registry=finding.registry,
        repository=finding.repository,
        tag=finding.tag,
        platform=finding.platform,
        message=finding.message,
        page=links.subject(finding.registry, finding.repository, finding.tag),
    )


def together(changes: Iterable[ChangeItem]) -> list[list[ChangeItem]]:
    """Return changes in groups: what became the same of one tag, one after the other."""
    groups = groupby(changes, lambda item: (item.page, item.change))
    return [list(group) for _, group in groups]


def rule_item(rule: Rule, policy: Policy, counts: Counts) -> RuleItem:
    """Return a rule as it holds under the policy."""
    override = policy.severities.get(rule.id) or policy.severities.get(rule.slug)
    return RuleItem(
        id=rule.id,
        slug=rule.slug,
        severity=str(override or rule.severity),
        default_severity=str(rule.severity),
        disabled=rule.id in policy.disabled or rule.slug in policy.disabled,
        family=family_of(rule.id),
        needs=tuple(str(item) for item in rule.needs),
        what=rule.what,
        counts=counts,
        page=links.rule(rule.id),
    )
