"""The hosts that a policy names, and the engines that choose an image there."""

from __future__ import annotations

from typing import Final

from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.selection import ENGINES, Engine, Listing
from mfl_lint.core.selection.engines import key_of

_LINUX: Final = tuple(engine for engine in ENGINES if engine is not Engine.FIRST_MATCH)
_WINDOWS: Final = tuple(engine for engine in _LINUX if engine is not Engine.PODMAN)
_PLAIN: Final = ("linux", "amd64", "")
_LEVELS: Final = ("v2", "v3", "v4")


def hosts(policy: Policy) -> tuple[Platform, ...]:
    """Return each host once, in normal form, those of the Windows builds too."""
    builds = (Platform("windows", "amd64", "", build) for build in policy.windows_builds)
    return tuple(dict.fromkeys(host.normalized() for host in (*policy.hosts, *builds)))


def engines_on(host: Platform) -> tuple[Engine, ...]:
    """Return the engines that run containers on such a host: podman runs none on Windows."""
    return _WINDOWS if host.os == "windows" else _LINUX


def levels(host: Platform) -> tuple[Platform, ...]:
    """Return all that docker may detect of such a host."""
    os, architecture, variant = key_of(host)
    if (os, architecture, variant) != _PLAIN:
        return (host,)
    return (host, *(Platform(os, architecture, level) for level in _LEVELS))


def machines(listing: Listing, host: Platform) -> tuple[Platform, ...]:
    """Return what docker may detect of such a host, where that makes a difference."""
    found = levels(host)
    differ = listing.bare or any(listing.offers(key_of(one)) for one in found[1:])
    return found if differ else (host,)
