"""Answers that unpack to far more than they are: what they cost the process that asks.

The one who asks is a process of its own, so that what serves costs it nothing. What it takes
is compared with what the same process takes where the registry is healthy.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio

from tests import faults, wire_faults
from tests.builders import Built, image, index, place
from tests.crawl.test_kill import ROOT
from tests.fault_registry import AT_BLOB, AT_CHILD, AT_INDEX, Behaviour, FaultRegistry

MAX_GROWTH: Final = 64 << 20
INFLATED: Final = 512 << 20
BOMBS: Final = ["gzip", "nested gzip", "brotli", "zstd", "plain zeros", "without end"]
PLACES: Final = {"index": AT_INDEX, "child": AT_CHILD, "config": AT_BLOB}
ARCHITECTURES: Final = ("amd64", "arm64", "ppc64le", "s390x", "riscv64", "386")
LISTED: Final[Built] = index(*(image("linux", one) for one in ARCHITECTURES))


def bomb(name: str) -> Behaviour:
    """Return a bomb; only those that are used are packed."""
    match name:
        case "nested gzip":
            return faults.bomb("gzip", INFLATED, layers=3)
        case "plain zeros":
            return wire_faults.endless_body(bytes(1 << 20))
        case "without end":
            return wire_faults.endless_body()
    return faults.bomb({"brotli": "br"}.get(name, name), INFLATED)


async def measured(host: str, database: Path) -> tuple[int, str, str]:
    """Crawl and scan in a process; return its bytes, and how the tag was stored and scanned."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.crawl.measured_process", host, f"sqlite:///{database}", "app", "v1"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert 0 == process.returncode
    peak, stored, scanned = out.decode().split()
    return int(peak), stored, scanned


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def many_tags() -> AsyncIterator[FaultRegistry]:
    """Yield a registry with enough tags to keep every connection busy."""
    async with FaultRegistry() as registry:
        place(registry.demo, "app", LISTED, "v1")
        for number in range(24):
            own = (image("linux", one, name=f"n{number}") for one in ("amd64", "arm64"))
            place(registry.demo, f"app{number % 3}", index(*own), f"v{number}")
        yield registry


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def healthy(
    many_tags: FaultRegistry, empty_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> int:
    """Return the bytes that a crawl and a scan take where nothing is wrong."""
    database = Path(shutil.copy(empty_database, tmp_path_factory.mktemp("healthy")))
    took, stored, scanned = await measured(many_tags.host, database)
    assert ("complete", {"verified"}) == (stored, set(scanned.split(",")))
    return took


@pytest.mark.ordeal("without end", "plain zeros", "gzip", "brotli")
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_bomb_costs_no_more_than_64_mib_over_a_healthy_answer(
    many_tags: FaultRegistry, healthy: int, empty_database: Path, tmp_path: Path, name: str
) -> None:
    behaviour = bomb(name)
    for where, match in PLACES.items():
        many_tags.heal()
        fault = many_tags.fault(("GET", match[1]), behaviour)
        database = Path(shutil.copy(empty_database, tmp_path / f"{where}.db"))
        took, stored, scanned = await measured(many_tags.host, database)
        assert fault.met
        assert "incomplete" == stored
        assert where == "config" or "invalid" in scanned.split(",")
        growth = took - healthy
        print(f"{name} at {where}: {took >> 20} MiB, {growth >> 20} MiB more than {healthy >> 20}")
        assert growth <= MAX_GROWTH
