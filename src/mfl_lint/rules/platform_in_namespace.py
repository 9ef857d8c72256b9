"""The namespace before the repository's name says which platform its images are for.

`ppc64le/app` and `arm64v8/app` are one application in several namespaces, and no index groups
them; where one does, it is information only. A name whose siblings differ only by the platform
word is certain; a lone one is possible, and the message says so.

Why: `docker run ppc64le/app` on any other machine ends in `exec format error`, and whoever looks
for `app` does not find it. One name with an index picks the right image by itself.

Fix: group them under one name: `docker manifest create app:TAG amd64/app:TAG ppc64le/app:TAG`,
`docker manifest push --purge app:TAG`. Or build it so from the start: `docker buildx build
--platform linux/amd64,linux/ppc64le -t app:TAG --push .`.

Source: Docker documentation, "Multi-platform images"; docker-library/official-images,
"Architectures other than amd64".
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, NameCase, Needs, Scope, rule
from mfl_lint.rules._names import in_repository
from mfl_lint.rules._repository_names import repository_fault


@rule("MFL302", Severity.WARNING, Scope.NAME, needs=(Needs.SIBLINGS,))
def platform_in_namespace(case: NameCase) -> Iterator[Fault]:
    """Judge what stands before the last component of a repository's name."""
    found = in_repository(case, namespace=True)
    if found is not None:
        yield repository_fault(case, found, "namespace")
