"""The yardsticks: fetch and hash, and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import aiohttp
import yarl

# The client's own limit for a registry on loopback.
AT_ONCE: Final = 32
_ACCEPT: Final = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


async def fetch_and_hash(host: str, paths: Sequence[str]) -> int:
    """Fetch every path once, AT_ONCE at a time, and hash what came; return how many.

    A session as aiohttp makes it, and URLs as text: the loop that anybody would write.
    """
    urls = iter([f"http://{host}{path}" for path in paths])
    async with aiohttp.ClientSession(headers={"Accept": _ACCEPT}) as session:
        done = await asyncio.gather(*(_work(session, urls) for _ in range(AT_ONCE)))
    return sum(done)


async def fetch_and_hash_lean(host: str, paths: Sequence[str]) -> int:
    """Do the same with everything off that a session can do without, and ready-made URLs."""
    urls = iter([yarl.URL(f"http://{host}{path}", encoded=True) for path in paths])
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=AT_ONCE),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": _ACCEPT},
        auto_decompress=False,
    ) as session:
        done = await asyncio.gather(*(_work(session, urls) for _ in range(AT_ONCE)))
    return sum(done)


async def _work(session: aiohttp.ClientSession, urls: Iterator[str] | Iterator[yarl.URL]) -> int:
    done = 0
    for url in urls:
        async with session.get(url) as answer:
            body = await answer.read()
        hashlib.sha256(body).hexdigest()
        done += answer.status == 200
    return done
