"""What `manifest annotate` says of a platform, taken at its word or refused with the right one."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from mfl_lint.core.errors import PlatformInvalid
from mfl_lint.core.platform import CANONICAL_VARIANTS, KNOWN_PAIRS, Platform

_ALSO: Final = frozenset({("wasi", "wasm")})


class Said(msgspec.Struct, frozen=True):
    """The flags; None was not given, "" clears. `os_features` are added, nothing else clears."""

    os: str | None = None
    architecture: str | None = None
    variant: str | None = None
    os_version: str | None = None
    os_features: tuple[str, ...] | None = None


def annotated(
    platform: Platform, said: Said, known: Collection[Platform] = ()
) -> tuple[Platform, tuple[str, ...]]:
    """Return the platform with what was said, and a line for each spelling that was understood.

    PlatformInvalid for a pair that nothing is built for, or a variant that its architecture does
    not have. `known` are platforms that the policy calls canonical.
    """
    os = platform.os if said.os is None else said.os
    architecture = platform.architecture if said.architecture is None else said.architecture
    variant = platform.variant if said.variant is None else said.variant
    if said.architecture is not None and said.variant is None:
        canonical = Platform("linux", architecture).normalized()
        implied = canonical.variant if canonical.architecture != architecture.lower() else ""
        variant = implied or (variant if canonical.architecture == platform.architecture else "")
    found = replace(
        platform,
        os=os,
        architecture=architecture,
        variant=variant,
        os_version=platform.os_version if said.os_version is None else said.os_version,
        os_features=_features(platform.os_features, said.os_features),
    )
    spelt = _spelt(found)
    _check(spelt, known)
    notes = []
    if (spelt.os, spelt.architecture, spelt.variant) != (os, architecture, variant):
        notes.append(f"{found} is written {spelt}")
    return spelt, tuple(notes)


def _features(there: Sequence[str], said: Sequence[str] | None) -> tuple[str, ...]:
    """Return the features with those that were said; an empty one clears what was there."""
    if said is None:
        return tuple(there)
    kept = () if "" in said else tuple(there)
    return tuple(dict.fromkeys((*kept, *(one for one in said if one))))


def _spelt(platform: Platform) -> Platform:
    """Return the canonical spelling; what is only implied (arm's v7, arm64's v8) stays as it is."""
    normal = platform.normalized()
    variant = normal.variant
    if normal.architecture == "arm" and not platform.variant:
        variant = normal.variant if platform.architecture.lower() != "arm" else ""
    if normal.architecture in ("arm64", "amd64") and platform.variant:
        variant = normal.variant or {"arm64": "v8", "amd64": "v1"}[normal.architecture]
    return replace(platform, os=normal.os, architecture=normal.architecture, variant=variant)


def _check(platform: Platform, known: Collection[Platform]) -> None:
    pair = (platform.os, platform.architecture)
    if any((one.os, one.architecture) == pair for one in known):
        return
    if pair not in KNOWN_PAIRS | _ALSO:
        close = _close(*pair)
        hint = f"did you mean {close}?" if close else "known_platforms in the policy allows it"
        raise PlatformInvalid(
            "manifest entry for image has unsupported os/arch combination: "
            f"{platform.os[:60]}/{platform.architecture[:60]}; {hint}"
        )
    variants = CANONICAL_VARIANTS.get(platform.architecture, frozenset())
    if platform.variant and platform.variant not in variants:
        those = ", ".join(sorted(variants)) or "none"
        raise PlatformInvalid(
            f"{platform.os}/{platform.architecture} has no variant {platform.variant[:60]!r}; "
            f"it has: {those}"
        )


def _close(os: str, architecture: str) -> str:
    """Return the pair of which each half is spelt almost so, "" where none is."""
    systems = difflib.get_close_matches(os, sorted({one for one, _ in KNOWN_PAIRS}), 1)
    fitting = {one for system, one in KNOWN_PAIRS if system in systems}
    found = difflib.get_close_matches(architecture, sorted(fitting), 1)
    return f"{systems[0]}/{found[0]}" if found else ""
