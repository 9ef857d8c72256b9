"""A service that ends waits for its pushes, and what takes too long is written down as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from mfl_lint.config import (
    Config,
    CredentialsConfig,
    PushConfig,
    RegistryConfig,
    Scheme,
    WritingConfig,
)
from mfl_lint.core.errors import Refused
from mfl_lint.core.policy import Policy
from mfl_lint.mend.mender import Mender
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.migrate import upgrade
from mfl_lint.store.pushes import known_pushes
from tests import faults
from tests.builders import image, index, place
from tests.fault_registry import FaultRegistry
from tests.mend.pushing import QUICK, tag_of
from tests.mend.test_plan import planned
from tests.mend.test_push import PUT_TAG

NOW: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BROKEN: Final = index(
    image("linux", "amd64"),
    image("linux", "arm64"),
    annotate={0: {"platform": "linux/x86_64"}},
)
AFTER: Final = planned(BROKEN).digest


@asynccontextmanager
async def mending(registry: FaultRegistry, folder: Path) -> AsyncIterator[tuple[Mender, Store]]:
    """Yield what pushes to a registry, and its store."""
    place(registry.demo, "app", BROKEN, "v1")
    anonymous = CredentialsConfig(anonymous=True)
    writing = PushConfig(enabled=True, tags=("*",), credentials=WritingConfig())
    lab = RegistryConfig(
        "lab", registry.host, scheme=Scheme.HTTP, credentials=anonymous, push=writing
    )
    config = Config(registries=(lab,))
    url = f"sqlite:///{folder}/lab.db"
    upgrade(url)
    async with open_store(url) as store, Transport(QUICK) as transport:
        yield Mender(store, transport, lambda: config, tuple(discover()), lambda: NOW, {}), store


@pytest.mark.parametrize("answered", [True, False])
async def test_a_push_is_brought_to_its_end_or_written_down_as_unknown(
    answered: bool, tmp_path: Path
) -> None:
    release = asyncio.Event()
    async with FaultRegistry() as registry, mending(registry, tmp_path) as (mender, store):
        registry.fault(PUT_TAG, faults.held(release))
        shown = (BROKEN.digest, AFTER)
        push = mender.push("lab", "app", "v1", shown, policy=Policy(), who="ada")
        pushing = asyncio.create_task(push)
        while not registry.count(*PUT_TAG):  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(0.01)
        if answered:
            release.set()
        await mender.close(within_s=30.0 if answered else 0.0)
        (known,) = (await known_pushes(store)).items
        assert ("pushed" if answered else "unknown") == known.state
        assert answered == ("it may have been pushed" not in known.problem)
        release.set()
        await asyncio.wait([pushing])
        assert tag_of(registry, "app:v1") in (BROKEN.digest, AFTER)


async def test_a_push_whose_past_is_deleted_cannot_be_undone_and_that_is_said(
    tmp_path: Path,
) -> None:
    async with FaultRegistry() as registry, mending(registry, tmp_path) as (mender, store):
        shown = (BROKEN.digest, AFTER)
        await mender.push("lab", "app", "v1", shown, policy=Policy(), who="ada")
        registry.demo.delete_manifest("app", BROKEN.digest)
        (known,) = (await known_pushes(store)).items
        said = f"{registry.host}/app does not have {BROKEN.digest} any more: it was deleted since"
        with pytest.raises(Refused, match=said):
            await mender.undo(known, "ada")
        assert 1 == len((await known_pushes(store)).items)
