"""Have an earlier release's service and worker go on while a database becomes this release's.

`python tests/upgrades/previous.py REVISION` takes that revision's code, starts its service and a
worker of it over a PostgreSQL of their own, and brings the database up to this release's schema
between two rounds. They crawl on, are started again and crawl anew; what they then hold is compared
with what this release finds in a crawl of its own.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mfl_lint.config_file import load_config  # noqa: E402
from mfl_lint.core.records import CrawlStatus  # noqa: E402
from mfl_lint.store import crawls, migrate  # noqa: E402
from mfl_lint.store.dump import canonical_dump  # noqa: E402
from mfl_lint.store.engine import Store, open_store  # noqa: E402
from tests.crawl.test_kill import change, crawled_twice, crawls_of, dumped, fill  # noqa: E402
from tests.fault_registry import FaultRegistry  # noqa: E402
from tests.postgresql import fresh_database, postgresql, postgresql_binaries  # noqa: E402
from tests.service.fleet import REGISTRY, SETTINGS  # noqa: E402

SIZE: Final = 40
INTERVAL_S: Final = 10


def code_of(revision: str, folder: Path) -> None:
    """Write the tree of a revision into a folder."""
    archive = subprocess.run(
        ["git", "archive", revision], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)


@asynccontextmanager
async def running(code: Path, settings: Path) -> AsyncIterator[None]:
    """Run a service and a worker of that code."""
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mfl_lint", *command, "--config", str(settings)),
            cwd=code,
            env=os.environ | {"PYTHONPATH": str(code / "src")},
            stdout=subprocess.DEVNULL,
        )
        for command in (("serve",), ("worker", "--concurrency", "4"))
    ]
    try:
        yield
        assert [None, None] == [one.returncode for one in started]
    finally:
        for one in started:
            one.terminate()
        print("ended with", [await one.wait() for one in started])


async def schema_made(url: str) -> str:
    """Wait for the earlier release to make its schema; return its revision."""
    for _ in range(600):
        if found := migrate.revision(url):
            return found
        await asyncio.sleep(0.1)
    raise TimeoutError(url)


async def round_after(store: Store, last: int) -> int:
    """Wait for a round that began after crawl `last` to end well; return its number."""
    async with asyncio.timeout(240):
        while True:
            for one in (await crawls.crawls(store, "here", limit=20, whole=True)).items:
                if one.id > last and one.status is not CrawlStatus.RUNNING:
                    assert (CrawlStatus.DONE, "") == (one.status, one.problem)
                    print(f"crawl {one.id}: {one.repositories_done} repositories, {one.tags} tags")
                    return one.id
            await asyncio.sleep(0.1)


async def newest(store: Store) -> int:
    """Return the number of the newest crawl."""
    return max(one.id for one in (await crawls.crawls(store, "here", limit=1)).items)


async def through(code: Path, folder: Path, url: str) -> None:
    """Have the earlier release crawl before, during and after the upgrade."""
    async with FaultRegistry() as registry, crawls_of(registry.host) as calm:
        fill(registry, SIZE)
        settings, mine = folder / "fleet.toml", f"sqlite:///{folder / 'mine.db'}"
        named = REGISTRY.format(name="here", host=registry.host, more=f'interval = "{INTERVAL_S}s"')
        settings.write_text(SETTINGS.format(url=url) + "[serve]\nport = 0\n" + named)
        load_config(settings)
        migrate.upgrade(mine)
        await calm.to_the_end(mine)
        async with running(code, settings):
            before = await schema_made(url)
            await asyncio.sleep(1)
            migrate.upgrade(url)
            print(f"schema {before} became {migrate.revision(url)} while it crawled")
            async with open_store(url) as store:
                await round_after(store, 0)
                assert await dumped(mine) == await canonical_dump(store)
                change(registry, SIZE)
                await round_after(store, await newest(store))
        async with open_store(url) as store, running(code, settings):
            print("the earlier release was started again")
            await round_after(store, await newest(store))
            await crawled_twice(calm, mine)
            assert await dumped(mine) == await canonical_dump(store)
        print("equal to a crawl by this release")


def main() -> None:
    """Run it."""
    binaries = postgresql_binaries()
    assert binaries is not None
    with tempfile.TemporaryDirectory() as name, postgresql(binaries) as server:
        code = Path(name) / "code"
        code.mkdir()
        code_of(sys.argv[1], code)
        with fresh_database(server, "previous") as url:
            asyncio.run(through(code, Path(name), url))


if __name__ == "__main__":
    main()
