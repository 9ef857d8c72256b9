"""Which builds of Windows run on which: a container shares its host's kernel.

Source: containerd/platforms (stable ABI from Windows Server 2022 on), moby (classic store).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_VERSION: Final = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,5})(?:\..*)?", re.DOTALL)
_BUILD: Final = re.compile(r"[0-9]{1,5}")
_LONGEST: Final = 64
_FIRST_STABLE: Final = 20348
_LONG_TERM: Final = (20348, 26100)


def parse_version(version: str) -> tuple[int, int, int] | None:
    """Return major, minor and build of an os.version; a number alone is a build of Windows 10."""
    return _parsed(version) if len(version) <= _LONGEST else None


@lru_cache(maxsize=4096)
def _parsed(version: str) -> tuple[int, int, int] | None:
    if _BUILD.fullmatch(version):
        return 10, 0, int(version)
    match = _VERSION.fullmatch(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def without_revision(version: str) -> str:
    """Return `10.0.20348` of `10.0.20348.2402`: what an engine detects of its host."""
    parsed = parse_version(version)
    return ".".join(map(str, parsed)) if parsed else version


def runs_build(host: str, container: str) -> bool:
    """Say whether a host of this os.version runs an image of that one, as containerd sees it.

    An absent version matches everything. Before 20348 the builds must be equal; from then on an
    image may be as old as the last long-term build before the host's.
    """
    own, other = parse_version(host), parse_version(container)
    if own is None or not container:
        return True
    if other is None or own[:2] != other[:2]:
        return False
    build = own[2]
    if build < _FIRST_STABLE:
        return build == other[2]
    oldest = max((release for release in _LONG_TERM if release < build), default=build)
    return oldest <= other[2] <= build


def is_newer(container: str, host: str) -> bool:
    """Say whether an image's build is newer than the host's; what cannot be read is not."""
    own, other = parse_version(host), parse_version(container)
    return own is not None and other is not None and other[2] > own[2]
