"""The index lists a digest that the registry does not have.

The registry answers 404 with its own error document for the child while the tag still resolves
to this index; a HEAD is repeated as a GET, and the tag was resolved again. It is an error for an
image, a warning for an attestation (nobody runs it, but a copy of the whole list fails), and
information where the registry is configured `sparse = true` and the policy does not require the
platform.

Why: hosts of that platform cannot pull: `manifest unknown`, while every other platform works.
Usually a cleanup job or a retention rule deleted what it took for an untagged image, or a mirror
copied the list without its children.

Fix: push the missing image again: `docker buildx build --platform linux/amd64,linux/arm64 -t
REFERENCE --push .`; or make the list anew without the entry: `docker manifest create REFERENCE
NAME@DIGEST…`, `docker manifest push --purge REFERENCE`. Then keep the cleanup away from untagged
manifests that an index refers to.

Source: OCI distribution-spec 1.1, "Pulling manifests" and error code MANIFEST_UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.observation import Kind, LookState
from mfl_lint.core.platform import meets
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild, recreate, ways

_NEVER_RUN = (Kind.ATTESTATION, Kind.ARTIFACT)


@rule("MFL201", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.CHILDREN,), kinds=Kind)
def dangling_digest(case: NodeCase) -> Iterator[Fault]:
    """Judge the look at one child."""
    node = case.node
    if node.look is None or node.look.state is not LookState.ABSENT or case.parent is None:
        return
    what = {Kind.ATTESTATION: "the attestation", Kind.ARTIFACT: "the artifact"}
    name = what.get(node.kind) or f"{node.entry.platform or 'an entry without a platform'}"
    yield Fault(
        f"{name} points at {node.entry.digest}, which the registry does not have",
        ways(
            ("push it again", rebuild(case.parent, node)),
            ("to drop the entry", recreate(case.parent, without=node)),
        ),
        _severity(case),
    )


def _severity(case: NodeCase) -> Severity:
    required = any(meets(platform, case.normal) for platform in case.required)
    if case.sparse and not required:
        return Severity.INFO
    return Severity.WARNING if case.node.kind in _NEVER_RUN else Severity.ERROR
