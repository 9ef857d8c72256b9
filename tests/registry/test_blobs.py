"""Whether layers and configs are there, in registries, layouts, archives and bare documents."""

from __future__ import annotations

import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import (
    Denied,
    NotFound,
    NotObserved,
    ReferenceInvalid,
    RegistryError,
    Unreachable,
)
from mfl_lint.core.observation import LookState, Observation
from mfl_lint.core.reference import Reference
from mfl_lint.registry.archive import ArchiveSource
from mfl_lint.registry.bare import BareSource
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.layout import LayoutSource
from mfl_lint.registry.observe import observe
from mfl_lint.registry.source import Source
from tests import faults
from tests.builders import image, index, place, write_layout
from tests.fault_registry import Behaviour, FaultRegistry
from tests.stub_server import transport

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
BOTH = index(AMD64, ARM64)
LAYER, CONFIG = digest_of(AMD64.layers[0]), digest_of(AMD64.config)
NOW = datetime(2026, 3, 2, tzinfo=UTC)
BLOB_HEADS = ("HEAD", "/blobs/")


async def gone(source: Source, reference: Reference) -> list[Digest]:
    """Look at a reference and return the blobs that were not found."""
    seen = await observe(source, "here", reference, now=lambda: NOW, check_blobs=True)
    assert isinstance(seen, Observation)
    assert seen.root is not None
    looks = [item for node in seen.root.walk() for item in (node.blobs or {}).items()]
    return [digest for digest, look in looks if look.state is LookState.ABSENT]


async def test_each_layer_is_asked_for_once_and_a_config_that_was_read_is_not(
    fault_registry: FaultRegistry,
) -> None:
    twice = index(AMD64, ARM64, AMD64)
    place(fault_registry.demo, "app", twice, "v1")
    config = RegistryConfig("here", fault_registry.host, scheme=Scheme.HTTP)
    async with transport() as http:
        client = RegistryClient(config, http)
        assert [] == await gone(client, Reference(config.host, "app", "v1"))
        assert 2 == len(fault_registry.matching(*BLOB_HEADS))
        fault_registry.demo.delete_blob("app", LAYER)
        assert [LAYER, LAYER] == await gone(client, Reference(config.host, "app", "v1"))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.status(404), NotFound),
        (faults.html(404), Unreachable),
        (faults.status(403), Denied),
    ],
)
async def test_only_the_registrys_own_404_to_head_and_get_says_that_a_blob_is_gone(
    fault_registry: FaultRegistry, fault: Behaviour, expected: type[RegistryError]
) -> None:
    place(fault_registry.demo, "app", BOTH, "v1")
    config = RegistryConfig("here", fault_registry.host, scheme=Scheme.HTTP)
    async with transport() as http:
        client = RegistryClient(config, http)
        fault_registry.fault(("HEAD", "/blobs/"), faults.status(404))
        await client.check_blob("app", LAYER)
        fault_registry.fault(("*", "/blobs/"), fault)
        with pytest.raises(expected):
            await client.check_blob("app", LAYER)
        with pytest.raises(ReferenceInvalid):
            await client.check_blob("app", Digest("../x"))


async def test_a_tag_that_moved_meanwhile_makes_no_blob_gone(
    fault_registry: FaultRegistry,
) -> None:
    place(fault_registry.demo, "app", BOTH, "v1")
    fault_registry.demo.delete_blob("app", LAYER)

    def move(_: object) -> None:
        place(fault_registry.demo, "app", index(ARM64), "v1")

    fault_registry.fault(("GET", f"/blobs/{LAYER}"), faults.before(move), times=1)
    config = RegistryConfig("here", fault_registry.host, scheme=Scheme.HTTP)
    async with transport() as http:
        client = RegistryClient(config, http)
        assert [] == await gone(client, Reference(config.host, "app", "v1"))


async def test_a_layout_and_an_archive_of_it_say_what_they_hold(tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "layout", {"v1": BOTH})
    for _ in range(2):
        held = [] if (folder / "blobs/sha256" / LAYER.partition(":")[2]).exists() else [LAYER]
        assert held == await gone(LayoutSource(folder), Reference("oci", "", "v1"))
        for mode in ("w", "w:gz"):
            file = tmp_path / "file.tar"
            with tarfile.open(file, mode) as tar:
                tar.add(folder, "")
            source = ArchiveSource(file)
            assert held == await gone(source, Reference("oci-archive", "", "v1"))
            await source.close()
        (folder / "blobs/sha256" / LAYER.partition(":")[2]).unlink(missing_ok=True)


async def test_a_bare_document_has_no_blobs_to_ask_for() -> None:
    source = BareSource(AMD64.raw)
    with pytest.raises(NotObserved):
        await source.check_blob("", CONFIG)
    assert [] == await gone(source, source.reference("file:x"))
