"""A tag that the policy calls immutable points at something else than before.

Which tags are immutable says `immutable_tags` in the policy. What the tag was 30 days ago, or when
it was first seen since, is compared with what it is now; after 30 days the move is history. A tag
that was moved back passes.

Why: whoever pinned the version gets another program than was tested, on some hosts only: those
that did not have the image already.

Fix: put the tag back: `docker buildx imagetools create -t REFERENCE NAME@DIGEST`; and release what
is new under a new tag. Most registries can forbid moves of a tag.

Source: your own policy: `immutable_tags` in the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from mfl_lint.core.policy import Severity, any_glob
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, rule, seen
from mfl_lint.rules._commands import merge, short

_REMEMBERED: Final = timedelta(days=30)


@rule("MFL503", Severity.WARNING, Scope.TAG, needs=(Needs.HISTORY,))
def immutable_tag_moved(case: TagCase) -> Iterator[Fault]:
    """Judge where a tag that must not move pointed before."""
    if not any_glob(case.policy.immutable_tags, case.reference.tag or ""):
        return
    history = seen(case.history, "its past is not known")
    now, since = case.root.entry.digest, case.observed_at - _REMEMBERED
    before = [(stay.digest, end) for stay, end in history.stays() if end >= since]
    if before and before[-1][0] != now:
        digest, end = before[-1]
        yield Fault(
            f"it must not move; it was {short(digest)} until {end:%Y-%m-%d %H:%M} UTC and is "
            f"{short(now)} now",
            (merge("{reference}", [f"{{name}}@{digest}"]),),
        )
