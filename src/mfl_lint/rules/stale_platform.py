"""One platform's image is much older than its siblings'.

Its config was `created` more than `stale_days` (14 by default) before the newest image of the same
os in the list. A config without a time, or with one before 1981 (builds that are the same each
time), is not compared; neither is an image that says the same
`org.opencontainers.image.revision` as the newest.

Why: hosts of that platform run an old program under the new tag, without the fixes that the others
have. Usually the build of one architecture has been failing for some time, and the list is made
of what was there.

Fix: build all of them again: `docker buildx build --platform linux/amd64,linux/arm64 -t REFERENCE
--push .`; and let the pipeline fail when one platform fails.

Source: OCI image-spec 1.1 config.md "created", annotations.md "org.opencontainers.image.revision".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Node
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.runtime import labels_of
from mfl_lint.rules._commands import rebuild
from mfl_lint.rules._evidence import configured

_REVISION: Final = "org.opencontainers.image.revision"


class _Dated(msgspec.Struct, frozen=True):
    node: Node
    created: datetime


@rule("MFL502", Severity.WARNING, Scope.INDEX, needs=(Needs.CONFIGS,))
def stale_platform(case: NodeCase) -> Iterator[Fault]:
    """Judge the ages of an index's images."""
    by_os, unseen = configured(case)
    allowed = timedelta(days=case.policy.stale_days)
    for images in by_os.values():
        dated = [_Dated(node, at) for node, config in images if (at := config.created_at)]
        if not dated:
            continue
        newest = max(dated, key=lambda one: one.created)
        for one in dated:
            if newest.created - one.created > allowed and not _is_same(one.node, newest.node):
                yield Fault(_sentence(one, newest), rebuild(case.node, one.node), node=one.node)
    if unseen:
        raise NotObserved(unseen)


def _is_same(node: Node, newest: Node) -> bool:
    revision = _revision(node)
    return revision != "" and revision == _revision(newest)


def _revision(node: Node) -> str:
    labels = labels_of(node.config)
    own = node.document.annotations if node.document is not None else {}
    found = (said.get(_REVISION, "") for said in (node.entry.annotations, own, labels))
    return next(filter(None, found), "")


def _sentence(one: _Dated, newest: _Dated) -> str:
    days = (newest.created - one.created).days
    platform, other = one.node.entry.platform, newest.node.entry.platform
    return (
        f"{platform or 'an image'} is of {one.created:%Y-%m-%d}, {days} days older than "
        f"{other or 'the newest'} of {newest.created:%Y-%m-%d}"
    )
