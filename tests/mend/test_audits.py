"""What is pushed is on the disk before it is pushed, with the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mfl_lint.core.errors import StoreError
from mfl_lint.mend.audits import JOURNAL, Audits, Journal
from mfl_lint.mend.outcome import End
from mfl_lint.mend.push import push
from mfl_lint.mend.store_audit import StoreAudit
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import upgrade
from mfl_lint.store.pushes import known_pushes
from tests import faults
from tests.builders import image, index, place
from tests.fault_registry import AT_INDEX, FaultRegistry
from tests.mend.pushing import clients, plan_for

LIST, OLD = index(image()), index(image("linux", "arm64"))


def _lines(folder: Path) -> list[Any]:
    return [json.loads(line) for line in (folder / JOURNAL).read_text().splitlines()]


async def test_the_journal_has_a_line_before_and_a_line_after(tmp_path: Path) -> None:
    seen: list[Any] = []
    async with FaultRegistry() as registry, clients() as found:
        place(registry.demo, "app", LIST, "children")
        place(registry.demo, "app", OLD, "v1")
        look = faults.before(lambda _: seen.extend(_lines(tmp_path / "state")))
        registry.fault(("PUT", AT_INDEX[1]), look)
        plan = plan_for(registry.host, "app:v1", LIST, "app", OLD.digest, notes={"forced": True})
        await push(plan, found, Journal(tmp_path / "state", "ada"))
    begin, end = _lines(tmp_path / "state")
    assert [begin] == seen
    assert ("begun", "ada", LIST.digest) == (begin["event"], begin["who"], begin["digest"])
    assert {"v1": OLD.digest} == begin["tags"]
    name = f"{registry.host}/app:v1"
    restore = f"mfl-lint manifest restore {name}@{OLD.digest} --over {LIST.digest}"
    assert [restore] == begin["restore"]
    assert begin["forced"] is True
    assert begin["id"] == end["id"]
    assert {name: {"end": "pushed", "now": LIST.digest, "restore": restore}} == end["ends"]


async def test_a_journal_that_cannot_be_written_is_said_and_nothing_is_pushed(
    tmp_path: Path,
) -> None:
    (tmp_path / "state").write_text("a file")
    async with FaultRegistry() as registry, clients() as found:
        place(registry.demo, "app", LIST, "children")
        plan = plan_for(registry.host, "app:v1", LIST, "app")
        with pytest.raises(StoreError, match="nothing is pushed that is not written down"):
            await push(plan, found, Journal(tmp_path / "state", "ada"))
        assert 0 == registry.count("PUT|POST|PATCH")


async def test_the_database_and_the_journal_are_told_both(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mfl-lint.db"
    upgrade(url)
    async with FaultRegistry() as registry, clients() as found, open_store(url) as store:
        place(registry.demo, "app", LIST, "children")
        plan = plan_for(registry.host, "app:v1", LIST, "app")
        await push(plan, found, Audits(StoreAudit(store, "ada"), Journal(tmp_path, "ada")))
        (known,) = (await known_pushes(store)).items
    assert ("pushed", LIST.digest, "ada") == (known.state, known.after, known.record.who)
    assert ("app", "v1", None) == (known.record.repository, known.record.tag, known.record.before)
    assert 2 == len(_lines(tmp_path))


async def test_an_end_that_cannot_be_written_down_is_told_beside_the_outcome(
    tmp_path: Path,
) -> None:
    """The journal fails after the index was put; the database, which is told too, does not."""
    url = f"sqlite:///{tmp_path}/mfl-lint.db"
    upgrade(url)
    async with FaultRegistry() as registry, clients() as found, open_store(url) as store:
        place(registry.demo, "app", LIST, "children")
        place(registry.demo, "app", OLD, "v1")
        journal = tmp_path / "state" / JOURNAL

        def spoil(_: FaultRegistry) -> None:
            journal.unlink()
            journal.mkdir()

        registry.fault(("PUT", AT_INDEX[1]), faults.after(spoil))
        plan = plan_for(registry.host, "app:v1", LIST, "app", OLD.digest)
        audits = Audits(Journal(tmp_path / "state", "ada"), StoreAudit(store, "ada"))
        outcome = await push(plan, found, audits)
        (known,) = (await known_pushes(store)).items
    assert (End.PUSHED, LIST.digest) == (outcome.last.end, outcome.last.now)
    assert str(OLD.digest) in outcome.last.restore
    assert f"{journal}: Is a directory" == outcome.unrecorded
    assert ("pushed", LIST.digest) == (known.state, known.after)


async def test_each_of_several_tags_is_written_down_with_what_became_of_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/mfl-lint.db"
    upgrade(url)
    async with FaultRegistry() as registry, clients() as found, open_store(url) as store:
        place(registry.demo, "app", LIST, "children")
        place(registry.demo, "app", OLD, "v1", "latest")
        registry.fault(("PUT", "/manifests/latest"), faults.status(405))
        plan = plan_for(
            registry.host,
            "app:v1",
            LIST,
            "app",
            OLD.digest,
            further_tags=("v1.0", "latest", "stable"),
        )
        await push(plan, found, StoreAudit(store, "ada"))
        known = {one.record.tag: one for one in (await known_pushes(store)).items}
    assert ["stable", "latest", "v1.0", "v1"] == list(known)
    assert {
        "v1": ("pushed", OLD.digest, LIST.digest),
        "v1.0": ("pushed", None, LIST.digest),
        "latest": ("refused", OLD.digest, OLD.digest),
        "stable": ("left out", None, None),
    } == {tag: (one.state, one.record.before, one.after) for tag, one in known.items()}
    assert "405" in known["latest"].problem
    assert "" == known["v1"].problem
