"""Crawling once: which registries, in which order, into which database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from mfl_lint.config import Config, CredentialsConfig, DatabaseConfig, RegistryConfig
from mfl_lint.core.errors import ConfigInvalid, StoreError
from mfl_lint.crawl.job import Progress
from mfl_lint.service.crawling import crawl_once, database_url, open_crawler
from mfl_lint.store import views
from mfl_lint.store.engine import open_store
from mfl_lint.store.statements import run
from tests.builders import image, index, place
from tests.servers import DockerRegistry, push
from tests.service.gated import GatedRegistry, config_of, names_in

LIST = index(image(), image("linux", "arm64"))
BROKEN = index(image(), image(name="other"), annotate={1: {"platform": "linux/arm64"}})


async def crawled(config: Config, names: Sequence[str] = ()) -> list[tuple[str, int]]:
    ended = await crawl_once(config, names, show=lambda progress: None)
    return [(progress.registry, progress.tags) for progress in ended]


async def notices(config: Config) -> dict[str, str]:
    async with open_store(config.database.url) as store:
        return {view.name: view.notice for view in await views.registries(store)}


async def test_registries_are_crawled_one_after_the_other(tmp_path: Path) -> None:
    async with GatedRegistry().serving() as first, GatedRegistry().serving() as second:
        for registry in (first, second):
            place(registry, "team/app", LIST, "v1", "v2")
        config = config_of(
            tmp_path,
            RegistryConfig(name="first", host=first.host),
            RegistryConfig(name="second", host=second.host),
        )
        begun: list[tuple[str, bool]] = []

        def show(progress: Progress) -> None:
            begun.append((progress.registry, bool(second.access_log)))

        ended = await crawl_once(config, (), show=show)
    assert [("first", 2), ("second", 2)] == [(one.registry, one.tags) for one in ended]
    assert {("first", False)} == {note for note in begun if note[0] == "first"}


async def test_only_the_named_registries_are_crawled_each_once(tmp_path: Path) -> None:
    async with GatedRegistry().serving() as first, GatedRegistry().serving() as second:
        place(second, "team/app", LIST, "v1")
        config = config_of(
            tmp_path,
            RegistryConfig(name="first", host=first.host),
            RegistryConfig(name="second", host=second.host),
        )
        assert [("second", 1)] == await crawled(config, ["second", "second"])
        assert [] == first.access_log


async def test_an_unknown_name_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    async with GatedRegistry().serving() as registry:
        config = config_of(tmp_path, RegistryConfig(name="lab", host=registry.host))
        with pytest.raises(ConfigInvalid, match=r"no registry is called 'labb'; there are lab"):
            await crawled(config, ["lab", "labb"])
        assert [] == registry.access_log
    with pytest.raises(ConfigInvalid, match="no registry is configured"):
        await crawled(config_of(tmp_path))
    assert [] == names_in(tmp_path)


@pytest.mark.parametrize("repositories", [("*",), ("team/app",)], ids=["catalogue", "exact"])
async def test_missing_credentials_are_a_notice_and_stop_no_other_registry(
    docker_registry: Callable[..., DockerRegistry],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    repositories: tuple[str, ...],
) -> None:
    monkeypatch.delenv("NOBODY_SET_THIS", raising=False)
    closed = docker_registry(htpasswd=True)
    await push(closed.host, "team/app", LIST, "v1", credentials=closed.credentials)
    who = CredentialsConfig(username="reader", password_env="NOBODY_SET_THIS")
    async with GatedRegistry().serving() as registry:
        place(registry, "team/app", BROKEN, "v1")
        config = config_of(
            tmp_path,
            RegistryConfig(
                name="closed", host=closed.host, credentials=who, repositories=repositories
            ),
            RegistryConfig(name="open", host=registry.host),
        )
        assert [("closed", 0), ("open", 1)] == await crawled(config)
    said = await notices(config)
    assert "NOBODY_SET_THIS" in said["closed"]
    assert "" == said["open"]


async def test_a_registry_that_does_not_answer_stops_no_other(tmp_path: Path) -> None:
    async with GatedRegistry().serving() as gone:
        dead = gone.host
    async with GatedRegistry().serving() as registry:
        place(registry, "team/app", LIST, "v1")
        config = config_of(
            tmp_path,
            RegistryConfig(name="dead", host=dead),
            RegistryConfig(name="open", host=registry.host),
        )
        quick = msgspec.structs.replace(config.http, retries=0)
        config = msgspec.structs.replace(config, http=quick)
        assert [("dead", 0), ("open", 1)] == await crawled(config)
    assert (await notices(config))["dead"]


async def test_the_database_may_be_named_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = DatabaseConfig(url=f"sqlite:///{tmp_path / 'not-this.db'}", url_env="LAB_DATABASE")
    async with GatedRegistry().serving() as registry:
        place(registry, "team/app", LIST, "v1")
        lab = RegistryConfig(name="lab", host=registry.host)
        config = Config(registries=(lab,), database=database)
        monkeypatch.delenv("LAB_DATABASE", raising=False)
        with pytest.raises(ConfigInvalid, match=r"database\.url_env: .* LAB_DATABASE is not set"):
            await crawled(config)
        monkeypatch.setenv("LAB_DATABASE", f"sqlite:///{tmp_path / 'this.db'}\n")
        assert [("lab", 1)] == await crawled(config)
    assert ["this.db"] == [name for name in names_in(tmp_path) if name.endswith(".db")]
    assert f"sqlite:///{tmp_path / 'this.db'}" == database_url(config)


async def test_postgresql_holds_what_a_crawl_finds(tmp_path: Path, fresh_postgresql: str) -> None:
    async with GatedRegistry().serving() as registry:
        place(registry, "team/app", BROKEN, "v1")
        lab = RegistryConfig(name="lab", host=registry.host)
        config = Config(registries=(lab,), database=DatabaseConfig(url=fresh_postgresql))
        (progress,) = await crawl_once(config, (), show=lambda progress: None)
        assert (1, 1) == (progress.tags, progress.opened)
        (again,) = await crawl_once(config, (), show=lambda progress: None)
    assert (1, 0, 0) == (again.tags, again.opened, again.resolved)


async def test_a_database_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    async with open_crawler(config) as (store, _):
        newer = "UPDATE alembic_version SET version_num = '9999', oldest = '9999'"
        await store.write(run, text(newer))
    with pytest.raises(StoreError, match=r"schema 9999, newer than this release's"):
        async with open_crawler(config):
            raise AssertionError("it was opened")
