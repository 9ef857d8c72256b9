"""What is pushed is on the disk before it is pushed, with the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mfl_lint.core.errors import StoreError
from mfl_lint.mend.audits import JOURNAL, Audits, Journal
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
    assert [f"mfl-lint manifest restore {name}@{OLD.digest}"] == begin["restore"]
    assert begin["forced"] is True
    assert begin["id"] == end["id"]
    assert {name: {"end": "pushed", "now": LIST.digest}} == end["ends"]


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
