"""What is looked at more often than all of its registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mfl_lint.config import HotConfig, HttpConfig, RegistryConfig
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.registry.transport import Transport
from mfl_lint.service.hot import look_at_hot
from mfl_lint.store import leases, migrate, registries
from mfl_lint.store.engine import Store, open_store
from tests.builders import image, index, place
from tests.service.gated import GatedRegistry, config_of

GOOD = index(image("linux", "amd64"), image("linux", "arm64"))
HOT = (
    HotConfig(60.0, ("team/*",), ("latest", "stable*")),
    HotConfig(60.0, ("other/*",)),
)


class Hot:
    """A crawler over a registry that was crawled once."""

    def __init__(self, registry: GatedRegistry, store: Store, crawler: Crawler) -> None:
        self.registry = registry
        self.store = store
        self.crawler = crawler

    async def looked(self, number: int) -> list[str]:
        """Return the tags and listings that a look at what is hot asks for."""
        self.registry.access_log.clear()
        await look_at_hot(self.store, self.crawler, "lab", number)
        paths = (one.path for one in self.registry.access_log)
        return sorted(path.removeprefix("/v2/") for path in paths if path != "/v2/")


@pytest.fixture
async def hot(tmp_path: Path) -> AsyncIterator[Hot]:
    async with GatedRegistry().serving() as registry:
        for repository in ("team/a", "team/b", "other/c"):
            place(registry, repository, GOOD, "latest", "v1", "stable-2")
        place(registry, "team/none", GOOD, "v1")
        lab = RegistryConfig(name="lab", host=registry.host, hot=HOT)
        config = config_of(tmp_path, lab)
        migrate.upgrade(config.database.url)
        async with open_store(config.database.url) as store, Transport(HttpConfig()) as transport:
            crawler = Crawler(store, transport, config, lambda: datetime.now(UTC))
            await registries.sync_registries(store, config.registries, datetime.now(UTC))
            await crawler.crawl("lab")
            yield Hot(registry, store, crawler)


async def test_hot_tags_are_looked_at_and_nothing_beside_them(hot: Hot) -> None:
    tags = [f"team/{name}/manifests/{tag}" for name in "ab" for tag in ("latest", "stable-2")]
    assert tags == await hot.looked(0)


async def test_hot_repositories_are_listed_and_looked_at_whole(hot: Hot) -> None:
    place(hot.registry, "other/c", GOOD, "new")
    tags = [f"other/c/manifests/{tag}" for tag in ("latest", "new", "stable-2", "v1")]
    assert [*tags, "other/c/tags/list?n=1000"] == await hot.looked(1)


async def test_what_is_crawled_already_is_left_out(hot: Hot) -> None:
    now = datetime.now(UTC)
    assert await leases.acquire(hot.store, "lab", "team/a", "other", 60.0, now)
    assert ["team/b/manifests/latest", "team/b/manifests/stable-2"] == await hot.looked(0)


async def test_what_is_not_hot_any_more_is_not_looked_at(hot: Hot) -> None:
    assert [] == await hot.looked(len(HOT))
