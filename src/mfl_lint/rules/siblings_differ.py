"""`latest` and the newest version offer different platforms.

Only tags with the same suffix behind the version are compared: `latest` with `1.27.3`,
`latest-alpine` with `1.27.3-alpine`; a pre-release (`2.0.0-rc1`) is compared with nothing. Numbers
without a dot (`20260301`) count as versions only where no tag has a dotted one. A `latest` that
moved waits for the version beside it, which is another push: 6 hours, or as long as `settle` in the
policy says.

Why: who follows the advice to pin a version loses a platform, or gains one that `latest` does not
have: `no matching manifest` after an edit that should have changed nothing. Usually the two tags
are pushed by different jobs.

Fix: let both tags point at one list: `docker buildx imagetools create -t NAME:latest NAME:1.27.3`.

Source: what the repository's own tags promise; Docker documentation, "Multi-platform images".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.names import platform_words
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, TagSummary, rule, seen
from mfl_lint.rules._commands import listed, merge, quoted
from mfl_lint.rules._evidence import Offer, is_younger, offered

_LATEST: Final = re.compile(r"latest(-[a-z][\w.-]*)?", re.ASCII)
_VERSION: Final = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})(-[a-z][\w.-]*)?", re.ASCII)

Version = tuple[bool, tuple[int, ...]]


@rule("MFL403", Severity.WARNING, Scope.TAG, needs=(Needs.SIBLINGS,))
def siblings_differ(case: TagCase) -> Iterator[Fault]:
    """Judge `latest`, with a suffix or without, against the newest version with the same."""
    tag = case.reference.tag or ""
    found = _LATEST.fullmatch(tag)
    if found is None or platform_words(tag):
        return
    newest = _newest(seen(case.siblings.tags, "the tags beside it were not looked at"), found[1])
    if newest is None:
        return
    theirs = Offer(seen(newest.platforms, f"{newest.tag} was not looked at"))
    ours = offered(case.root)
    if not theirs.platforms or ours.distinct() == theirs.distinct():
        return
    if ours.unseen:
        raise NotObserved(ours.unseen)
    if is_younger(case, case.policy.siblings_settle_s):
        raise NotObserved("settling: the tag moved a moment ago")
    target, source = f"{{name}}:{quoted(tag)}", f"{{name}}:{quoted(newest.tag)}"
    yield Fault(
        f"{tag} offers {_sorted(ours)}, and {newest.tag}, the newest version, {_sorted(theirs)}",
        (merge(target, [source]),),
    )


def _newest(tags: Iterable[TagSummary], suffix: str | None) -> TagSummary | None:
    """Return the newest version with that suffix."""
    versions = ((_version(one.tag, suffix), one) for one in tags)
    known = [(version, one.tag, one) for version, one in versions if version is not None]
    return max(known, key=lambda item: item[:2])[2] if known else None


def _version(tag: str, suffix: str | None) -> Version | None:
    """Return what orders versions: those with a dot stand before (above) mere numbers."""
    match = _VERSION.fullmatch(tag)
    if match is None or match[2] != suffix:
        return None
    numbers = tuple(int(part) for part in match[1].split("."))
    return len(numbers) > 1, numbers


def _sorted(offer: Offer) -> str:
    return listed(sorted({one.normalized() for one in offer.platforms}, key=Platform.__str__))
