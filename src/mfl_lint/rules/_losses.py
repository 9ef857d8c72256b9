"""What a tag offered before and does not offer now, and since when."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from mfl_lint.core.history import History
from mfl_lint.core.platform import Platform
from mfl_lint.core.rule import TagCase
from mfl_lint.core.spelling import RUN, is_matched
from mfl_lint.rules._evidence import settling_s

Since = tuple[datetime | None, str]


def lost_since(
    history: History, offered: Iterable[Platform], known: Collection[Platform] = ()
) -> dict[Platform, Since]:
    """Return what is not offered, since when it was seen so, and the last digest that had it.

    What no engine matches was offered to nobody, unless it is among those `known` by the policy.

    What is held to be lost already, and is not among the digests that are remembered, is lost
    since None.
    """
    now = _known(offered)
    lost: dict[Platform, Since] = {}
    for stay, end in history.stays():
        for platform in _known(stay.platforms or ()):
            if platform not in now:
                lost.setdefault(platform, (end, stay.digest))
    for platform in _known(history.lost):
        if platform not in now:
            _, digest = lost.get(platform, (None, ""))
            lost[platform] = None, digest
    return {one: since for one, since in lost.items() if one in _known(known) or _runs(one)}


def _runs(platform: Platform) -> bool:
    """Say whether an engine may match it; of systems that no engine runs nobody knows."""
    return platform.os not in RUN or is_matched(platform)


def is_settled(case: TagCase, history: History, since: datetime) -> bool:
    """Say whether nothing more is to be expected: at once where tags are pushed whole.

    Elsewhere the loss was seen in two rounds, far enough apart.
    """
    settle_s = settling_s(case)
    if not settle_s:
        return True
    twice = history.repeated or (history.since is not None and since < history.since)
    return twice and (case.observed_at - since).total_seconds() >= settle_s


def _known(platforms: Iterable[Platform]) -> dict[Platform, None]:
    return {_compared(one): None for one in platforms if not one.is_unknown}


def _compared(platform: Platform) -> Platform:
    """Return what a platform is compared by: of Windows the host's build, of others no version."""
    own = platform.normalized()
    build = ".".join(own.os_version.split(".")[:3]) if own.os == "windows" else ""
    return Platform(own.os, own.architecture, own.variant, build)
