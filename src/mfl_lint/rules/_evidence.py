"""What several rules ask of a tree: an image's config, the platforms that a tag offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.manifest import Document, Form, ImageConfig
from mfl_lint.core.observation import Kind, LookState, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.rule import NodeCase, TagCase


def config_of(node: Node) -> ImageConfig | None:
    """Return an image's config, None where it has none that can be read as one.

    Raises NotObserved where it was not seen.
    """
    config = node.config
    if config is None:
        if node.document is not None and node.document.form is Form.SCHEMA1:
            return None
        look = node.config_look
        state = f"{look.state} {look.detail}".strip() if look else "not looked at"
        raise NotObserved(f"the config of {node.entry.digest or 'an image'}: {state}")
    unreadable = any(problem.where == "" for problem in config.problems)
    return None if unreadable and config.platform.is_empty else config


_MAY_HOLD_IMAGES: Final = frozenset({Kind.UNDECIDED, Kind.INDEX})

Configured = dict[str, list[tuple[Node, ImageConfig]]]


def configured(case: NodeCase) -> tuple[Configured, str]:
    """Return an index's images with their configs, by os; and what was not seen ("" = nothing)."""
    found: Configured = {}
    gap = ""
    for child in case.children:
        node = child.node
        if is_unseen(node):
            gap = gap or unseen(node)
        if node.kind is not Kind.IMAGE or is_absent(node):
            continue
        try:
            config = config_of(node)
        except NotObserved as error:
            gap = gap or str(error)
            continue
        if config is not None:
            os = child.normal.os or config.platform.normalized().os
            found.setdefault(os, []).append((node, config))
    return found, gap


def read_document(node: Node) -> Document | None:
    """Return the node's document if it is an index or a manifest that could be read."""
    document = node.document
    if document is None or document.form is Form.UNREADABLE:
        return None
    return document


# Fixes name fewer entries than this; every wrong entry of a long list asks.
_MAX_BESIDE: Final = 64


class Offer(msgspec.Struct, frozen=True):
    """What a tag offers. `unseen` says what might offer more, "" = nothing."""

    platforms: tuple[Platform, ...]
    unseen: str = ""

    @property
    def several(self) -> bool:
        """Say whether there are two that differ in os, architecture or variant."""
        return len(self.platforms) > 1 and len(self.distinct()) > 1

    def distinct(self) -> frozenset[tuple[str, str, str]]:
        """Return os, architecture and variant of each platform in normal form."""
        normal = (platform.normalized() for platform in self.platforms)
        return frozenset((one.os, one.architecture, one.variant) for one in normal)


def offered(root: Node) -> Offer:
    """Return the platforms of a tag's images: the entry's, without one the config's.

    An entry whose child was not seen offers what it says: that is all an engine reads.
    """
    platforms: list[Platform] = []
    unseen = ""
    for node in root.walk():
        if node.kind is Kind.INDEX:
            if node.document is None and not is_absent(node):
                unseen = unseen or f"the nested index {node.entry.digest} was not seen"
        elif node.kind in (Kind.IMAGE, Kind.UNDECIDED):
            platform = _platform_of(node)
            if platform is not None:
                platforms.append(platform)
            elif node.config is None and not is_absent(node):
                unseen = unseen or f"the platform of {node.entry.digest} was not seen"
    return Offer(tuple(platform for platform in platforms if not platform.is_unknown), unseen)


def is_absent(node: Node) -> bool:
    """Say whether the registry answered that it does not have the node."""
    return node.look is not None and node.look.state is LookState.ABSENT


def is_unseen(node: Node) -> bool:
    """Say whether the node may be an image, or hold one, that nobody saw and somebody could."""
    if node.document is not None or node.kind not in _MAY_HOLD_IMAGES:
        return False
    look = node.look
    return look is None or look.mismatch is not None or not look.conclusive


def unseen(node: Node) -> str:
    """Return what to say of such a node."""
    return f"{node.entry.digest or 'an entry'} was not seen"


def _platform_of(node: Node) -> Platform | None:
    said = node.entry.platform
    if said is not None and said.os and said.architecture:
        return said
    built = node.config.platform if node.config is not None else None
    return built if built is not None and built.os and built.architecture else None


def is_listed(index: Node, node: Node, platform: Platform) -> bool:
    """Say whether the index has another image for the platform, by its config if that was seen."""
    wanted = platform.normalized()
    return any(
        child is not node
        and child.kind in (Kind.IMAGE, Kind.UNDECIDED)
        and not is_absent(child)
        and _built_for(child) == wanted
        for child in index.children[:_MAX_BESIDE]
    )


def _built_for(node: Node) -> Platform | None:
    built = node.config.platform if node.config is not None else None
    known = built if built is not None and built.os and built.architecture else node.entry.platform
    return known.normalized() if known is not None else None


def settling_s(case: TagCase) -> float:
    """Return how long the tag may still gain platforms after it moved; 0: it is pushed whole."""
    return case.policy.settling_s(case.reference, proxy=case.proxy)


def is_younger(case: TagCase, age_s: float) -> bool:
    """Say whether the tag is known to have moved less than so many seconds ago."""
    moved_at = case.moved_at
    return moved_at is not None and (case.observed_at - moved_at).total_seconds() < age_s


def config_platforms(root: Node) -> Iterator[Platform]:
    """Yield what the configs of the tree's images say; raise NotObserved where one is unseen."""
    for node in root.walk():
        if is_unseen(node):
            raise NotObserved(unseen(node))
        config = config_of(node) if node.kind is Kind.IMAGE else None
        if config is not None and config.platform.os and config.platform.architecture:
            yield config.platform
