"""Data of every released revision survives the upgrade to this one."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import Counts, FindingFilter
from mfl_lint.store import dump, observations, registries, views
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import check, head, upgrade
from tests.store.batches import content, digest, later
from tests.upgrades.make import make

FOLDER = Path(__file__).parents[1] / "upgrades"
RELEASES = sorted(file.stem for file in FOLDER.glob("*.sql"))


@pytest.fixture
def restored(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of the database that a release left behind, upgraded."""
    file = tmp_path / "mfl-lint.db"
    connection = sqlite3.connect(file)
    connection.executescript((FOLDER / f"{request.param}.sql").read_text(encoding="utf-8"))
    connection.close()
    url = f"sqlite:///{file}"
    assert head() == upgrade(url)
    return url


def test_there_is_a_database_of_each_release() -> None:
    log = (FOLDER.parents[1] / "CHANGELOG.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^## (\d\S*)", log, re.MULTILINE)) == sorted(RELEASES)


@pytest.mark.parametrize("restored", RELEASES, indirect=True)
def test_an_upgraded_database_has_this_releases_tables(restored: str) -> None:
    assert [] == check(restored)


@pytest.mark.parametrize("restored", RELEASES, indirect=True)
async def test_tags_documents_and_history_are_there_after_the_upgrade(restored: str) -> None:
    async with open_store(restored) as store:
        repository = await registries.repository(store, "one", "team/app")
        assert repository is not None
        tags = await observations.known_tags(store, repository.id)
        assert {"v1": digest("moved"), "v2": digest("v2")} == {
            name: tag.digest for name, tag in tags.items()
        }
        assert later(days=1) == tags["v2"].verified_at
        kept = await observations.contents(store, [digest("child 0")])
        assert {digest("child 0"): content("child 0")} == kept
        history = await views.tag_history(store, "one", "team/app", "v1")
        assert [digest("moved"), digest("v1")] == [item.digest for item in history]
        row = await views.tag(store, "one", "team/app", "v1")
        assert row is not None
        assert "10.0.20348.1" == getattr(row.entries[0].descriptor.platform, "os_version", "")


@pytest.mark.parametrize("restored", RELEASES, indirect=True)
async def test_findings_and_their_counts_are_there_after_the_upgrade(
    request: pytest.FixtureRequest, restored: str
) -> None:
    release = request.node.callspec.params["restored"]
    # Nothing ever read what releases before 0.4.0 left to be told; since then all of it is told.
    waiting = 0 if release in ("0.1.0", "0.2.0", "0.3.0") else 5
    async with open_store(restored) as store:
        page = await views.findings_page(store, FindingFilter(states=()))
        expected = {
            ("MFL101", "v1", FindingState.RESOLVED),
            ("MFL201", "v1", FindingState.OPEN),
            ("MFL101", "v2", FindingState.OPEN),
            ("MFL301", "", FindingState.OPEN),
        }
        found = {(view.finding.rule, view.finding.tag, view.state) for view in page.items}
        assert expected == found
        registry = await views.registry(store, "one")
        assert registry is not None
        assert (1, 2, Counts(error=2, warning=1)) == (
            registry.repositories,
            registry.tags,
            registry.counts,
        )
        rows = (await dump.figures(store)).rows
        assert (5, waiting, 1, 2) == (
            rows["transitions"],
            rows["outbox"],
            rows["look_requests"],
            rows["crawls"],
        )


def test_the_database_of_a_release_is_made_alike_each_time() -> None:
    assert make() == make()
