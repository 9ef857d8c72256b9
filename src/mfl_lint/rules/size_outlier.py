"""One platform's image is far smaller than its siblings'.

Compared are the compressed sizes of the layers, among images of one os in one list: less than a
quarter of the siblings' median, or less than a tenth where there is one sibling only. Images of
Windows, whose bases differ by a hundred times, and lists whose images have less than 1 MiB are not
compared.

Why: usually something is missing in the small one: a step of the build that was skipped on that
platform, a binary that was not copied. It starts, and fails later.

Fix: compare the two, with `docker buildx imagetools inspect REFERENCE` and `docker history`; then
build the small one again: `docker buildx build --no-cache --platform linux/amd64,linux/arm64 -t
REFERENCE --push .`.

Source: what the list's other images have.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median_low
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.manifest import Form
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild
from mfl_lint.rules._evidence import is_unseen, unseen

_FEW: Final = 10
_MANY: Final = 4
_SMALL_BYTES: Final = 1024 * 1024


@rule("MFL603", Severity.INFO, Scope.INDEX, needs=(Needs.CHILDREN,))
def size_outlier(case: NodeCase) -> Iterator[Fault]:
    """Judge the sizes of an index's images."""
    by_os: dict[str, list[tuple[Node, int]]] = {}
    for child in case.children:
        if is_unseen(child.node):
            raise NotObserved(unseen(child.node))
        size_bytes = _size_bytes(child.node)
        if size_bytes is not None and child.normal.os != "windows":
            by_os.setdefault(child.normal.os, []).append((child.node, size_bytes))
    for sized in by_os.values():
        sizes = [size_bytes for _, size_bytes in sized]
        if min(sizes) * _MANY >= max(sizes):
            continue
        for at, (node, size_bytes) in enumerate(sized):
            others = sizes[:at] + sizes[at + 1 :]
            usual = median_low(others) if others else 0
            if usual >= _SMALL_BYTES and size_bytes * _factor(others) < usual:
                yield Fault(_sentence(node, size_bytes, usual), rebuild(case.node, node), node=node)


def _factor(others: list[int]) -> int:
    return _MANY if len(others) > 1 else _FEW


def _size_bytes(node: Node) -> int | None:
    """Return what an image's layers have together, None where one does not say."""
    document = node.document
    if node.kind is not Kind.IMAGE or document is None or document.form is not Form.MANIFEST:
        return None
    sizes = [layer.size_bytes for layer in document.layers]
    return sum(one for one in sizes if one is not None) if None not in sizes else None


def _sentence(node: Node, size_bytes: int, usual: int) -> str:
    platform, share = node.entry.platform or "an image", 100 * size_bytes / usual
    return (
        f"{platform} has {size_bytes / 2**20:.1f} MiB of layers, {share:.0f}% of the "
        f"{usual / 2**20:.1f} MiB that is usual beside it"
    )
