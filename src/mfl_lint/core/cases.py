"""Which nodes of a tree a rule is called for, and what was not seen of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

import msgspec

from mfl_lint.core.history import GoneCase
from mfl_lint.core.kind import judges_images
from mfl_lint.core.observation import Kind, Look, LookState, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import NameCase, Needs, NodeCase, Rule, Scope, TagCase

Case = NodeCase | TagCase | NameCase | GoneCase

IMAGES_ONLY: Final = frozenset({Kind.IMAGE})
KIND_UNSEEN: Final = "no child was seen that tells whether these are images"

_NEVER_READ: Final = frozenset({Kind.BLOB, Kind.ATTESTATION, Kind.ARTIFACT})
_NO_PLATFORM: Final = Platform()
_LOOKED_AT: Final = frozenset({Needs.BYTES, Needs.CHILDREN})
_OF_NODES: Final = frozenset({Needs.BYTES, Needs.CHILDREN, Needs.LAYERS})

_Key = tuple[Scope, frozenset[Kind], frozenset[Needs]]


class Target(msgspec.Struct, frozen=True, gc=False):
    """One case for a rule. `order` counts the tree's nodes; `gap` says what was not seen of it."""

    case: Case
    order: int = -1
    gap: str = ""


def seen_as(look: Look | None) -> str:
    """Return how a look ended, for people."""
    if look is None:
        return "not looked at"
    return f"{look.state}: {look.detail}" if look.detail else str(look.state)


def node_case(
    node: Node,
    parent: Node | None,
    root: Node,
    policy: Policy,
    sparse: bool,
    required: tuple[Platform, ...],
) -> NodeCase:
    """Return the node's case with the cases of all below it."""
    platform = node.entry.platform
    children = (node_case(child, node, root, policy, sparse, required) for child in node.children)
    return NodeCase(
        node,
        parent,
        root,
        policy,
        platform.normalized() if platform is not None else _NO_PLATFORM,
        tuple(children) if node.children else (),
        sparse,
        required,
    )


class Tree:
    """A tree's cases, sorted out once for all rules."""

    def __init__(self, root: NodeCase) -> None:
        cases = list(_walk(root))
        kinds = {case.node.kind for case in cases}
        self.has_images = judges_images(root.node)
        self._all = [(case.node, Target(case, order)) for order, case in enumerate(cases)]
        self._entries = [(node, one) for node, one in self._all if node.position is not None]
        # Nearly always all was seen: nothing is undecided, and no target has a gap.
        self._is_seen = Kind.UNDECIDED not in kinds and not any(
            _gap(case.node, needs_bytes=True) for case in cases
        )
        self._read_layers = any(case.node.inside is not None for case in cases)
        self._known: dict[_Key, tuple[Sequence[Target], str]] = {}

    def targets(self, rule: Rule) -> tuple[Sequence[Target], str]:
        """Return the rule's targets, and what kept it from having more ("" = nothing)."""
        key = (rule.scope, rule.kinds, _of_nodes(rule.needs))
        found = self._known.get(key)
        if found is None:
            of_indexes = rule.scope is Scope.INDEX
            found = self._indexes(rule.kinds) if of_indexes else self._nodes(*key)
            self._known[key] = found
        return found

    def _indexes(self, kinds: frozenset[Kind]) -> tuple[Sequence[Target], str]:
        """An index has its own bytes by definition: only what it holds can be undecided."""
        indexes = [target for node, target in self._all if node.is_index]
        if not kinds <= IMAGES_ONLY or self.has_images:
            return indexes, ""
        undecided = bool(indexes) and self.has_images is None
        return [], KIND_UNSEEN if undecided else ""

    def _nodes(
        self, scope: Scope, kinds: frozenset[Kind], needs: frozenset[Needs]
    ) -> tuple[Sequence[Target], str]:
        """Where nobody asked for layers, what rests on them is neither judged nor unknown."""
        if Needs.LAYERS in needs and not self._read_layers:
            return [], ""
        candidates = self._entries if scope is Scope.ENTRY else self._all
        if self._is_seen:
            return [target for node, target in candidates if node.kind in kinds], ""
        targets: list[Target] = []
        unseen = ""
        needs_bytes = Needs.BYTES in needs
        for node, target in candidates:
            if node.kind in kinds:
                gap = _gap(node, needs_bytes) if needs & _LOOKED_AT else ""
                targets.append(Target(target.case, target.order, gap) if gap else target)
            elif node.kind is Kind.UNDECIDED and not unseen:
                unseen = _gap(node, needs_bytes=True)
        return targets, unseen


@lru_cache(maxsize=256)
def _of_nodes(needs: tuple[Needs, ...]) -> frozenset[Needs]:
    return _OF_NODES.intersection(needs)


def _walk(case: NodeCase) -> Iterator[NodeCase]:
    yield case
    for child in case.children:
        yield from _walk(child) if child.children else (child,)


def _gap(node: Node, needs_bytes: bool) -> str:
    """Return what is not known of the node, "" if it was looked at or never needs to be.

    What is absent has no content to judge, and what our own bounds left out never will have.
    """
    look = node.look
    if node.document is not None or node.kind is Kind.BLOB:
        return ""
    if look is None or look.mismatch is not None or not look.conclusive:
        return f"{_named(node)}: {seen_as(look)}"
    unread = needs_bytes and look.state is LookState.VERIFIED and node.kind not in _NEVER_READ
    return f"{_named(node)}: its bytes were not read" if unread else ""


def _named(node: Node) -> str:
    platform = node.entry.platform
    return str(platform) if platform is not None else str(node.entry.digest or "an entry")
