"""A large image is copied between two registries over connections that are cut."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.manifest import DOCKER_CONFIG, DOCKER_MANIFEST
from mfl_lint.registry.uploads import CHUNK_BYTES
from tests.builders import encode
from tests.cutting_proxy import Cut, cutting
from tests.e2e.commands import bare_environment
from tests.servers import DockerRegistry

MEGABYTE: Final = 1_000_000
SIZE: Final = 300 * MEGABYTE
LAYER_TYPE: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_PEAK: Final = re.compile(r"peak ([0-9]+)")
# The command itself, and how much memory it had at most (what getrusage says is also its parent's).
MEASURED: Final = (
    "import sys; from mfl_lint.cli.failures import run; code = run(sys.argv[1:]); "
    "peak = [x for x in open('/proc/self/status') if x.startswith('VmHWM')][0].split()[1]; "
    "print('peak', peak, file=sys.stderr); sys.exit(code)"
)


def _pieces() -> Iterator[bytes]:
    """Yield the large layer, the same on every run, without keeping it."""
    block = hashlib.sha512(b"layer").digest() * (MEGABYTE // 64)
    for number in range(SIZE // MEGABYTE):
        head = number.to_bytes(8, "big")
        yield head + block[: MEGABYTE - len(head)]


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DockerRegistry, ...]]:
    """Return two registries, of which the first holds a large image."""
    folders = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    with DockerRegistry(folders[0]) as here, DockerRegistry(folders[1]) as there:
        asyncio.run(_fill(here))
        yield here, there


async def _fill(registry: DockerRegistry) -> None:
    whole = hashlib.sha256()
    for piece in _pieces():
        whole.update(piece)
    layer = Digest(f"sha256:{whole.hexdigest()}")
    config = encode(
        {
            "architecture": "s390x",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [layer]},
            "config": {},
        }
    )
    manifest = encode(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": {
                "mediaType": DOCKER_CONFIG,
                "digest": digest_of(config),
                "size": len(config),
            },
            "layers": [{"mediaType": LAYER_TYPE, "digest": layer, "size": SIZE}],
        }
    )

    async def large() -> object:
        for piece in _pieces():
            yield piece

    url = f"http://{registry.host}/v2/large/manifests/v1"
    async with aiohttp.ClientSession() as session:
        await _upload(session, registry.host, layer, large())
        await _upload(session, registry.host, digest_of(config), config)
        headers = {"Content-Type": DOCKER_MANIFEST}
        async with session.put(url, data=manifest, headers=headers) as answer:
            assert 201 == answer.status, await answer.text()


async def _upload(session: aiohttp.ClientSession, host: str, digest: Digest, data: object) -> None:
    async with session.post(f"http://{host}/v2/large/blobs/uploads/") as begun:
        where = begun.headers["Location"]
    async with session.put(f"{where}&digest={digest}", data=data) as answer:
        assert 201 == answer.status, await answer.text()


async def test_a_copy_is_resumed_on_both_sides_within_bounded_memory(
    registries: tuple[DockerRegistry, ...], tmp_path: Path
) -> None:
    here, there = registries
    environment = bare_environment(tmp_path / "home")
    # The upload is cut first; what is read once more for that is cut later.
    download, upload = Cut(200 * MEGABYTE, upwards=False), Cut(30 * MEGABYTE, upwards=True)
    async with cutting(here.port, download) as source, cutting(there.port, upload) as target:
        name = f"{target.host}/copied/app:v1"
        peaks = [
            await _run(tmp_path, environment, "manifest", *arguments)
            for arguments in (
                ("create", name, f"{source.host}/large:v1"),
                ("push", "--copy", name),
            )
        ]
    assert download.met
    assert upload.met
    print(f"300 MB copied, cut twice: {peaks[1] / 1024:.0f} MiB at most")
    assert peaks[1] * 1024 < 100 * MEGABYTE
    await _demand_copied(there)
    gets = [status for _, path, status in here.requests() if "/blobs/" in path]
    assert 206 in gets
    patches = [path for method, path, _ in there.requests() if method == "PATCH"]
    assert len(patches) >= SIZE // (2 * CHUNK_BYTES)
    begun = [path for method, path, _ in there.requests() if method == "POST"]
    # Of the config, of the layer, and once more: docker-registry 2.8 gives up an upload of which
    # it has got a part of a chunk, since that is not what its own Location says.
    assert 3 == len(begun)


async def _run(folder: Path, environment: dict[str, str], *arguments: str) -> int:
    """Run a command to its good end; return its greatest memory in KiB."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", MEASURED, *arguments),
        env=environment,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert 0 == process.returncode, err.decode()
    found = _PEAK.search(err.decode())
    assert found is not None
    return int(found[1])


async def _demand_copied(registry: DockerRegistry) -> None:
    """Demand that the layer is there, byte for byte, as the registry serves it."""
    url = f"http://{registry.host}/v2/copied/app"
    accept = {"Accept": "application/vnd.docker.distribution.manifest.list.v2+json"}
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/manifests/v1", headers=accept) as answer:
            (entry,) = json.loads(await answer.read())["manifests"]
        async with session.get(
            f"{url}/manifests/{entry['digest']}", headers={"Accept": DOCKER_MANIFEST}
        ) as answer:
            layer = json.loads(await answer.read())["layers"][0]["digest"]
        whole = hashlib.sha256()
        async with session.get(f"{url}/blobs/{layer}") as answer:
            async for piece in answer.content.iter_chunked(1 << 20):
                whole.update(piece)
    assert layer == f"sha256:{whole.hexdigest()}"
