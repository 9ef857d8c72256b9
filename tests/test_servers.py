"""The real servers start, answer, keep what they hold over a restart, and end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession, encode_basic_auth

from tests.builders import image, index
from tests.servers import DockerRegistry, push

LIST = index(image(), image("linux", "arm64"))
CHECKOUT = Path(__file__).parent.parent


async def status_of(host: str, path: str, **headers: str) -> int:
    accepted = {"Accept": LIST.media_type, **headers}
    async with ClientSession() as client, client.get(f"http://{host}{path}", headers=accepted) as a:
        return a.status


async def test_docker_registry_keeps_what_was_pushed_over_a_restart(
    docker_registry: Callable[..., DockerRegistry],
) -> None:
    registry = docker_registry()
    await push(registry.host, "team/app", LIST, "v1")
    path = "/v2/team/app/manifests/v1"
    assert 200 == await status_of(registry.host, path)
    registry.stop()
    with pytest.raises(ClientConnectionError):
        await status_of(registry.host, path)
    registry.start()
    assert 200 == await status_of(registry.host, path)
    assert 2 == registry.requests().count(("GET", path, 200))


async def test_docker_registry_demands_a_password_where_it_is_told_to(
    docker_registry: Callable[..., DockerRegistry],
) -> None:
    registry = docker_registry(htpasswd=True)
    assert registry.credentials is not None
    await push(registry.host, "app", LIST, "v1", credentials=registry.credentials)
    login = encode_basic_auth(*registry.credentials)
    assert 401 == await status_of(registry.host, "/v2/app/tags/list")
    assert 200 == await status_of(registry.host, "/v2/app/tags/list", Authorization=login)


def test_every_test_gets_an_empty_postgresql_database(fresh_postgresql: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(fresh_postgresql) as connection:
        connection.execute("CREATE TABLE only_here (id int)")
        assert ("off",) == connection.execute("SHOW fsync").fetchone()
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert (1,) == connection.execute(query).fetchone()


def test_postgresql_ends_with_what_used_it_even_when_that_fails() -> None:
    psycopg = pytest.importorskip("psycopg")
    from tests.postgresql import postgresql, postgresql_binaries

    binaries = postgresql_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    urls = []

    def use() -> None:
        with postgresql(binaries) as url:
            urls.append(url)
            psycopg.connect(url).close()
            raise KeyError

    with pytest.raises(KeyError):
        use()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(urls[0], connect_timeout=2)


@pytest.mark.parametrize(("ci", "expected"), [("", 0), ("true", 1)])
def test_a_skip_is_a_failure_in_ci(tmp_path: Path, ci: str, expected: int) -> None:
    test = tmp_path / "test_it.py"
    test.write_text("import pytest\n\n\ndef test_it():\n    pytest.skip('apt-get install it')\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", os.devnull, test],
        cwd=CHECKOUT,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert expected == done.returncode, done.stdout + done.stderr
    assert ("apt-get install it" in done.stdout) or not ci


def test_counts_are_a_twentieth_but_never_nothing(
    count: Callable[[int], int], request: pytest.FixtureRequest
) -> None:
    full = request.config.getoption("--ordeal")
    assert [5000, 5] if full else [250, 1] == [count(5000), count(5)]
