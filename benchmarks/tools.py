"""What people do without us: a loop over a tool in a shell, a process a call."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from benchmarks.images import PLATFORMS, TAGS, is_broken, repository_names


def sample(count: int) -> tuple[str, ...]:
    """Return so many references without a host; none of a broken tag, which has no arm64."""
    tags = (
        f"{name}:{tag}"
        for number, name in enumerate(repository_names(count))
        for place, tag in enumerate(TAGS)
        if not is_broken(number, place)
    )
    return tuple(islice(tags, count))


def _docker(host: str, reference: str) -> Iterator[Sequence[str]]:
    yield ("docker", "manifest", "inspect", "-v", "--insecure", f"{host}/{reference}")


def _skopeo(host: str, reference: str) -> Iterator[Sequence[str]]:
    for platform in PLATFORMS:
        over = [
            f"--override-{'arch' if name == 'architecture' else name}={value}"
            for name, value in platform.items()
        ]
        target = f"docker://{host}/{reference}"
        yield ("skopeo", *over, "inspect", "--config", "--tls-verify=false", target)


_LOOPS: tuple[tuple[str, str, Callable[[str, str], Iterator[Sequence[str]]]], ...] = (
    ("docker", "docker manifest inspect -v", _docker),
    ("skopeo", "skopeo inspect --config, each platform", _skopeo),
)


def tool_times(host: str, count: int) -> Iterator[tuple[str, float | None]]:
    """Yield each loop with its seconds a tag over `count` tags, None where it is not installed."""
    for binary, title, commands in _LOOPS:
        if shutil.which(binary) is None:
            yield title, None
            continue
        with tempfile.TemporaryDirectory() as home:
            environment = {"PATH": os.environ["PATH"], "HOME": home}
            start = time.perf_counter()
            for reference in sample(count):
                for command in commands(host, reference):
                    subprocess.run(command, env=environment, check=True, capture_output=True)
            yield title, (time.perf_counter() - start) / count
