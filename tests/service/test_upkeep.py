"""What the service does for its own database."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from mfl_lint.config_retention import RetentionConfig
from mfl_lint.service.crawling import utc_now
from mfl_lint.service.upkeep import keep_within
from mfl_lint.store import crawls
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import upgrade
from tests.store.batches import lease


async def test_what_was_removed_is_logged_and_a_failure_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/kept.db"
    upgrade(url)
    caplog.set_level(logging.INFO, "mfl_lint")
    settings = RetentionConfig(crawls_s=86400.0)
    async with open_store(url) as store:
        await lease(store)
        for _ in range(102):  # each one interrupts the one before
            await crawls.start_crawl(store, "one", utc_now() - timedelta(days=3))
        await keep_within(store, settings, utc_now())
        assert "retention removed 2 crawls" == caplog.messages[-1]
        await keep_within(store, settings, utc_now() + timedelta(days=1))
        assert "retention removed nothing" == caplog.messages[-1]
        await store.write(lambda one: one.exec_driver_sql("ALTER TABLE slices RENAME TO other"))
        await keep_within(store, settings, utc_now() + timedelta(days=2))
    assert caplog.messages[-1].startswith("what is over stays for now: the database ")


async def test_a_service_that_is_started_again_does_not_begin_anew_what_it_does_once_a_day(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/kept.db"
    upgrade(url)
    caplog.set_level(logging.INFO, "mfl_lint")
    now, settings = utc_now(), RetentionConfig()
    for hours, runs in ((0, 1), (1, 1), (23, 1), (24, 2), (25, 2), (48, 3)):
        async with open_store(url) as store:
            await keep_within(store, settings, now + timedelta(hours=hours))
        assert runs == len(caplog.messages), f"after {hours} hours"
    # A clock that was wrong stops nothing for longer than it was wrong.
    async with open_store(url) as store:
        await keep_within(store, settings, now)
    assert 4 == len(caplog.messages)
