"""Core values as the items that are shown."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from mfl_lint.core.policy import Policy, Severity
from mfl_lint.core.records import CrawlRecord, CrawlStatus
from mfl_lint.core.views import BrokenTag, Counts, RegistryView, Told
from mfl_lint.store.view_uncertain import Uncertain
from mfl_lint.web import present
from mfl_lint.web.items import ChangeItem
from tests.web.filled_store import RULES

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DONE = CrawlRecord(1, "hub", CrawlStatus.DONE, NOW, NOW)
FAILED = msgspec.structs.replace(DONE, status=CrawlStatus.FAILED)
RUNNING = CrawlRecord(2, "hub", CrawlStatus.RUNNING, NOW)
HUB = RegistryView("hub", "docker.io", True, 1, 1, Counts(), "", DONE)


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "ok"),
        ({"counts": Counts(info=1)}, "ok"),
        ({"counts": Counts(unknown=1)}, "unknown"),
        ({"counts": Counts(warning=1, unknown=1)}, "warning"),
        ({"counts": Counts(error=1, warning=1)}, "error"),
        ({"last_crawl": None}, "waiting"),
        ({"last_crawl": FAILED, "counts": Counts(error=1)}, "failed"),
        ({"last_crawl": RUNNING}, "crawling"),
        ({"last_crawl": RUNNING, "notice": "unreachable"}, "notice"),
        ({"last_crawl": RUNNING, "counts": Counts(error=1)}, "crawling"),
        ({"watched": False, "notice": "unreachable"}, "unwatched"),
    ],
)
def test_a_registrys_state_is_what_matters_most(changes: dict[str, object], state: str) -> None:
    view = msgspec.structs.replace(HUB, **changes)

    assert state == present.registry_item(view, (), None, Uncertain()).state


@pytest.mark.parametrize("unsure", [Uncertain(1, 0), Uncertain(0, 1)])
def test_a_registry_of_which_not_all_is_certain_is_not_healthy(unsure: Uncertain) -> None:
    broken = msgspec.structs.replace(HUB, counts=Counts(warning=1))

    assert "unknown" == present.registry_item(HUB, (), None, unsure).state
    assert "warning" == present.registry_item(broken, (), None, unsure).state


def test_of_crawls_that_run_here_a_whole_one_is_shown_first() -> None:
    some = msgspec.structs.replace(RUNNING, id=3, partial=True)
    for live in ((RUNNING, some), (some, RUNNING)):
        item = present.registry_item(HUB, live, NOW, Uncertain())
        assert item.last_crawl is not None
        assert RUNNING.id == item.last_crawl.id


def test_a_crawl_that_runs_here_is_newer_than_the_stores() -> None:
    item = present.registry_item(HUB, (RUNNING,), NOW, Uncertain())
    stored = msgspec.structs.replace(RUNNING, tags=1)

    assert ("crawling", NOW) == (item.state, item.next_crawl_at)
    assert 0 == present.crawl_item(stored, (DONE, RUNNING)).tags


def test_a_rule_is_shown_as_the_policy_has_it() -> None:
    rule = RULES[0]
    policy = Policy(severities={rule.slug: Severity.INFO}, disabled=frozenset({rule.id}))
    item = present.rule_item(rule, policy, Counts())

    assert ("info", rule.severity, True) == (item.severity, item.default_severity, item.disabled)


def change(tag: str, what: str, rule: str = "MFL101") -> ChangeItem:
    """Return what happened to a finding of a tag."""
    return ChangeItem(
        id="",
        change=what,
        at=NOW,
        reason="",
        rule=rule,
        slug="",
        severity="error",
        registry="hub",
        repository="team/app",
        tag=tag,
        platform="",
        message="",
        page=f"/t/hub/team/app:{tag}",
    )


def test_changes_stand_together_where_the_same_became_of_one_tag() -> None:
    told = [
        change("v1", "opened"),
        change("v1", "opened", "MFL401"),
        change("v1", "resolved"),
        change("v2", "resolved"),
        change("v1", "opened"),
    ]
    groups = [[told[0], told[1]], [told[2]], [told[3]], [told[4]]]
    assert groups == present.together(told)


def test_what_is_wrong_with_a_tag_is_said_once() -> None:
    told = Told("MFL501", "platform-lost", "")
    other = Told("MFL201", "dangling-digest", "linux/arm64")
    broken = BrokenTag("hub", "team/app", "v1", Counts(error=3), NOW, (told, told, other))
    assert (told, other) == present.broken_item(broken).faults
