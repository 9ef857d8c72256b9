"""An entry says `arm` and not which one: v5, v6 or v7.

Why: engines read `arm` without a variant as v7. A Raspberry Pi 1 or Zero (v6) then finds nothing
or, where another engine takes the entry, a program with instructions that it does not have:
`exec format error` or `Illegal instruction`. Beside `arm/v6` and `arm/v7` nobody can tell which
entry will be taken.

Fix: name the variant: `docker manifest create REFERENCE NAME@DIGEST…`, `docker manifest annotate
--os linux --arch arm --variant v7 REFERENCE NAME@DIGEST`, `docker manifest push --purge
REFERENCE`; or build with it: `docker buildx build --platform linux/arm/v7`.

Source: OCI image-spec 1.1 image-index.md, table of variants; containerd/platforms `Normalize`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import annotate


@rule("MFL104", Severity.WARNING, Scope.ENTRY, needs=(Needs.INDEX,))
def arm_without_variant(case: NodeCase) -> Iterator[Fault]:
    """Judge an image's entry."""
    said = case.node.entry.platform
    if said is None or said.variant or case.normal.architecture != "arm" or case.parent is None:
        return
    if said.architecture.lower() != "arm":
        return
    built = case.node.config.platform if case.node.config is not None else None
    variant = built.normalized().variant if built is not None and built.variant else ""
    meant = Platform(case.normal.os, "arm", variant or "v7")
    message = f"{said} has no variant; engines read it as v7"
    if variant:
        message += f", the config says {variant}"
    yield Fault(message, annotate(case.parent, case.node, meant))
