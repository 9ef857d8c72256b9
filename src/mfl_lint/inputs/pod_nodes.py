"""The platforms of the nodes that a pod may run on: by nodeSelector and required affinity.

Source: Kubernetes API v1 (PodSpec, NodeAffinity, NodeSelectorTerm); well-known labels
kubernetes.io/arch, kubernetes.io/os, node.kubernetes.io/windows-build.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Final

import msgspec

from mfl_lint.core.platform import Platform
from mfl_lint.inputs.found import Collector
from mfl_lint.inputs.yaml_tree import Fields, Scalar

MAX_EACH: Final = 20
_ARCH: Final = ("kubernetes.io/arch", "beta.kubernetes.io/arch")
_OS: Final = ("kubernetes.io/os", "beta.kubernetes.io/os")
_BUILD: Final = ("node.kubernetes.io/windows-build",)
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"

# What a label of the nodes may be, by the label's name.
Labels = Mapping[str, tuple[Scalar, ...]]


def needed_platforms(pod: Fields, collector: Collector) -> tuple[Platform, ...]:
    """Return the platforms of all nodes that a pod may run on; none where they may be any.

    Of more terms, or more values of a label, than MAX_EACH nothing is known.
    """
    selected = _selected(pod)
    terms = [{**term, **selected} for term in islice(_terms(pod), MAX_EACH + 1)]
    if len(terms) > MAX_EACH or not all(_values(labels, _ARCH) for labels in terms):
        return ()
    return tuple(dict.fromkeys(x for labels in terms for x in _platforms(labels, collector)))


def _selected(pod: Fields) -> Labels:
    """Return the labels that a pod's nodeSelector demands."""
    selector = pod.mapping("nodeSelector")
    named = {} if selector is None else {x: selector.scalar(x) for x in (*_ARCH, *_OS, *_BUILD)}
    return {name: (value,) for name, value in named.items() if value is not None}


def _terms(pod: Fields) -> Iterator[Labels]:
    """Yield what each term of the required affinity says; one of them holds. Without it: one."""
    node: Fields | None = pod
    for key in ("affinity", "nodeAffinity", _REQUIRED):
        node = node.mapping(key) if node is not None else None
    terms = tuple(node.mappings("nodeSelectorTerms")) if node is not None else ()
    if not terms:
        yield {}
    for term in terms:
        labels: dict[str, tuple[Scalar, ...]] = {}
        for one in term.mappings("matchExpressions"):
            name, operator = one.scalar("key"), one.scalar("operator")
            if name is not None and operator is not None and operator.text == "In":
                values = tuple(x for x in one.sequence("values") if isinstance(x, Scalar))
                labels[name.text] = values if len(values) <= MAX_EACH else ()
        yield labels


def _values(labels: Labels, names: tuple[str, ...]) -> tuple[Scalar, ...]:
    return next((labels[name] for name in names if name in labels), ())


def _platforms(labels: Labels, collector: Collector) -> Iterator[Platform]:
    systems = [value.text for value in _values(labels, _OS)] or ["linux"]
    builds = [value.text for value in _values(labels, _BUILD)]
    for arch, system in product(_values(labels, _ARCH), systems):
        for platform in collector.platform(f"{system}/{arch.text}", arch.line):
            if platform.os == "windows" and builds:
                yield from (msgspec.structs.replace(platform, os_version=x) for x in builds)
            else:
                yield platform
