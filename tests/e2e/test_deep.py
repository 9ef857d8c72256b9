"""Real programs of foreign machines in docker-registry, looked into through the command."""

from __future__ import annotations

import asyncio
import gzip
import sys
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from backports import zstd

from mfl_lint.core.digest import digest_of
from tests.builders import BuiltImage, Layer, image, index, layer, write_layout
from tests.crawl.test_kill import ROOT
from tests.e2e.commands import MflLint
from tests.foreign import Unavailable, busybox
from tests.programs import elf, exe, mach_o, packed, pe, tar, universal
from tests.servers import DockerRegistry, push

INSIDE: Final = ("MFL601", "MFL602", "MFL605")
# Debian's name of the architecture, and the platform that its programs are for.
RIGHT: Final = {
    "arm64": "linux/arm64",
    "armhf": "linux/arm/v7",
    "armel": "linux/arm/v5",
    "i386": "linux/386",
    "ppc64el": "linux/ppc64le",
    "s390x": "linux/s390x",
    "mips64el": "linux/mips64le",
}
PLATFORMS: Final = (*RIGHT.values(), "linux/amd64", "linux/arm/v6", "linux/riscv64")
# What runs elsewhere too, or only on some of the hosts; everywhere else it is an error.
ELSEWHERE: Final[Mapping[str, Mapping[str, str]]] = {
    "arm64": {},
    "armhf": {"linux/arm64": "info", "linux/arm/v6": "warning"},
    "armel": {"linux/arm64": "info", "linux/arm/v6": "", "linux/arm/v7": ""},
    "i386": {"linux/amd64": ""},
    "ppc64el": {},
    "s390x": {},
    "mips64el": {},
}
MAX_GROWTH: Final = 64 << 20
GIBIBYTE: Final = 1 << 30


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """Return busybox for each foreign architecture."""
    scratch = tmp_path_factory.mktemp("foreign")
    try:
        with ThreadPoolExecutor(len(RIGHT)) as pool:
            return dict(
                zip(RIGHT, pool.map(lambda name: busybox(name, scratch), RIGHT), strict=True)
            )
    except Unavailable as reason:
        pytest.skip(f"no programs of foreign architectures can be had: {reason}")


def on(platform: str, *layers: Layer, os_version: str = "") -> BuiltImage:
    """Return an image for a platform with these layers; it starts /app/hello."""
    os, arch, variant = (*platform.split("/"), "")[:3]
    return image(os, arch, variant, layers=layers, os_version=os_version)


async def severities(mfl_lint: MflLint, name: str) -> dict[str, str]:
    """Return how bad MFL601 finds each platform of a list."""
    found = (await mfl_lint.scan("--deep", "--fail-on", "never", name)).json["findings"]
    return {x["platform"]: x["severity"] for x in found if x["rule"] == "MFL601"}


@pytest.mark.parametrize("architecture", RIGHT)
async def test_a_real_program_is_wrong_exactly_where_it_cannot_run(
    shared_docker_registry: DockerRegistry,
    mfl_lint: MflLint,
    programs: Mapping[str, bytes],
    architecture: str,
) -> None:
    program = layer({"app/hello": programs[architecture]})
    built = index(*(on(platform, program) for platform in PLATFORMS))
    name = f"deep/{architecture}"
    await push(shared_docker_registry.host, name, built, "v1")
    runs = {RIGHT[architecture]: "", **ELSEWHERE[architecture]}
    expected = {platform: runs.get(platform, "error") for platform in PLATFORMS}
    found = await severities(mfl_lint, f"{shared_docker_registry.host}/{name}:v1")
    assert {name: how for name, how in expected.items() if how} == found


async def test_a_list_of_right_programs_is_clean_and_needs_one_layer_of_each(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, programs: Mapping[str, bytes]
) -> None:
    base = layer({"usr/share/data": uuid4().bytes * 4096})
    tops = {name: layer({"app/hello": raw, "x": name.encode()}) for name, raw in programs.items()}
    built = index(*(on(RIGHT[name], base, top) for name, top in tops.items()))
    name = f"{shared_docker_registry.host}/deep/right:v1"
    await push(shared_docker_registry.host, "deep/right", built, "v1")
    done = await mfl_lint.scan("--deep", name)
    assert ([], 0) == ([found for found in done.findings if found[0] in INSIDE], done.code)
    read = {
        path.rpartition("/")[2]
        for method, path, _ in shared_docker_registry.requests()
        if method == "GET" and path.startswith("/v2/deep/right/blobs/")
    }
    layers = {digest_of(one.raw) for one in (base, *tops.values())}
    # The base too: images of several architectures share it.
    assert layers == read & layers


async def test_layers_below_what_is_started_are_not_read(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, programs: Mapping[str, bytes]
) -> None:
    base = layer({"usr/share/data": uuid4().bytes * 4096})
    top = layer({"app/hello": programs["s390x"], "own": uuid4().bytes})
    await push(shared_docker_registry.host, "deep/lone", on("linux/s390x", base, base, top), "v1")
    done = await mfl_lint.scan("--deep", f"{shared_docker_registry.host}/deep/lone:v1")
    assert [] == [found for found in done.findings if found[0] in INSIDE]
    log = shared_docker_registry.requests()
    asked = [path.rpartition("/")[2] for _, path, _ in log if "/deep/lone/blobs/sha" in path]
    gets = [digest for digest in asked if digest in (digest_of(base.raw), digest_of(top.raw))]
    assert [digest_of(top.raw)] == gets


HEADERS: Final = {
    "linux/riscv64": elf("riscv64"),
    "windows/amd64": pe(),
    "windows/arm64": pe(0xAA64),
    "darwin/amd64": mach_o(),
    "darwin/arm64": universal(0x0100_0007, 0x0100_000C),
}


@pytest.mark.parametrize("made", HEADERS)
async def test_programs_of_other_systems_are_told_by_their_headers(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, made: str
) -> None:
    program = Layer(raw := packed(tar(exe("app/hello", HEADERS[made])), "gzip"), digest_of(raw))
    version = {"windows": "10.0.20348.1"}
    built = index(
        *(
            on(platform, program, os_version=version.get(platform.partition("/")[0], ""))
            for platform in (*HEADERS, "linux/amd64")
        )
    )
    name = f"deep/{made.replace('/', '-')}"
    await push(shared_docker_registry.host, name, built, "v1")
    done = await mfl_lint.scan("--deep", f"{shared_docker_registry.host}/{name}:v1")
    found = {x["platform"] for x in done.json["findings"] if x["rule"] == "MFL601"}
    runs = {made, "darwin/amd64"} if made == "darwin/arm64" else {made}
    wrong = {"linux/riscv64", "linux/amd64", "darwin/amd64", "darwin/arm64"} - runs
    assert wrong <= found
    assert not found & runs


@pytest.mark.parametrize("source", ["oci", "oci-archive"])
async def test_layouts_are_looked_into_too(tmp_path: Path, mfl_lint: MflLint, source: str) -> None:
    program = layer({"app/hello": elf("amd64")})
    folder = write_layout(tmp_path / "layout", {"v1": on("linux/arm64", program)})
    target = f"oci:{folder}:v1"
    if source == "oci-archive":
        target = f"oci-archive:{tmp_path}/layout.tgz:v1"
        with tarfile.open(tmp_path / "layout.tgz", "w:gz") as archive:
            archive.add(folder, "")
    done = await mfl_lint.scan("--deep", target)
    assert (["MFL601"], 1) == ([rule for rule, _, _ in done.findings], done.code)
    assert [] == (await mfl_lint.scan(target)).findings


def bomb(packing: str) -> Layer:
    """Return a layer of a gibibyte of zeros, the program behind it; packed it is small."""
    program = tar(exe("app/hello", elf("arm64")))
    zeros = bytes(16 << 20)
    member = tar(exe("zeros", b""))[:512]
    size = f"{GIBIBYTE:011o}".encode()
    head = bytearray(member[:124] + size + member[135:512])
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    pack = gzip.compress if packing == "gzip" else zstd.compress
    parts = [pack(bytes(head)), *[pack(zeros)] * (GIBIBYTE // len(zeros)), pack(program)]
    raw = b"".join(parts)
    assert len(raw) < GIBIBYTE // 500
    return Layer(raw, digest_of(raw))


async def measured(host: str, name: str, unpacked_mib: int) -> tuple[int, int, str]:
    """Scan in a process; return its memory and the layers' bytes, and how the rule ended."""
    arguments = ("-m", "tests.e2e.deep_process", host, name, "v1", str(unpacked_mib))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert 0 == process.returncode
    peak, received, outcome = out.decode().split()
    return int(peak), int(received), outcome


@pytest.mark.ordeal("gzip")
@pytest.mark.parametrize("packing", ["gzip", "zstd"])
async def test_a_bomb_of_a_gibibyte_stays_within_its_bounds(
    shared_docker_registry: DockerRegistry, packing: str
) -> None:
    host, name = shared_docker_registry.host, f"deep/bomb-{packing}"
    await push(host, "deep/small", on("linux/arm64", layer({"app/hello": elf("arm64")})), "v1")
    healthy, _, outcome = await measured(host, "deep/small", 4096)
    assert "pass" == outcome
    packed_bomb = bomb(packing)
    await push(host, name, on("linux/arm64", packed_bomb), "v1")
    whole = await measured(host, name, 4096)
    assert (len(packed_bomb.raw), "pass") == whole[1:]
    bounded = await measured(host, name, 256)
    assert ("unknown", True) == (bounded[2], bounded[1] <= len(packed_bomb.raw))
    growth = max(whole[0], bounded[0]) - healthy
    print(f"{packing}: {growth >> 20} MiB more than {healthy >> 20}, received {bounded[1]:,} bytes")
    assert growth <= MAX_GROWTH
