"""How platforms are spelt: what engines match, and what people write instead."""

from __future__ import annotations

from typing import Final

from mfl_lint.core.platform import CANONICAL_VARIANTS, KNOWN_PAIRS, Platform

_NO_VARIANTS: Final[frozenset[str]] = frozenset()

# The operating systems whose images engines run.
RUN: Final = frozenset({"linux", "windows", "freebsd"})
# Go reserves these names: a host that has one matches it as it is written.
_RESERVED: Final = frozenset(
    {"amd64p32", "armbe", "arm64be", "mips64p32", "mips64p32le", "ppc", "riscv", "s390"}
    | {"sparc", "sparc64", "wasm"}
)

# What people write for an architecture that nobody translates.
_MEANT: Final = {
    "arm64v8": ("arm64", ""),
    "arm32v5": ("arm", "v5"),
    "arm32v6": ("arm", "v6"),
    "arm32v7": ("arm", "v7"),
    "armv5": ("arm", "v5"),
    "armv6": ("arm", "v6"),
    "armv6l": ("arm", "v6"),
    "armv7": ("arm", "v7"),
    "armv7l": ("arm", "v7"),
    "armv8": ("arm64", ""),
    "ppc64el": ("ppc64le", ""),
    "mips64el": ("mips64le", ""),
    "x64": ("amd64", ""),
    "x86": ("386", ""),
    "i686": ("386", ""),
}


def is_matched(normal: Platform) -> bool:
    """Say whether any host's engine matches a platform, given in its normal form."""
    pair = (normal.os, normal.architecture)
    if pair not in KNOWN_PAIRS and normal.architecture not in _RESERVED:
        return False
    return not normal.variant or normal.variant in _variants(normal.architecture)


def is_canonical(said: Platform, normal: Platform) -> bool:
    """Say whether what is said needs no translation; `normal` is its normal form."""
    if (said.os, said.architecture) != (normal.os, normal.architecture):
        return False
    return not said.variant or said.variant in _variants(normal.architecture)


def meant_by(normal: Platform) -> Platform | None:
    """Return what an unmatched spelling most likely stands for, None where nobody can tell."""
    architecture, variant = _MEANT.get(normal.architecture, (normal.architecture, ""))
    if (normal.os, architecture) not in KNOWN_PAIRS:
        return None
    spelt = normal.variant.removeprefix("arm")
    variants = _variants(architecture)
    if not variant and normal.variant:
        variant = spelt if spelt in variants else ""
    return Platform(normal.os, architecture, variant)


def _variants(architecture: str) -> frozenset[str]:
    return CANONICAL_VARIANTS.get(architecture, _NO_VARIANTS)
