"""The demo: a registry full of good and broken images, crawled, printed and served."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mfl_lint.config import (
    Config,
    CredentialsConfig,
    DatabaseConfig,
    RegistryConfig,
)
from mfl_lint.config_serve import ServeConfig
from mfl_lint.core.observation import LookState
from mfl_lint.core.reference import Reference
from mfl_lint.core.scan import Scan
from mfl_lint.crawl.job import Progress
from mfl_lint.crawl.recorded import recorded_scan
from mfl_lint.demo.images import DEMO_POLICY, DemoImage, fill
from mfl_lint.demo.registry import DemoRegistry, running
from mfl_lint.service.crawling import crawl_once, open_crawler, utc_now
from mfl_lint.service.serving import check_free, serve

NAME: Final = "demo"
_BUSY: Final = '; take another: `mfl-lint demo --port N`, or `make demo ARGS="--port N"`'


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo tells whoever prints it: the registry's address, its images, the findings."""

    host: str
    images: tuple[DemoImage, ...]
    progress: Progress
    scan: Scan


async def run_demo(
    *,
    show: Callable[[Shown], None],
    ready: Callable[[str], None],
    once: bool,
    port: int = 8080,
    stop: asyncio.Event | None = None,
) -> tuple[str, ...]:
    """Fill a registry, crawl it, show what was found; then serve, unless `once`.

    Returns one line for each difference between what must be found and what was.
    """
    if not once:
        check_free(ServeConfig(port=port), _BUSY)
    contents = DemoRegistry()
    images = fill(contents)
    with tempfile.TemporaryDirectory(prefix="mfl-lint-demo-") as folder:
        async with running(contents.app()) as host:
            config = _config(host, Path(folder), port)
            (progress,) = await crawl_once(config, (), show=lambda progress: None)
            async with open_crawler(config) as (store, _):
                scan = await recorded_scan(store, NAME, utc_now())
            show(Shown(host, images, progress, scan))
            if not once:
                await serve(lambda: config, ready=ready, stop=stop)
    return differences(images, scan)


def _config(host: str, folder: Path, port: int) -> Config:
    nobody = CredentialsConfig(anonymous=True)
    registry = RegistryConfig(name=NAME, host=host, interval_s=60.0, credentials=nobody)
    return Config(
        registries=(registry,),
        database=DatabaseConfig(url=f"sqlite:///{folder / 'demo.db'}"),
        serve=ServeConfig(port=port),
        policy=DEMO_POLICY,
    )


def differences(images: tuple[DemoImage, ...], scan: Scan) -> tuple[str, ...]:
    """Return a line for each tag in which other rules fired than must, or that was not seen."""
    found: dict[tuple[str, str], set[str]] = {}
    for finding in scan.findings:
        found.setdefault((finding.repository, finding.tag), set()).add(finding.rule)
    expected: dict[tuple[str, str], set[str]] = {}
    for image in images:
        expected.setdefault((image.repository, image.tag), set()).update(image.expected)
        expected.setdefault((image.repository, ""), set()).update(image.expected_names)
    fired = tuple(
        f"{repository}:{tag or '(name)'}: expected {sorted(expected.get(key, ()))}, "
        f"found {sorted(found.get(key, ()))}"
        for key in sorted(expected.keys() | found.keys())
        for repository, tag in [key]
        if expected.get(key, set()) != found.get(key, set())
    )
    return (*scan.problems, *_unseen(images, scan), *fired)


def _unseen(images: tuple[DemoImage, ...], scan: Scan) -> Iterator[str]:
    """Yield a line for each tag that could not be looked at: no finding proves nothing there."""
    seen = set()
    for target in scan.targets:
        if target.state is LookState.VERIFIED:
            reference = Reference.parse(target.reference).with_default_tag()
            seen.add((reference.repository, reference.tag))
    for image in images:
        if (image.repository, image.tag) not in seen:
            yield f"{image.repository}:{image.tag}: not looked at"
