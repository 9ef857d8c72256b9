"""An image's config does not say for which os or architecture it was built.

Why: the config is what tools fall back to where the index is silent, and what `docker manifest
create` reads. With nothing there, engines fill in the host's own platform or find no match, and a
list made from the image cannot be pushed: it `must have an OS and Architecture`.

Fix: build it again with a platform: `docker buildx build --platform linux/amd64 -t REFERENCE
--push .`. A config cannot be changed without changing the image's digest. Images put together by
hand or with a script (`docker import`, `oras push`, `umoci new`) need os and architecture set
there.

Source: OCI image-spec 1.1 config.md, "architecture" and "os" (both REQUIRED).
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild
from mfl_lint.rules._evidence import config_of


@rule("MFL111", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.CONFIGS,))
def config_platform_missing(case: NodeCase) -> Iterator[Fault]:
    """Judge an image's config."""
    config = config_of(case.node)
    if config is None:
        return
    fields = (("os", config.platform.os), ("architecture", config.platform.architecture))
    lacks = [name for name, value in fields if not value]
    if lacks:
        yield Fault(
            f"the image's config has no {' and no '.join(lacks)}",
            rebuild(case.parent, case.node),
        )
