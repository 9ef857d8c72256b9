"""The image names a config or a layer that the registry does not have.

A config is asked for in every look; layers only where blobs are checked (`check_blobs = true` for
a registry, `mfl-lint scan --check-blobs`): each is asked for once, with HEAD, and a 404 is
repeated as GET. Layers with `urls` or of a foreign type need not be there.

Why: the pull fails at the very end, after everything else was fetched: `blob unknown to
registry`, `failed to copy: httpReadSeeker: failed open: … not found`. Usually garbage was collected
during a push, or storage was lost.

Fix: push the image again: `docker buildx build --platform linux/amd64 -t REFERENCE --push .`. A
builder that remembers having pushed the blob may skip it: then add `--no-cache`, or push from
another machine.

Source: OCI distribution-spec 1.1, "Pulling blobs" and error code BLOB_UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.cases import seen_as
from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import VERIFIED, Kind, Look, LookState, Node
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild
from mfl_lint.rules._evidence import is_unseen, unseen


@rule("MFL202", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.BLOBS,), kinds=Kind)
def dangling_blob(case: NodeCase) -> Iterator[Fault]:
    """Judge the looks at what one manifest names."""
    node = case.node
    if is_unseen(node):
        raise NotObserved(unseen(node))
    if not node.blobs and (node.config_look is None or node.config_look is VERIFIED):
        return
    named = node.document.config if node.document is not None else None
    config = named.digest if named is not None else None
    looks = dict(node.blobs or {})
    if config is not None and node.config_look is not None:
        looks[config] = _decisive(node.config_look, looks.get(config))
    gone = [digest for digest, look in looks.items() if look.state is LookState.ABSENT]
    fix = rebuild(case.parent, node) if gone else ()
    if config in gone:
        yield Fault(f"the config {config} is not in the registry", fix)
    layers = [digest for digest in gone if digest != config]
    if layers:
        yield Fault(_sentence(node, layers), fix, subject=f"{case.normal} layers")
    for digest, look in looks.items():
        if not look.conclusive:
            raise NotObserved(f"{digest}: {seen_as(look)}")


def _decisive(read: Look, asked: Look | None) -> Look:
    """Return the look that tells more: bytes that were kept do not prove that they are there."""
    return read if asked is None or read.state is LookState.ABSENT else asked


def _sentence(node: Node, layers: list[Digest]) -> str:
    count = len(node.document.layers) if node.document is not None else 0
    more = f" and {len(layers) - 2} more" if len(layers) > 2 else ""
    names = f"{', '.join(layers[:2])}{more}"
    return f"{len(layers)} of {count} layers are not in the registry: {names}"
