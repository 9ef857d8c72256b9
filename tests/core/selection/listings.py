"""Listings of entries that need no document: what the tests of the choice share."""

from __future__ import annotations

from collections.abc import Iterable

from mfl_lint.core.digest import digest_of
from mfl_lint.core.manifest import OCI_MANIFEST, Descriptor
from mfl_lint.core.observation import VERIFIED, Kind, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection import Engine, Listing

MARKS = {"vnd.docker.reference.type": "attestation-manifest"}


def entry(position: int, platform: Platform | None) -> Node:
    """Return an image's entry; one for unknown/unknown is an attestation, as BuildKit writes it."""
    attests = platform is not None and platform.is_unknown
    digest = digest_of(str(position).encode())
    said = Descriptor(OCI_MANIFEST, digest, 1, platform, MARKS if attests else {})
    return Node(position, said, Kind.ATTESTATION if attests else Kind.IMAGE, VERIFIED)


def listing(platforms: Iterable[Platform | None], *, docker_list: bool = False) -> Listing:
    """Return what an engine sees of a list with these entries."""
    entries = (entry(position, platform) for position, platform in enumerate(platforms))
    return Listing(entries, docker_list=docker_list)


def chosen(engine: Engine, asked: Platform | str, platforms: Iterable[Platform]) -> int | None:
    """Return the position of the entry that the engine takes of an OCI index."""
    wish = Platform.parse(asked) if isinstance(asked, str) else asked
    node = listing(platforms).choose(engine, wish)
    return node.position if node is not None else None
