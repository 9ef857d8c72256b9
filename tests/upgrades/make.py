"""Write the database that a release leaves behind, to be upgraded by the tests of later ones.

`python tests/upgrades/make.py 0.1.0` writes `tests/upgrades/0.1.0.sql`. It is run once at each
release and never again: the files of older releases stay as they are.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from mfl_lint.core.observation import LookState  # noqa: E402
from mfl_lint.core.policy import Severity  # noqa: E402
from mfl_lint.core.records import CrawlStatus  # noqa: E402
from mfl_lint.store import crawls, findings, looks, observations, registries  # noqa: E402
from mfl_lint.store.engine import Store, open_store  # noqa: E402
from mfl_lint.store.migrate import upgrade  # noqa: E402
from tests.store.batches import (  # noqa: E402
    NOW,
    batch,
    content,
    crawl,
    finding,
    found,
    later,
    lease,
    write,
)


async def _fill(store: Store) -> None:
    """Record what a small registry was seen to hold in two crawls."""
    held = await lease(store)
    first = await crawl(store)
    kept = tuple(content(text) for text in ("v1", "v2", "child 0", "child 1"))
    wrong = finding("v1", message="the entry says arm64 — the config amd64")
    weak = finding("v1", rule="MFL201", severity=Severity.WARNING)
    own = found(finding("", rule="MFL301", platform="", position=None, digest=None))
    tags = (write("v1", wrong, weak), write("v2", finding("v2")))
    told = batch(*tags, crawl_id=first, contents=kept, repository_settlement=own)
    await observations.record(store, held, told)
    await observations.slice_done(store, held, first, 0, 2, 2)
    await crawls.finish_crawl(store, first, CrawlStatus.DONE, "", later(minutes=1))

    second, at = await crawl(store, now=later(days=1)), later(days=1)
    before = await findings.tracked(store, held.repository_id, ["v1"])
    less = found(weak, before=before["v1"], at=at)
    moved = write("v1", settlement=less, content="moved", looked_at=at)
    told = batch(moved, crawl_id=second, at=at, unchanged=("v2",), contents=(content("moved"),))
    await observations.record(store, held, told)
    await observations.finish_repository(
        store,
        held,
        look=LookState.VERIFIED,
        detail="",
        siblings_hash="siblings",
        missing_since=None,
        gone_at=None,
        now=at,
    )
    await registries.set_notice(store, "two", "unreachable", NOW)
    await looks.request_look(store, "one", "team/app", "v1", NOW, "webhook")


async def _make(url: str) -> None:
    async with open_store(url) as store:
        await _fill(store)


def make() -> str:
    """Return the SQL text of a small database, the same each time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mfl-lint.db"
        upgrade(f"sqlite:///{file}")
        asyncio.run(_make(f"sqlite:///{file}"))
        connection = sqlite3.connect(file)
        try:
            return "\n".join(connection.iterdump()) + "\n"
        finally:
            connection.close()


def main() -> None:
    """Write the file of the release that is named."""
    release = sys.argv[1]
    (FOLDER / f"{release}.sql").write_text(make(), encoding="utf-8")
    print(f"tests/upgrades/{release}.sql")


if __name__ == "__main__":
    main()
