"""Options and fixtures of all tests: counts, seeds, and real servers.

A server or tool that is not installed skips its tests; with CI=true a skip is a failure.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.ears import Connects
from tests.fault_registry import FaultRegistry
from tests.servers import REGISTRY_BINARY, DockerRegistry

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from mfl_lint.store.engine import Store

StartRegistry = Callable[..., DockerRegistry]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--ordeal`: the full counts of seeded tests, not a twentieth; and their `--seed`."""
    parser.addoption("--ordeal", action="store_true", help="run seeded tests with full counts")
    parser.addoption("--seed", type=int, default=20260301, help="the seed of seeded tests")


def pytest_configure() -> None:
    """Have programs of the tests hear Ctrl-C, where a shell in the background had it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header(config: pytest.Config) -> str:
    """Say by which seed and with which counts the tests run."""
    counts = "full" if config.getoption("--ordeal") else "a twentieth of the full"
    return f"seed: {config.getoption('--seed')}, counts: {counts}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is marked `ordeal` to that; with texts, what has one of them in its parameters."""
    if config.getoption("--ordeal"):
        return
    left = [item for item in items if _is_of_the_ordeal(item)]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if not _is_of_the_ordeal(item)]


def _is_of_the_ordeal(item: pytest.Item) -> bool:
    parameters = item.name.partition("[")[2]
    marks = list(item.iter_markers("ordeal"))
    return any(not mark.args or any(text in parameters for text in mark.args) for mark in marks)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure where CI=true: what is not tested there is not shown."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longreprtext}"
    return report


@pytest.fixture(scope="session")
def count(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """Return how often to try: the full number with `--ordeal`, else a twentieth of it."""
    full = bool(request.config.getoption("--ordeal"))
    return lambda number: number if full else max(1, number // 20)


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Return the seed of random tests, and print it for when they fail."""
    value: int = request.config.getoption("--seed")
    print(f"seed: {value}")
    return value


def _tool(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return path


@pytest.fixture(scope="session")
def skopeo() -> str:
    """Return the path of skopeo."""
    return _tool("skopeo", "skopeo")


@pytest.fixture(scope="session")
def docker() -> str:
    """Return the path of Docker's command line client; no daemon runs."""
    return _tool("docker", "docker.io")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium."""
    return _tool("chromium", "chromium")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Return a module's one browser, for tests that run on the module's loop."""
    from tests.browser import launched

    async with launched(chromium) as browser:
        yield browser


@pytest.fixture
def docker_registry(tmp_path: Path) -> Iterator[StartRegistry]:
    """Return a function that starts an empty docker-registry, which lives as long as the test.

    With `htpasswd=True` it demands the credentials that it then has; `notify` as it has it.
    """
    _require_registry()
    with ExitStack() as running:

        def start(
            *, htpasswd: bool = False, notify: tuple[str, str] | None = None
        ) -> DockerRegistry:
            folder = tmp_path / f"docker-registry-{uuid4().hex[:8]}"
            folder.mkdir()
            server = DockerRegistry(folder, htpasswd=htpasswd, notify=notify)
            return running.enter_context(server)

        yield start


@pytest.fixture(scope="session")
def shared_docker_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """Return one docker-registry for all tests that use repositories of their own."""
    _require_registry()
    with DockerRegistry(tmp_path_factory.mktemp("docker-registry")) as registry:
        yield registry


def _require_registry() -> None:
    if not Path(REGISTRY_BINARY).exists():
        pytest.skip("docker-registry is not installed: apt-get install docker-registry")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Return the URL of a PostgreSQL cluster that lives as long as the tests."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install psycopg[binary]")
    from tests.postgresql import postgresql, postgresql_binaries

    binaries = postgresql_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgresql(binaries) as url:
        yield url


@pytest.fixture
def fresh_postgresql(postgresql_url: str) -> Iterator[str]:
    """Return the URL of an empty PostgreSQL database of the test's own."""
    from tests.postgresql import fresh_database

    with fresh_database(postgresql_url, f"test_{uuid4().hex}") as url:
        yield url


@pytest.fixture
async def queued_store(fresh_postgresql: str) -> AsyncIterator[Store]:
    """Return a store on PostgreSQL that has a queue beside it."""
    from mfl_lint.store.engine import open_store
    from mfl_lint.store.migrate import upgrade
    from mfl_lint.store.queue_schema import upgrade_queue

    upgrade(fresh_postgresql)
    upgrade_queue(fresh_postgresql)
    async with open_store(fresh_postgresql) as opened:
        yield opened


@pytest.fixture(scope="session")
def all_connects() -> Connects:
    """Return what notes every attempt to connect, of all tests from now on."""
    return Connects()


@pytest.fixture
def connects(all_connects: Connects) -> Connects:
    """Return what notes where this test tries to connect to."""
    all_connects.clear()
    return all_connects


@pytest.fixture
async def fault_registry() -> AsyncIterator[FaultRegistry]:
    """Return a running fault registry without images, faults or guards."""
    async with FaultRegistry() as registry:
        yield registry
