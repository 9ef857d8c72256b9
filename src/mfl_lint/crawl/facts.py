"""What of an observation is to be remembered. Pure: an Observation in, records out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.manifest import OCI_CONFIG, Descriptor
from mfl_lint.core.names import platform_words
from mfl_lint.core.observation import Kind, Look, LookState, Node, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.records import Content, Entry, Presence
from mfl_lint.core.rule import Needs, Rule, TagSummary

# Marks a tag whose rules about siblings have still to run.
PENDING: Final = "*"


def offered(root: Node) -> tuple[Platform, ...] | None:
    """Return the platforms that a tree offers, None where a part of it was not seen.

    Of what is not there an entry still says the platform, as engines read it; without one there
    is nothing to be said, and nothing that could be seen.
    """
    platforms: list[Platform] = []
    for node in root.walk():
        is_absent = node.look is not None and node.look.state is LookState.ABSENT
        if not is_absent and (
            node.kind is Kind.UNDECIDED or (node.kind is Kind.INDEX and node.document is None)
        ):
            return None
        if node.kind not in (Kind.IMAGE, Kind.UNDECIDED):
            continue
        platform = node.entry.platform or (node.config.platform if node.config else None)
        if platform is not None:
            platforms.append(platform.normalized())
        elif not is_absent:
            return None
    return tuple(platforms)


def summary(tag: str, root: Node) -> TagSummary:
    """Return what a tag's siblings are told of it."""
    children = tuple(child.entry.digest for child in root.children if child.entry.digest)
    return TagSummary(tag, root.entry.digest, root.is_index, offered(root), children)


def siblings_hash(summaries: Iterable[TagSummary], others: Iterable[str] = ()) -> str:
    """Return what changes when something changed that rules about siblings read."""
    digest = hashlib.sha256()
    listed = sorted(summaries, key=lambda item: item.tag)
    # Which digests an index lists is read only where a tag is named after a platform.
    worded = any(platform_words(item.tag) for item in listed)
    for item in listed:
        read = (item.tag, item.is_index, item.platforms, item.children if worded else ())
        digest.update(repr(read).encode("utf-8", "replace"))
    for name in sorted(others):
        digest.update(f"/{name}".encode("utf-8", "replace"))
    return digest.hexdigest()[:32]


def is_worded(repository: str) -> bool:
    """Say whether the name holds a platform word: its siblings are in other repositories too."""
    return bool(platform_words(repository))


def beside(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules that read siblings."""
    return tuple(rule for rule in rules if Needs.SIBLINGS in rule.needs)


def alone(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules that read nothing but the tag itself."""
    return tuple(rule for rule in rules if Needs.SIBLINGS not in rule.needs)


def entries(root: Node) -> tuple[Entry, ...]:
    """Return an index's entries; a lone image is its own only entry."""
    if root.is_index:
        return tuple(
            Entry(child.position or 0, child.entry, child.kind, _state(child.look))
            for child in root.children
        )
    config = root.config
    itself = Descriptor(
        media_type=root.entry.media_type,
        digest=root.entry.digest,
        size_bytes=root.entry.size_bytes,
        platform=config.platform if config else None,
    )
    return (Entry(0, itself, root.kind, _state(root.look)),)


def _state(look: Look | None) -> LookState | None:
    return look.state if look is not None else None


def walked_at(root: Node, vouched: Mapping[Digest, datetime], at: datetime) -> datetime:
    """Return since when nothing below the root was looked at: `at`, or what was vouched for."""
    if not vouched:
        return at
    below = (node.entry.digest for node in root.walk() if node.position is not None)
    blobs = (digest for node in root.walk() for digest in node.blobs or ())
    digests = (digest for digest in (*below, *blobs) if digest is not None)
    return min((vouched[digest] for digest in digests if digest in vouched), default=at)


def presences(root: Node, vouched: Collection[Digest], at: datetime) -> Iterator[Presence]:
    """Yield what this walk saw of the digests below the root; `vouched` were not looked at.

    A lone image is its own only entry.
    """
    for node in root.walk():
        if node.position is not None or not root.is_index:
            yield from _presence(node.entry.digest, node.look, vouched, at)
        if node.config_look is not None and node.config_look.state is not LookState.VERIFIED:
            config = node.document.config if node.document else None
            yield from _presence(config.digest if config else None, node.config_look, (), at)
        for digest, look in (node.blobs or {}).items():
            yield from _presence(digest, look, vouched, at)


def _presence(
    digest: Digest | None, look: Look | None, vouched: Collection[Digest], at: datetime
) -> Iterator[Presence]:
    if digest is not None and look is not None and digest not in vouched and not look.bounded:
        yield Presence(digest, look.state, look.detail, at)


def read_configs(root: Node) -> tuple[Digest, ...]:
    """Return the configs that were read: what an earlier look at them failed with is over."""
    return tuple(node.config.digest for node in root.walk() if node.config is not None)


def is_bounded(seen: Observation) -> bool:
    """Say whether nothing but our own limits hides a part of the tree."""
    walked = seen.root.walk() if seen.root is not None else ()
    looks = {look for node in walked for look in (node.look, node.config_look) if look}
    hidden = [look for look in looks if look.state is not LookState.VERIFIED]
    return bool(hidden) and all(look.bounded for look in hidden)


def contents(root: Node, answered: Collection[Digest]) -> Iterator[Content]:
    """Yield the documents and configs that this walk fetched, to be kept for good."""
    for node in root.walk():
        document, config = node.document, node.config
        if document is not None and document.digest not in answered:
            yield Content(document.digest, document.raw, document.served_type)
        if config is not None and config.digest not in answered:
            named = document.config.media_type if document and document.config else ""
            yield Content(config.digest, config.raw, named or OCI_CONFIG)
