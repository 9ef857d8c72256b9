"""An entry's platform is spelt in a way that engines do not match, or match by luck only.

Canonical are Go's names in lower case (`linux`, `amd64`, `arm64`, `arm` with variant `v7`) and
what the configuration lists as `known_platforms`. A spelling that containerd and Docker
translate (`x86_64`, `aarch64`, `armhf`, `Linux`) is a warning; one that nobody translates
(`arm64v8` or the variant `armv7`) is an error. Operating systems that no engine runs are left
alone.

Why: podman, CRI-O, skopeo and buildah compare letter by letter and find no image at all:
`no image found in manifest list for architecture arm64`. What no engine translates is never
selected, and the host takes another entry or fails.

Fix: write the canonical name: `docker manifest create REFERENCE NAME@DIGEST…`, `docker manifest
annotate --os linux --arch arm64 REFERENCE NAME@DIGEST`, `docker manifest push --purge REFERENCE`.
`docker buildx build --platform linux/arm64` writes canonical names by itself.

Source: OCI image-spec 1.1 image-index.md "platform" (GOOS, GOARCH and the table of variants);
containerd/platforms `Normalize`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.spelling import RUN, is_canonical, is_matched, meant_by
from mfl_lint.rules._commands import annotate, rebuild


@rule("MFL103", Severity.WARNING, Scope.ENTRY, needs=(Needs.INDEX,))
def platform_not_canonical(case: NodeCase) -> Iterator[Fault]:
    """Judge the spelling of an image's entry."""
    said, normal = case.node.entry.platform, case.normal
    if said is None or not said.os or not said.architecture or normal.os not in RUN:
        return
    selected = is_matched(normal)
    if selected and is_canonical(said, normal):
        return
    if case.parent is None or _is_known_here(said, case):
        return
    meant = normal if selected else meant_by(normal)
    who = "only engines that translate it match it" if selected else "no engine matches it"
    yield Fault(
        f"{said} is not a canonical platform: {who}"
        + (f"; {meant} is meant" if meant is not None else ""),
        annotate(case.parent, case.node, meant)
        if meant is not None and (meant.variant or not said.variant)
        else rebuild(case.parent, case.node, meant),
        Severity.WARNING if selected else Severity.ERROR,
    )


def _is_known_here(said: Platform, case: NodeCase) -> bool:
    """Say whether the policy lists this very spelling."""
    return any(
        (said.os, said.architecture, said.variant) == (own.os, own.architecture, own.variant)
        for own in case.policy.known_platforms
    )
