"""The index promises one platform, the image's own config names another.

Engines choose by what the index says, so the host of the promised platform downloads a program
that was built for another one. Two different variants (arm/v6 against arm/v7) are a warning, a
config that is silent about the variant is information; an arm64 without variant is v8, an amd64
without variant is v1. On Windows the build, the third part of os.version, has to be the same.

Why: the container ends at once with `exec format error`, or with an illegal instruction in the
middle of its work. On Windows the container does not start at all.

Fix: find out which of the two is right; `mfl-lint inspect REFERENCE` shows both. If the image is
right, make the list anew and let docker read the platforms from the configs: `docker manifest
create REFERENCE NAME@DIGEST…`, then `docker manifest push --purge REFERENCE`. The printed line
begins with a draft that it throws away, so that none of an earlier try is mixed in. If the image
was built for the wrong platform, build it again: `docker buildx build --platform
linux/amd64,linux/arm64 -t REFERENCE --push .`. A Dockerfile whose `FROM --platform=` names one
architecture, or a `COPY` of a program built on the builder, makes such images.

Source: OCI image-spec 1.1 image-index.md "platform" and config.md "architecture", "os",
"variant".
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.observation import Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import Fix, rebuild, recreate, ways
from mfl_lint.rules._contradiction import contradiction
from mfl_lint.rules._evidence import config_of, is_listed


@rule("MFL101", Severity.ERROR, Scope.ENTRY, needs=(Needs.INDEX, Needs.CONFIGS))
def platform_contradicts_config(case: NodeCase) -> Iterator[Fault]:
    """Judge an image's entry against its config."""
    config = config_of(case.node)
    said = case.node.entry.platform
    if config is None or said is None or said == config.platform or said.is_unknown:
        return
    found = contradiction(said, config.platform)
    if found is None or case.parent is None:
        return
    what, severity = found
    message = f"the index says {said}, the config says {config.platform}: {what}"
    yield Fault(message, _fix(case.node, case.parent, config.platform, severity), severity)


def _fix(node: Node, index: Node, built: Platform, severity: Severity) -> Fix:
    """Return the corrected list first, unless it would have two images for one platform.

    A list made from a config that is silent would lose the variant: then only the image is made.
    """
    if severity is Severity.INFO:
        return rebuild(index, node)
    again = "if it was built for the wrong platform, build it again"
    if is_listed(index, node, built):
        drop = ("to drop the entry", recreate(index, without=node))
        return ways((again, rebuild(index, node)), drop)
    correct = ("if the image itself is right, correct the list", recreate(index))
    return ways(correct, (again, rebuild(index, node)))
