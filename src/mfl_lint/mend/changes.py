"""Changes of a list that is in a registry, as steps: add or replace, drop, merge.

Order, annotations and attestations of what stays are kept. An attestation goes with the image
that it speaks of, since it would speak of nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.errors import Refused
from mfl_lint.core.kind import is_attestation_entry
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.platform import Platform, meets
from mfl_lint.core.steps import Add, Drop, Repoint, Step
from mfl_lint.mend.bringing import Child

_SUBJECT = "vnd.docker.reference.digest"


class Change(msgspec.Struct, frozen=True):
    """Steps, the children that they need, and a line for people for each step."""

    steps: tuple[Step, ...] = ()
    children: tuple[Child, ...] = ()
    lines: tuple[str, ...] = ()


def appended(entries: Sequence[Descriptor], children: Sequence[Child]) -> Change:
    """Return how the children are added; one for a platform that is there takes its place.

    Attestations are added behind, unless they are there. Refused for two new children of one
    platform.
    """
    steps: list[Step] = []
    lines: list[str] = []
    brought: list[Child] = []
    replaced: set[Digest] = set()
    taken: set[int] = set()
    there = {entry.digest for entry in entries}
    _demand_different(children)
    for child in children:
        entry = child.entry
        position = None if is_attestation_entry(entry) else _same(entries, entry)
        if position is None:
            if entry.digest in there and (is_attestation_entry(entry) or entry.platform is None):
                lines.append(f"{entry.digest} is there already")
                continue
            steps.append(Add(entry, child.source))
            lines.append(f"add {_name(entry)}")
        elif entries[position].digest == entry.digest:
            lines.append(f"{_name(entry)} is there already")
            continue
        else:
            old = entries[position]
            steps.append(Repoint(position, entry, child.source))
            lines.append(f"replace {_name(old)} by {entry.digest}")
            taken.add(position)
            if old.digest is not None:
                replaced.add(old.digest)
        brought.append(child)
    kept = {entry.digest for at, entry in enumerate(entries) if at not in taken}
    gone = replaced - kept
    for step in _orphans(entries, gone):
        steps.append(step)
        lines.append(f"drop entry {step.position}: {step.why}")
    return Change(tuple(steps), tuple(brought), tuple(lines))


def removed(entries: Sequence[Descriptor], names: Sequence[str]) -> Change:
    """Return how entries are dropped that a platform or a digest names; Refused where none is."""
    drops: dict[int, Drop] = {}
    for name in names:
        found = _named(entries, name)
        if not found:
            offered = ", ".join(_name(one) for one in entries if not is_attestation_entry(one))
            raise Refused(f"the list has no entry {name[:100]!r}; it has: {offered[:500]}")
        for position in found:
            drops[position] = Drop(position, f"asked for by {name}")
    kept = {entry.digest for at, entry in enumerate(entries) if at not in drops}
    gone = {entries[at].digest for at in drops} - kept
    for step in _orphans(entries, {digest for digest in gone if digest is not None}):
        drops.setdefault(step.position, step)
    ordered = [drops[at] for at in sorted(drops)]
    lines = tuple(f"drop {_name(entries[one.position])}: {one.why}" for one in ordered)
    return Change(tuple(ordered), (), lines)


def _named(entries: Sequence[Descriptor], name: str) -> list[int]:
    if is_digest(name):
        return [at for at, entry in enumerate(entries) if entry.digest == name]
    wanted = Platform.parse(name)
    images = [
        (at, entry.platform)
        for at, entry in enumerate(entries)
        if entry.platform is not None and not is_attestation_entry(entry)
    ]
    exact = [at for at, one in images if _key(one) == _key(wanted)]
    return exact or [at for at, one in images if meets(wanted, one)]


def _same(entries: Sequence[Descriptor], entry: Descriptor) -> int | None:
    """Return the position of the entry for the same platform, None where there is none."""
    if entry.platform is None:
        return None
    wanted = (_key(entry.platform), _zstd(entry))
    for position, one in enumerate(entries):
        if one.platform is None or is_attestation_entry(one):
            continue
        if (_key(one.platform), _zstd(one)) == wanted:
            return position
    return None


def _key(platform: Platform) -> Platform:
    return platform.normalized()


def _zstd(entry: Descriptor) -> str:
    return entry.annotations.get("io.github.containers.compression.zstd", "")


def _demand_different(children: Sequence[Child]) -> None:
    seen: dict[tuple[Platform, str], Descriptor] = {}
    for child in children:
        entry = child.entry
        if entry.platform is None or is_attestation_entry(entry):
            continue
        other = seen.setdefault((_key(entry.platform), _zstd(entry)), entry)
        if other.digest != entry.digest:
            raise Refused(
                f"cannot include two manifests with the same platform {entry.platform}: "
                f"{other.digest} and {entry.digest}"
            )


def _orphans(entries: Sequence[Descriptor], gone: Iterable[Digest]) -> Iterable[Drop]:
    """Yield the drops of attestations that speak of digests which are no more in the list."""
    lost = set(gone)
    for position, entry in enumerate(entries):
        subject = entry.annotations.get(_SUBJECT, "")
        if is_attestation_entry(entry) and subject in lost:
            yield Drop(position, f"it attests {subject}, which goes")


def _name(entry: Descriptor) -> str:
    return f"{entry.platform.full if entry.platform else 'no platform'} {entry.digest}"
