"""An unchanged tag costs one HEAD: counted in the registry's own access log."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import aiohttp

from tests.builders import Built, image, index
from tests.e2e.commands import MflLint
from tests.servers import DockerRegistry, push

REPOSITORIES = 10
LISTS = 2


def lists(repository: int) -> list[Built]:
    """Return some indexes that share no document with those of other repositories."""
    return [
        index(*(image("linux", arch, name=f"{repository}-{n}") for arch in ("amd64", "arm64")))
        for n in range(LISTS)
    ]


async def fill(host: str, tags: int) -> None:
    """Push so many tags, spread over repositories, each index under several."""
    async with aiohttp.ClientSession() as client:

        async def tag(name: str, number: int, built: Built) -> None:
            url = f"http://{host}/v2/{name}/manifests/v{number}"
            headers = {"Content-Type": built.media_type}
            async with client.put(url, data=built.raw, headers=headers) as answer:
                assert 201 == answer.status

        for number in range(REPOSITORIES):
            name, pushed = f"team/app{number}", lists(number)
            for built in pushed:
                await push(host, name, built)
            mine = range(number, tags, REPOSITORIES)
            await asyncio.gather(*(tag(name, n, pushed[n // REPOSITORIES % LISTS]) for n in mine))


async def crawl(registry: DockerRegistry, mfl_lint: MflLint) -> Counter[str]:
    """Crawl and return how often what was asked for."""
    before = len(registry.requests())
    done = await mfl_lint("crawl")
    assert 0 == done.code, done.err + done.out
    counted: Counter[str] = Counter()
    for method, path, status in registry.requests()[before:]:
        assert 200 == status
        where = path.partition("?")[0].rsplit("/", 2)
        kind = where[1] if where[1] in ("manifests", "blobs", "tags") else where[-1] or "ping"
        counted[f"{method} {kind}"] += 1
    return counted


async def test_a_second_crawl_makes_one_head_a_tag_and_fetches_no_document(
    docker_registry: Callable[..., DockerRegistry],
    mfl_lint: MflLint,
    count: Callable[[int], int],
) -> None:
    tags = count(1000)
    registry = docker_registry()
    await fill(registry.host, tags)
    mfl_lint.write_config(f'[[registry]]\nname = "lab"\nhost = "{registry.host}"\n')
    first, second = await crawl(registry, mfl_lint), await crawl(registry, mfl_lint)
    print(f"{tags} tags of {REPOSITORIES * LISTS} indexes in {REPOSITORIES} repositories")
    print(f"first crawl:  {sum(first.values())} requests: {dict(first)}")
    print(f"second crawl: {sum(second.values())} requests: {dict(second)}")
    assert tags == second["HEAD manifests"]
    assert {"HEAD manifests", "GET ping", "GET _catalog", "GET tags"} >= set(second)
    assert (1, REPOSITORIES) == (second["GET _catalog"], second["GET tags"])
    # Each of the documents and configs once, however many tags point at it.
    assert REPOSITORIES * LISTS * 2 == first["GET blobs"]
    assert first["GET manifests"] <= tags + REPOSITORIES * LISTS * 2
