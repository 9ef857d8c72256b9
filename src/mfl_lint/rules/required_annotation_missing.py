"""An annotation that the policy requires is absent.

It counts as there where the index has it, or where every image has it: in its entry, in its
manifest, or as a label in its config. An empty value is no value.

Why: whoever runs the image cannot find out where it comes from, under which licence, or whom to
ask; and tools that link an image to its sources (`org.opencontainers.image.source`) find nothing.

Fix: build with it: `docker buildx build --annotation index,manifest:KEY=VALUE --platform
linux/amd64,linux/arm64 -t REFERENCE --push .`; or add it to the list that is there: `docker buildx
imagetools create --annotation index:KEY=VALUE -t REFERENCE REFERENCE`.

Source: your own policy: `[[policy.annotation]]` in the configuration; OCI image-spec 1.1
annotations.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, rule
from mfl_lint.core.runtime import labels_of
from mfl_lint.rules._annotations import annotate_with
from mfl_lint.rules._commands import listed
from mfl_lint.rules._evidence import config_of, is_absent

_JUDGED = frozenset({Kind.IMAGE, Kind.INDEX, Kind.UNDECIDED})


@rule("MFL404", Severity.WARNING, Scope.TAG, needs=(Needs.INDEX, Needs.CHILDREN))
def required_annotation_missing(case: TagCase) -> Iterator[Fault]:
    """Judge a tag's annotations against what the policy requires."""
    repository, tag = case.reference.repository, case.reference.tag or ""
    required = case.policy.required_annotations(repository, tag)
    unseen = ""
    for key in required:
        if case.root.is_index and _is_annotated(case.root, key):
            continue
        try:
            lacking = [node for node in case.root.walk() if _lacks(node, key)]
        except NotObserved as error:
            unseen = str(error)
            continue
        if lacking:
            yield Fault(_sentence(key, lacking), annotate_with(key, case.root, None), subject=key)
    if unseen:
        raise NotObserved(unseen)


def _is_annotated(node: Node, key: str) -> bool:
    own = node.document.annotations if node.document is not None else {}
    return bool(node.entry.annotations.get(key, "").strip() or own.get(key, "").strip())


def _lacks(node: Node, key: str) -> bool:
    """Say whether an image has it nowhere; raise NotObserved where it may be in what is unseen."""
    if node.kind not in _JUDGED or node.is_index or _is_annotated(node, key):
        return False
    if node.document is None:
        if is_absent(node):
            return False
        raise NotObserved(f"{node.entry.digest or 'an entry'} was not seen")
    return not labels_of(config_of(node)).get(key, "").strip()


def _sentence(key: str, lacking: list[Node]) -> str:
    known = [node.entry.platform for node in lacking if node.entry.platform is not None]
    where = f" on {listed(known)}" if known else ""
    return f"{key} is required and missing{where}"
