"""A tag is not there any more.

The registry answered 404, with its own error document, in two rounds apart in time, while it was
otherwise well. Other findings of the tag end with it; this one ends when the tag comes back, or
after 30 days. Tags that were let go by `mfl-lint crawl --accept-vanished` are not reported.

Why: whoever pulls it fails: `manifest unknown`. That may be meant; where a retention rule took
more than it should, nobody is told.

Fix: where it was not meant, and the registry still has the image, put the tag back: `docker buildx
imagetools create -t REFERENCE NAME@DIGEST`; else build it again: `docker buildx build --platform
linux/amd64,linux/arm64 -t REFERENCE --push .`.

Source: OCI distribution-spec 1.1, "Pulling manifests" and error code MANIFEST_UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from mfl_lint.core.history import GoneCase
from mfl_lint.core.kind import is_attachment_tag
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, Scope, rule
from mfl_lint.rules._commands import build, merge, short, ways

REMEMBERED: Final = timedelta(days=30)


@rule("MFL504", Severity.INFO, Scope.GONE, needs=(Needs.HISTORY,))
def tag_vanished(case: GoneCase) -> Iterator[Fault]:
    """Judge a tag that is gone."""
    if not case.is_image or is_attachment_tag(case.reference.tag or ""):
        return
    if case.judged_at - case.gone_at >= REMEMBERED:
        return
    again = ("where the image is gone too", build(()))
    back = (merge("{reference}", [f"{{name}}@{case.digest}"]),)
    yield Fault(
        f"the tag is gone; it was {short(case.digest)}",
        ways(("to put the tag back", back), again) if case.digest else again[1],
    )
