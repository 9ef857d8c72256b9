"""What a tag pointed at before, put back: the plan, and what hosts lose by it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from mfl_lint.core.digest import Digest
from mfl_lint.core.kind import is_attestation_entry
from mfl_lint.core.manifest import Descriptor, Document
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference
from mfl_lint.mend.bringing import Child
from mfl_lint.mend.intent import PushPlan


def below(document: Document, source: Reference) -> tuple[Child, ...]:
    """Return all that a document names, as it lies in the repository of `source`."""
    named = (*document.entries, document.config, *document.layers)
    return tuple(
        Child(one, replace(source, tag=None, digest=Digest(one.digest)))
        for one in named
        if one is not None and one.digest is not None
    )


def gone(named: Reference) -> str:
    """Return what there is to say where a digest is not there to go back to."""
    return (
        f"{named.name} does not have {named.digest} any more: it was deleted since, by somebody, "
        "retention or a garbage collection, and can only be pushed again"
    )


def restoring(
    target: Reference,
    document: Document,
    expected: Digest | None,
    notes: Mapping[str, Any],
    *,
    sparse: bool,
) -> PushPlan:
    """Return the plan that lets a tag point at what its repository has.

    Every image of a list is demanded, so that one which is gone is named; not where the registry
    is `sparse`: there it may keep lists without all of their images.
    """
    images = replace(document, config=None, layers=())
    return PushPlan(
        target=target,
        raw=document.raw,
        media_type=document.media_type or document.served_type,
        expected=expected,
        children=() if sparse else below(images, target),
        notes=dict(notes),
    )


def lost(before: Sequence[Descriptor], after: Iterable[Descriptor]) -> tuple[Platform, ...]:
    """Return the platforms that entries offer before and none does after, each once."""
    kept = set(_offered(after))
    return tuple(dict.fromkeys(one for one in _offered(before) if one not in kept))


def _offered(entries: Iterable[Descriptor]) -> list[Platform]:
    images = [one for one in entries if not is_attestation_entry(one)]
    return [one.platform.normalized() for one in images if one.platform is not None]
