"""Measure a deep look at 100 layers over HTTP against zlib alone, in the same run.

    python -m benchmarks.deep [--quick] [--rounds N]

The program that is started lies in the lowest layer of each image, so that every layer is read.
The registry answers in a process of its own; `zlib` is one thread that inflates the same bytes and
keeps nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import io
import statistics
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from typing import Final

from benchmarks.machine import description, load
from benchmarks.spent import peak_mib
from mfl_lint.config import CredentialsConfig, DeepConfig, HttpConfig, RegistryConfig
from mfl_lint.core.digest import digest_of
from mfl_lint.core.observation import Observation
from mfl_lint.core.reference import Reference
from mfl_lint.demo.build import BuiltImage, Layer, image
from mfl_lint.demo.images import place
from mfl_lint.demo.registry import DemoRegistry, running
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.deep import DeepReader
from mfl_lint.registry.layer_memory import RunMemory
from mfl_lint.registry.observe import observe
from mfl_lint.registry.transport import Transport

IMAGES: Final = 10
LAYERS: Final = 10
_FILES: Final = 64
_MEBIBYTE: Final = 1 << 20
# A static program for amd64, as far as its header says.
_PROGRAM: Final = b"\x7fELF\x02\x01\x01".ljust(16, b"\0") + b"\x02\x00\x3e\x00".ljust(112, b"\0")


def images(mebibytes: int) -> list[BuiltImage]:
    """Return images of so many layers, each of so many MiB unpacked, the same at each run."""
    body = _body(mebibytes)
    return [
        image(layers=[_layer(number, place, body) for place in range(LAYERS)])
        for number in range(IMAGES)
    ]


def _body(mebibytes: int) -> bytes:
    """Return the files that all layers hold, packed about three to one."""
    random = Random(7)
    size = mebibytes * _MEBIBYTE // _FILES
    words = [random.randbytes(random.randrange(3, 12)) for _ in range(3000)]
    files = {}
    for number in range(_FILES):
        text = b"".join(random.choices(words, k=size // 7))
        files[f"usr/lib/file{number}"] = text[:size]
    return gzip.compress(_tar(files), 6, mtime=0)


def _layer(number: int, place: int, body: bytes) -> Layer:
    own = {f"etc/{number}-{place}": b"own"}
    if place == 0:
        own["app/hello"] = _PROGRAM
    head = _tar(own).rstrip(b"\0")
    whole = head.ljust(-(-len(head) // 512) * 512, b"\0")
    raw = gzip.compress(whole, 6, mtime=0) + body
    return Layer(raw, digest_of(raw))


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


async def _serve(built: list[BuiltImage]) -> None:
    registry = DemoRegistry()
    for number, one in enumerate(built):
        place(registry, "bench", one, f"v{number}")
    async with running(registry.app()) as host:
        print(host, flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextmanager
def _registry(mebibytes: int) -> Iterator[str]:
    command = [sys.executable, "-m", "benchmarks.deep", "--serve", str(mebibytes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().decode().strip()
        process.stdin.close()


async def _look(host: str) -> int:
    """Look inside every image; return how many layers were read."""
    config = RegistryConfig("bench", host, credentials=CredentialsConfig(anonymous=True))
    reader = DeepReader(RunMemory(), DeepConfig())
    async with Transport(HttpConfig()) as transport:
        source = RegistryClient(config, transport)

        async def one(number: int) -> None:
            reference = Reference(host, "bench", f"v{number}")
            seen = await observe(source, "bench", reference, now=lambda: datetime.now(UTC))
            assert isinstance(seen, Observation)
            await reader.look(source, seen)

        async with asyncio.TaskGroup() as group:
            for number in range(IMAGES):
                group.create_task(one(number))
    return reader.layers


def _inflate(built: list[BuiltImage]) -> int:
    """Inflate every layer with zlib alone; return the bytes."""
    total = 0
    for raw in (raw for one in built for raw in one.layers):
        data = raw
        while data:
            inflater = zlib.decompressobj(wbits=31)
            while not inflater.eof:
                total += len(inflater.decompress(data, 256 * 1024))
                data = inflater.unconsumed_tail
            data = inflater.unused_data
    return total


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deep", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="layers of 1 MiB instead of 16")
    parser.add_argument("--rounds", type=int, default=3, help="how often (default: %(default)s)")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(_serve(images(given.serve)))
        return
    mebibytes = 1 if given.quick else 16
    _measure(images(mebibytes), mebibytes, given.rounds)


def _measure(built: list[BuiltImage], mebibytes: int, rounds: int) -> None:
    packed = sum(len(raw) for one in built for raw in one.layers)
    print(description())
    print(f"size       {IMAGES * LAYERS} layers of {mebibytes} MiB, {packed / 1e6:.0f} MB packed;")
    print(f"           {rounds} rounds: median; load of the machine before: {load()}\n")
    alone, deep = [], []
    with _registry(mebibytes) as host:
        for _ in range(rounds):
            began = time.perf_counter()
            total = _inflate(built)
            alone.append(total / (time.perf_counter() - began) / 1e6)
            began = time.perf_counter()
            assert asyncio.run(_look(host)) == IMAGES * LAYERS
            deep.append(total / (time.perf_counter() - began) / 1e6)
    shares = [mine / theirs for mine, theirs in zip(deep, alone, strict=True)]
    print(f"zlib alone       {statistics.median(alone):8.0f} MB/s unpacked")
    print(f"deep look        {statistics.median(deep):8.0f} MB/s unpacked")
    print(f"deep ÷ zlib      {statistics.median(shares):8.2f}")
    held = f"{packed / _MEBIBYTE:.0f} of them the layers themselves"
    print(f"peak memory      {peak_mib():8.0f} MiB, {held}")


if __name__ == "__main__":
    main()
