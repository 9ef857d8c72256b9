"""A tag that is named after one platform is itself an index.

Often it holds one image and an attestation: BuildKit adds provenance by default, and the result
is an index even for a single platform.

Why: `docker manifest create app:v1 app:v1-amd64 app:v1-arm64`, which such tags are made for,
fails: `app:v1-amd64 is a manifest list`. Other tools nest the lists, which few engines read.

Fix: put the list together with a tool that takes the inner entries: `docker buildx imagetools
create -t app:v1 app:v1-amd64 app:v1-arm64`; or build the parts as plain images: `docker buildx
build --platform linux/amd64 --provenance=false --sbom=false -t app:v1-amd64 --push .`.

Source: docker/cli, `docker manifest create`; BuildKit, docs/attestations.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.names import platform_words
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, rule
from mfl_lint.rules._commands import build


@rule("MFL305", Severity.WARNING, Scope.TAG, needs=(Needs.INDEX,))
def platform_tag_is_index(case: TagCase) -> Iterator[Fault]:
    """Judge what a tag with a platform word points at."""
    words = platform_words(case.reference.tag or "")
    if not words or not case.root.is_index:
        return
    children = case.root.children
    attested = sum(1 for child in children if child.kind is Kind.ATTESTATION)
    yield Fault(
        f"{case.reference.tag} is an index with {len(children)} entries, {attested} of them"
        " attestations, not an image",
        build((words[-1].platform,), " --provenance=false --sbom=false"),
    )
