"""The repository's name says which platform its images are for.

`app-ppc64le`, `app_arm64` and `arm32v7-app` are one application under several names, and no index
groups them; where one does, it is information only. A name whose siblings differ only by the
platform word is certain; a lone one is possible, and the message says so.

Why: whoever writes `docker run app-ppc64le` on another machine meets `exec format error`, and
every script, chart and Dockerfile has to know on which architecture it runs. One name with an
index picks the right image by itself.

Fix: group them under one name; no layer is moved: `docker manifest create app:TAG app-amd64:TAG
app-ppc64le:TAG`, `docker manifest push --purge app:TAG`. Or build it so from the start: `docker
buildx build --platform linux/amd64,linux/ppc64le -t app:TAG --push .`.

Source: Docker documentation, "Multi-platform images"; OCI image-spec 1.1 image-index.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, NameCase, Needs, Scope, rule
from mfl_lint.rules._names import in_repository
from mfl_lint.rules._repository_names import repository_fault


@rule("MFL301", Severity.WARNING, Scope.NAME, needs=(Needs.SIBLINGS,))
def platform_in_repository_name(case: NameCase) -> Iterator[Fault]:
    """Judge the last component of a repository's name."""
    found = in_repository(case, namespace=False)
    if found is not None:
        yield repository_fault(case, found, "repository's name")
