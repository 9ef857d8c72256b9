"""Large blobs over HTTP and from disk, a piece at a time."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from pathlib import Path
from random import Random

import pytest

from mfl_lint.config import CredentialsConfig, HttpConfig, RegistryConfig
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import (
    BodyInvalid,
    DigestMismatch,
    NotFound,
    NotObserved,
    ReferenceInvalid,
    RegistryError,
    Unreachable,
)
from mfl_lint.registry.archive import ArchiveSource
from mfl_lint.registry.bare import BareSource
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.layout import Layout, LayoutSource
from mfl_lint.registry.source import Source
from mfl_lint.registry.transport import Transport
from tests import faults, wire_faults
from tests.builders import Layer, image, place, write_layout
from tests.fault_registry import AT_BLOB, Behaviour, FaultRegistry
from tests.stub_server import transport

LARGE = Random(7).randbytes(3_000_000)
BUILT = image(layers=[Layer(LARGE, digest_of(LARGE))])
DIGEST = digest_of(LARGE)
ANONYMOUS = CredentialsConfig(anonymous=True)
ROOM = 1 << 30


class Taker:
    """Takes pieces, as many bytes as it wants."""

    def __init__(self, wants: int = ROOM) -> None:
        self.pieces: list[bytes] = []
        self._wants = wants

    async def __call__(self, piece: bytes) -> bool:
        self.pieces.append(piece)
        return len(self.all) < self._wants

    @property
    def all(self) -> bytes:
        return b"".join(self.pieces)


def client(registry: FaultRegistry, http: Transport) -> RegistryClient:
    place(registry.demo, "app", BUILT, "v1")
    return RegistryClient(RegistryConfig("here", registry.host, credentials=ANONYMOUS), http)


async def test_a_blob_comes_in_pieces_and_is_counted(fault_registry: FaultRegistry) -> None:
    taker = Taker()
    async with transport() as http:
        await client(fault_registry, http).stream("app", DIGEST, taker, ROOM)
        assert len(LARGE) == http.stats.received_bytes
    assert LARGE == taker.all
    assert 4 < len(taker.pieces)


async def test_a_blob_can_be_named_by_sha512(fault_registry: FaultRegistry) -> None:
    async with transport() as http:
        source = client(fault_registry, http)
        long = Digest(f"sha512:{hashlib.sha512(LARGE).hexdigest()}")
        fault_registry.fault(AT_BLOB, faults.redirected(f"/v2/app/blobs/{DIGEST}"), times=1)
        taker = Taker()
        await source.stream("app", long, taker, ROOM)
    assert LARGE == taker.all


async def test_who_has_enough_gets_no_more_and_the_connection_is_closed(
    fault_registry: FaultRegistry,
) -> None:
    taker = Taker(wants=1)
    fault_registry.fault(AT_BLOB, wire_faults.endless_body(b"x" * 65536))
    async with transport() as http:
        await client(fault_registry, http).stream("app", DIGEST, taker, ROOM)
        assert 1 == len(taker.pieces)
        assert http.stats.received_bytes < 1_000_000


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        (faults.flipped(100), DigestMismatch, "the bytes are sha256:"),
        (wire_faults.cut("length"), BodyInvalid, "cut off"),
        (wire_faults.cut("close"), BodyInvalid, "cut off"),
        (wire_faults.reset(), RegistryError, "closed|cut|answer"),
        (faults.status(404), NotFound, "404"),
        (wire_faults.endless_body(b"x" * 65536), BodyInvalid, "more than 4000000 bytes"),
    ],
)
async def test_a_failure_says_what_it_is(
    fault_registry: FaultRegistry, behaviour: Behaviour, error: type[RegistryError], words: str
) -> None:
    fault_registry.fault(AT_BLOB, behaviour)
    async with transport() as http:
        with pytest.raises(error, match=words):
            await client(fault_registry, http).stream("app", DIGEST, Taker(), 4_000_000)


async def test_a_body_that_is_cut_is_not_handed_on_twice(fault_registry: FaultRegistry) -> None:
    fault_registry.fault(AT_BLOB, wire_faults.cut("length"))
    async with transport() as http:
        source = client(fault_registry, http)
        with pytest.raises(BodyInvalid):
            await source.stream("app", DIGEST, Taker(), ROOM)
    assert 1 == fault_registry.count("GET", AT_BLOB[1])


async def test_a_server_that_fails_for_now_is_asked_again(fault_registry: FaultRegistry) -> None:
    fault_registry.fault(AT_BLOB, faults.status(503), times=2)
    taker = Taker()
    async with transport() as http:
        await client(fault_registry, http).stream("app", DIGEST, taker, ROOM)
    assert LARGE == taker.all


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (HttpConfig(timeout_s=0.3, layer_timeout_s=60.0), "nothing came for 0.3 s"),
        (HttpConfig(timeout_s=60.0, layer_timeout_s=0.3), r"not read within 0\.3 s"),
    ],
)
async def test_a_slow_body_is_given_up(
    fault_registry: FaultRegistry, settings: HttpConfig, words: str
) -> None:
    fault_registry.fault(AT_BLOB, wire_faults.drip(5.0 if settings.timeout_s < 1 else 0.05))
    async with transport(http=settings) as http:
        with pytest.raises(Unreachable, match=words):
            await client(fault_registry, http).stream("app", DIGEST, Taker(), ROOM)


async def test_what_is_announced_as_too_large_is_not_read(fault_registry: FaultRegistry) -> None:
    taker = Taker()
    async with transport() as http:
        with pytest.raises(BodyInvalid, match="more than 1000 bytes: not read"):
            await client(fault_registry, http).stream("app", DIGEST, taker, 1000)
    assert [] == taker.pieces


async def test_what_is_no_digest_is_not_asked_for(fault_registry: FaultRegistry) -> None:
    async with transport() as http:
        source = client(fault_registry, http)
        with pytest.raises(ReferenceInvalid):
            await source.stream("app", Digest("sha256:../x"), Taker(), ROOM)
    assert [] == fault_registry.requests


async def test_an_image_elsewhere_gets_no_credentials(fault_registry: FaultRegistry) -> None:
    async with FaultRegistry() as elsewhere, transport() as http:
        place(elsewhere.demo, "app", BUILT)
        login = CredentialsConfig(username="me", password_env="PASSWORD")
        config = RegistryConfig("here", fault_registry.host, credentials=login)
        there = f"{elsewhere.url}/v2/app/blobs/{DIGEST}"
        fault_registry.fault(AT_BLOB, faults.redirected(there))
        taker = Taker()
        await RegistryClient(config, http).stream("app", DIGEST, taker, ROOM)
        assert LARGE == taker.all
        assert [None] == [x.headers.get("authorization") for x in elsewhere.requests]


@pytest.fixture(params=["directory", "tar", "tar.gz"])
def on_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """Return a layout in one of its forms; the layer is 3 MB."""
    folder = write_layout(tmp_path / "layout", {"v1": BUILT})
    if request.param == "directory":
        return LayoutSource(folder)
    file = tmp_path / f"layout.{request.param}"
    with tarfile.open(file, "w:gz" if request.param == "tar.gz" else "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.add(path, str(path.relative_to(folder)), recursive=False)
    return ArchiveSource(file)


async def test_a_layer_on_disk_comes_in_pieces(on_disk: Source) -> None:
    try:
        for _ in range(2):
            taker = Taker()
            await on_disk.stream("", DIGEST, taker, ROOM)
            assert LARGE == taker.all
            assert 4 < len(taker.pieces)
        enough = Taker(wants=1)
        await on_disk.stream("", DIGEST, enough, ROOM)
        assert 1 == len(enough.pieces)
    finally:
        await on_disk.close()


async def test_a_layer_on_disk_is_bounded_and_may_be_missing(on_disk: Source) -> None:
    try:
        with pytest.raises(BodyInvalid, match="more than 1000000 bytes"):
            await on_disk.stream("", DIGEST, Taker(), 1_000_000)
        with pytest.raises(NotFound):
            await on_disk.stream("", digest_of(b"elsewhere"), Taker(), ROOM)
    finally:
        await on_disk.close()


async def test_wrong_bytes_on_disk_are_a_mismatch(tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "layout", {"v1": BUILT})
    (folder / "blobs/sha256" / DIGEST.partition(":")[2]).write_bytes(LARGE[:-1])
    source: Layout = LayoutSource(folder)
    with pytest.raises(DigestMismatch):
        await source.stream("", DIGEST, Taker(), ROOM)


async def test_an_archive_that_changed_meanwhile_cannot_be_read(tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "layout", {"v1": BUILT})
    file = tmp_path / "layout.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(folder, "")
    source = ArchiveSource(file)
    try:
        file.write_bytes(gzip.compress(b"short"))
        with pytest.raises(RegistryError):
            await source.stream("", DIGEST, Taker(), ROOM)
    finally:
        await source.close()


async def test_a_bare_document_has_no_layers() -> None:
    with pytest.raises(NotObserved):
        await BareSource(BUILT.raw).stream("", DIGEST, Taker(), ROOM)
