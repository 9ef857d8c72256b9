"""The same choice in words: what is taken and why, why every other entry fell out."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.manifest import Form
from mfl_lint.core.observation import Kind, LookState, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection.choose import Listing
from mfl_lint.core.selection.engines import Engine, accepted, is_32_bit_fallback, key_of, wanted
from mfl_lint.core.selection.windows import parse_version

_SHOWN = 10


class EntryReason(msgspec.Struct, frozen=True):
    """Why an entry is taken or not."""

    node: Node
    taken: bool
    reason: str


class Selection(msgspec.Struct, frozen=True):
    """What an engine takes; `selected` is None where nothing matches.

    `asked` is what the engine was asked for. `entries` are all of the index, in its order; none
    where the root is no index.
    """

    engine: Engine
    asked: Platform
    selected: Node | None
    reason: str
    entries: tuple[EntryReason, ...] = ()


def select(root: Node, engine: Engine, asked: Platform) -> Selection:
    """Return what the engine takes of a reference when it is asked for a platform, and why.

    A reference that leads to no list is taken as it is. Raises NotObserved where the engine
    would have read what nobody saw.
    """
    document = root.document
    if document is not None and document.form is Form.UNREADABLE:
        return Selection(engine, asked, None, "the document is no list and no image")
    if not root.is_index and root.kind is not Kind.INDEX:
        return Selection(engine, asked, root, _why_single(root, asked))
    listing = Listing.of(root)
    chosen = listing.choose(engine, asked)
    entries = tuple(
        EntryReason(node, node is chosen, _why(listing, engine, asked, node, chosen))
        for node in root.children
    )
    taken = next((entry.reason for entry in entries if entry.taken), None)
    reason = taken or _why_nothing(listing, asked)
    return Selection(engine, asked, chosen, reason, entries)


def _why_single(root: Node, asked: Platform) -> str:
    reason = "there is no list: the image is taken as it is"
    built = root.config.platform if root.config is not None else None
    if built is None:
        return f"{reason}, whatever it is for"
    if key_of(built.normalized()) in accepted(asked):
        return f"{reason}; its config says {built.full}"
    return f"{reason}, but its config says {built.full}, which is not for {asked.full}"


def _why(listing: Listing, engine: Engine, asked: Platform, node: Node, chosen: Node | None) -> str:
    if node is chosen:
        return _why_taken(listing, engine, asked, node)
    if node.kind is Kind.ATTESTATION:
        return "an attestation, never a candidate"
    if node.kind is Kind.BLOB:
        return f"no manifest but {node.entry.media_type}"
    matching = _matches(listing, engine, asked, node)
    if matching is None:
        return "it has no platform, and its config was not seen"
    if matching and chosen is not None:
        return f"it matches too, but entry {chosen.position} {_advantage(engine, node, chosen)}"
    if matching:
        return "it has no platform, and only the first such entry is looked at"
    return _why_not(engine, asked, node, docker_list=listing.docker_list)


def _matches(listing: Listing, engine: Engine, asked: Platform, node: Node) -> bool | None:
    """Say whether the engine would take the entry if it were alone, None if nobody can tell."""
    try:
        return listing.alone(node).choose(engine, asked) is node
    except NotObserved:
        return None


def _why_taken(listing: Listing, engine: Engine, asked: Platform, node: Node) -> str:
    said = node.entry.platform
    rivals = sum(
        bool(_matches(listing, engine, asked, other))
        for other in listing.candidates
        if other is not node
    )
    among = f"the best of {rivals + 1} that match" if rivals else "the only one that matches"
    if said is None or said.is_empty:
        reason = _why_bare(engine, node)
    elif is_32_bit_fallback(asked, said):
        reason = f"{among}: the 32-bit sister of {asked.full}"
    else:
        reason = among
    gone = node.look is not None and node.look.state is LookState.ABSENT
    return f"{reason}; but the registry does not have it" if gone else reason


def _why_bare(engine: Engine, node: Node) -> str:
    if engine is Engine.FIRST_MATCH:
        return "it has no platform, which counts as linux/amd64"
    if engine in (Engine.DOCKER_CLASSIC, Engine.PODMAN):
        return "it has no platform and is taken unread, because nothing else matches"
    built = node.config.platform if node.config is not None else None
    says = f"its config says {built.full}" if built is not None else "an image in it matches"
    return f"it has no platform; {says}"


def _advantage(engine: Engine, node: Node, chosen: Node) -> str:
    mine, other = node.entry.platform, chosen.entry.platform
    if other is None or mine is None:
        return "names its platform" if mine is None and other is not None else "comes first"
    if mine.normalized() != other.normalized():
        return f"is preferred: {other.full}"
    first = (chosen.position or 0) < (node.position or 0)
    return "comes first" if first else f"is what {engine} prefers among equals"


def _why_not(engine: Engine, asked: Platform, node: Node, *, docker_list: bool) -> str:
    said = node.entry.platform
    if said is None:
        return _why_bare_not(engine, node, docker_list=docker_list)
    if engine is Engine.PODMAN:
        keys = ", ".join(str(Platform(*key)) for key in wanted(asked))
        return f"it is not, letter by letter, one of {keys}"
    if engine is Engine.FIRST_MATCH:
        return f"it is not, letter by letter, {asked.full}"
    own, other = asked.normalized(), said.normalized()
    if key_of(other) not in accepted(asked):
        above = (own.os, own.architecture) == (other.os, other.architecture)
        return f"it is {'another variant than' if above else 'not for'} {asked.full}"
    lacking = sorted(set(said.os_features) - set(asked.os_features))
    if lacking and (own.os != "windows" or engine is not Engine.DOCKER_CLASSIC):
        return f"it needs os.features {', '.join(lacking[:_SHOWN])}"
    return f"it does not run on {asked.full}"


def _why_bare_not(engine: Engine, node: Node, *, docker_list: bool) -> str:
    if engine is Engine.PODMAN and docker_list:
        return "it has no platform, and podman skips such entries of a Docker list"
    if engine is Engine.FIRST_MATCH:
        return "it has no platform, which counts as linux/amd64"
    built = node.config.platform if node.config is not None else None
    if engine is Engine.DOCKER_CLASSIC or built is None:
        return "it has no platform"
    return f"it has no platform, and its config says {built.full}"


def _why_nothing(listing: Listing, asked: Platform) -> str:
    there = [said for node in listing.candidates if (said := _platform_of(node)) is not None]
    reason = f"no matching manifest for {asked.full} in the manifest list entries"
    if not there:
        return f"{reason}; there is no image with a platform"
    names = list(dict.fromkeys(platform.full for platform in there))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    near = nearest(asked, there)
    told = f"; nearest is {near.full} ({_difference(asked, near)})" if near else ""
    return f"{reason}; there is {', '.join(names[:_SHOWN])}{more}{told}"


def _platform_of(node: Node) -> Platform | None:
    said = node.entry.platform
    if said is not None and said.os and said.architecture:
        return None if said.is_unknown else said
    return node.config.platform if node.config is not None else None


def nearest(asked: Platform, there: Iterable[Platform]) -> Platform | None:
    """Return the platform most like the one asked for, None where not even the os is the same."""
    near = [platform for platform in there if platform.normalized().os == asked.normalized().os]
    return min(near, key=lambda platform: _distance(asked, platform), default=None)


def _distance(asked: Platform, other: Platform) -> tuple[bool, bool, int, bool, int]:
    own, normal = asked.normalized(), other.normalized()
    related = is_32_bit_fallback(own, normal) or is_32_bit_fallback(normal, own)
    same = own.architecture == normal.architecture
    level, other_level = _number(own.variant), _number(normal.variant)
    own_build, build = parse_version(own.os_version), parse_version(normal.os_version)
    apart = abs(own_build[2] - build[2]) if own_build and build else 0
    return not same, not related, abs(level - other_level), other_level > level, apart


def _number(variant: str) -> int:
    digits = "".join(sign for sign in variant[:8] if sign in "0123456789")
    return int(digits or "1")


def _difference(asked: Platform, other: Platform) -> str:
    own, normal = asked.normalized(), other.normalized()
    if own.architecture != normal.architecture:
        return "another architecture"
    if own.variant != normal.variant:
        return "another variant"
    if own.os_version != normal.os_version:
        return "another os.version"
    return "another spelling" if key_of(own) != key_of(other) else "other os.features"
