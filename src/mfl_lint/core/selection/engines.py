"""The engines, what each detects of its host, and which platforms it then accepts, best first.

Source: containerd/platforms (`Only`, `Default`), moby (the classic store asks for the highest
level that the processor has), containers/image (wanted platforms).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Final

from mfl_lint.core.platform import Platform
from mfl_lint.core.selection.windows import without_revision

Key = tuple[str, str, str]


class Engine(StrEnum):
    """Who chooses. `containerd` is CRI too; `podman` stands for all of containers/image."""

    DOCKER = "docker"
    DOCKER_CLASSIC = "docker-classic"
    CONTAINERD = "containerd"
    PODMAN = "podman"
    FIRST_MATCH = "first-match"


ENGINES: Final = tuple(Engine)

COMMON_HOSTS: Final = tuple(
    Platform.parse(text)
    for text in (
        "linux/amd64",
        "linux/amd64/v2",
        "linux/amd64/v3",
        "linux/amd64/v4",
        "linux/386",
        "linux/arm/v5",
        "linux/arm/v6",
        "linux/arm/v7",
        "linux/arm64",
        "linux/ppc64le",
        "linux/riscv64",
        "linux/s390x",
        "windows(10.0.17763)/amd64",
        "windows(10.0.20348)/amd64",
        "windows(10.0.26100)/amd64",
    )
)

_LEVEL: Final = re.compile(r"v?([0-9]{1,2})")
_ARM64: Final = re.compile(r"v([0-9]{1,2})(?:\.([0-9]))?")
_DETECTS_LEVEL: Final = frozenset({Engine.DOCKER, Engine.DOCKER_CLASSIC})
_FALLBACKS: Final = frozenset({("amd64", "386"), ("arm64", "arm")})

# What containers/image tries for an architecture, newest first.
_VARIANTS: Final = {"arm": ("v8", "v7", "v6", "v5"), "arm64": ("v8",)}


def key_of(platform: Platform) -> Key:
    """Return os, architecture and variant in the platform's own spelling."""
    return platform.os, platform.architecture, platform.variant


def detected(engine: Engine, host: Platform) -> Platform:
    """Return what the engine asks for on such a host when nobody names a platform.

    Only docker sees the level of an amd64 processor. Windows hosts show their build without the
    revision, and `win32k`; podman names v8 on arm64 and knows no versions.
    """
    own = host.normalized()
    variant = own.variant
    if own.architecture == "amd64" and engine not in _DETECTS_LEVEL:
        variant = ""
    if engine is Engine.PODMAN and own.architecture == "arm64":
        variant = variant or "v8"
    if engine in (Engine.PODMAN, Engine.FIRST_MATCH):
        return Platform(own.os, own.architecture, variant)
    if own.os != "windows":
        return Platform(own.os, own.architecture, variant, own.os_version, own.os_features)
    features = tuple(sorted({*own.os_features, "win32k"}))
    version = without_revision(own.os_version)
    return Platform(own.os, own.architecture, variant, version, features)


def runs(host: Platform, offered: Platform) -> bool:
    """Say whether the host runs such a program: its own level, a lower one, or 32 bits."""
    return key_of(offered.normalized()) in accepted(host)


def is_32_bit_fallback(asked: Platform, taken: Platform) -> bool:
    """Say whether what was taken is the 32-bit sister of what was asked for."""
    return (asked.normalized().architecture, taken.normalized().architecture) in _FALLBACKS


def accepted(asked: Platform) -> tuple[Key, ...]:
    """Return what containerd and docker accept for a platform, normal forms, best first."""
    own = asked.normalized()
    return _accepted(own.os, own.architecture, own.variant)


@lru_cache(maxsize=1024)
def _accepted(os: str, architecture: str, variant: str) -> tuple[Key, ...]:
    names = ((name, level) for name, level in _downward(architecture, variant))
    normal = (Platform(os, name, level).normalized() for name, level in names)
    return tuple(dict.fromkeys(key_of(platform) for platform in normal))


def _downward(architecture: str, variant: str) -> Iterator[tuple[str, str]]:
    yield architecture, variant
    if architecture == "amd64":
        yield from ((architecture, f"v{level}") for level in range(_level(variant) - 1, 0, -1))
        yield "386", ""
    elif architecture == "arm":
        yield from ((architecture, f"v{level}") for level in range(_level(variant) - 1, 4, -1))
    elif architecture == "arm64":
        yield from ((architecture, name) for name in _arm64_downward(variant or "v8"))
        yield from _downward("arm", "v8")


def _level(variant: str) -> int:
    match = _LEVEL.fullmatch(variant)
    return int(match[1]) if match else 0


def _arm64_downward(variant: str) -> Iterator[str]:
    """Yield what is below an arm64 variant; v9.x grew out of v8.(x+5), and v8.9 is the last."""
    match = _ARM64.fullmatch(variant)
    if match is None or int(match[1]) not in (8, 9):
        return
    major, minor = int(match[1]), int(match[2] or 0)
    yield from (f"v{major}.{number}" for number in range(minor - 1, -1, -1))
    if major == 9:
        yield from (f"v8.{number}" for number in range(min(minor + 5, 9), -1, -1))


def wanted(asked: Platform) -> tuple[Key, ...]:
    """Return what containers/image wants for a platform, to the letter, best first."""
    os, name, variant = key_of(asked)
    known = _VARIANTS.get(name, ())
    if not variant:
        return tuple((os, name, one) for one in ("", *known))
    lower = known[known.index(variant) :] if variant in known else (variant,)
    return tuple((os, name, one) for one in (*lower, ""))
