"""The images of Kubernetes objects: of whatever holds a pod's specification, however deep.

Source: Kubernetes API v1 (PodSpec, Container, Volume.image).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mfl_lint.core.platform import Platform
from mfl_lint.inputs.found import Collector, Contents, ImageChange
from mfl_lint.inputs.pod_nodes import needed_platforms
from mfl_lint.inputs.yaml_tree import Fields, Node, Scalar
from mfl_lint.inputs.yaml_tree import Sequence as Items

_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_CHANGED: Final = ("initContainers", "containers")
# Its schema speaks of containers, and deploys none.
_SCHEMAS: Final = "CustomResourceDefinition"
_PLACEHOLDER: Final = re.compile(r"\$\{|\$\(|\{\{|<[^>]*>")

Changes = Sequence[Sequence[ImageChange]]


def read_kubernetes(roots: list[Node], file: str, changes: Changes = ()) -> Contents:
    """Return the images of all pods, changed as the kustomizations above them ask for."""
    collector = Collector(file)
    for root in roots:
        for pod in _pods(root):
            _read_pod(pod, collector, changes)
    return collector.contents()


def _pods(root: Node) -> Iterator[Fields]:
    """Yield every specification of a pod at or below a node, in the order of the file."""
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Items):
            waiting.extend(reversed(node.items))
            continue
        if not isinstance(node, Fields) or _is_schema(node):
            continue
        if any(next(node.mappings(key), None) is not None for key in _CONTAINERS):
            yield node
        waiting.extend(reversed(tuple(node.fields.values())))


def _is_schema(node: Fields) -> bool:
    kind = node.scalar("kind")
    return kind is not None and kind.text == _SCHEMAS


def _read_pod(pod: Fields, collector: Collector, changes: Changes) -> None:
    platforms = needed_platforms(pod, collector)
    for key in _CONTAINERS:
        for container in pod.mappings(key):
            image = container.scalar("image")
            if image is not None and image.text.strip():
                _add(image, platforms, collector, changes if key in _CHANGED else ())
    for volume in pod.mappings("volumes"):
        mounted = volume.mapping("image")
        reference = mounted.scalar("reference") if mounted is not None else None
        if reference is not None and reference.text:
            _add(reference, platforms, collector, ())


def _add(
    image: Scalar, platforms: tuple[Platform, ...], collector: Collector, changes: Changes
) -> None:
    text, note = changed(image.text.strip(), changes)
    if _PLACEHOLDER.search(text):
        why = "a placeholder that nothing fills in here: render the file first and give that"
        collector.unresolved(text, image.line, why)
        return
    collector.reference(text, image.line, platforms, note)


def changed(text: str, changes: Changes) -> tuple[str, str]:
    """Return a reference as kustomizations make it, and by which of their lines."""
    note = ""
    for kustomization in changes:
        for change in kustomization:
            name, tag, digest = _split(text)
            if name != change.name:
                continue
            if change.new_tag or change.digest:
                tag = f":{change.new_tag}" if change.new_tag else ""
                digest = f"@{change.digest}" if change.digest else ""
            text, note = f"{change.new_name or name}{tag}{digest}", f"set by {change.place}"
    return text, note


def _split(text: str) -> tuple[str, str, str]:
    """Return name, `:tag` and `@digest`; a port is part of the name."""
    named, at, digest = text.partition("@")
    head, slash, last = named.rpartition("/")
    name, colon, tag = last.partition(":")
    return f"{head}{slash}{name}", f"{colon}{tag}", f"{at}{digest}"
