"""The tag has an image for one platform only, where several are expected.

Several are expected where the policy requires them, or where more than half of the repository's
other tags (at least three that were looked at) have them. Tags and repositories that are named
after a platform are left alone.

Why: hosts of every other platform pull the image and end in `exec format error`, or find `no
matching manifest`. Usually one job of the pipeline pushed its own image over the list.

Fix: build it for all platforms: `docker buildx build --platform linux/amd64,linux/arm64 -t
REFERENCE --push .`.

Source: your own policy, or what the repository's other tags do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.kind import is_attachment_tag
from mfl_lint.core.names import platform_words
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, TagSummary, rule
from mfl_lint.rules._commands import build, listed
from mfl_lint.rules._evidence import Offer, offered

_ENOUGH: Final = 3


@rule("MFL402", Severity.WARNING, Scope.TAG, needs=(Needs.SIBLINGS,))
def not_multi_platform(case: TagCase) -> Iterator[Fault]:
    """Judge how many platforms a tag offers."""
    repository, tag = case.reference.repository, case.reference.tag or ""
    offer = offered(case.root)
    if offer.several or platform_words(tag) or platform_words(repository):
        return
    required = tuple(case.policy.required(repository, tag))
    reason = "the policy requires several" if Offer(required).several else ""
    reason = reason or _most_siblings(case, tag)
    if not reason:
        return
    if offer.unseen:
        raise NotObserved(offer.unseen)
    if offer.platforms:
        yield Fault(
            f"only {listed(offer.platforms)}; {reason}",
            build((*offer.platforms, *required)) if required else build(()),
        )


def _most_siblings(case: TagCase, tag: str) -> str:
    """Say how many of the other tags have several platforms, "" if not most of them."""
    if case.siblings.tags is None:
        raise NotObserved("the tags beside it were not looked at")
    others = [one for one in case.siblings.tags if one.tag != tag and _counts(one)]
    known = [Offer(one.platforms) for one in others if one.platforms]
    if len(known) < _ENOUGH:
        if sum(1 for one in others if one.platforms is None) + len(known) >= _ENOUGH:
            raise NotObserved(f"only {len(known)} of the tags beside it were looked at")
        return ""
    several = sum(1 for one in known if one.several)
    share = f"{several} of {len(known)} other tags have several"
    return share if several * 2 > len(known) else ""


def _counts(summary: TagSummary) -> bool:
    return not is_attachment_tag(summary.tag) and not platform_words(summary.tag)
