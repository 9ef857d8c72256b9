"""What is about to be pushed where, and where that is written down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.reference import Reference
from mfl_lint.mend.bringing import Child
from mfl_lint.mend.outcome import Outcome


class PushPlan(msgspec.Struct, frozen=True):
    """What to push where. `raw` is the index, byte for byte.

    `target` has a tag, or none for a push by digest alone. `expected` is what the tag pointed at
    when the plan was made, None where it was not there. `children` are those of the index, with
    where they lie. `copy` allows to copy from other registries. `notes` go into the audit.
    """

    target: Reference
    raw: bytes
    media_type: str
    expected: Digest | None = None
    children: tuple[Child, ...] = ()
    further_tags: tuple[str, ...] = ()
    copy: bool = False
    notes: Mapping[str, Any] = {}

    @property
    def digest(self) -> Digest:
        """Return the digest of what is pushed."""
        return digest_of(self.raw)

    def references(self) -> tuple[Reference, ...]:
        """Return what will point at the index: the target, then the further tags."""
        bare = replace(self.target, tag=None, digest=None)
        return (self.target, *(replace(bare, tag=tag) for tag in self.further_tags))


class Intent(msgspec.Struct, frozen=True):
    """What is about to be pushed: written down before the first request that writes.

    `registry` is its configured name. `before` is what each tag points at, by its name.
    """

    at: datetime
    registry: str
    plan: PushPlan
    before: Mapping[str, Digest | None]


class Audit(Protocol):
    """Where pushes are written down. What `begin` raises stops the push."""

    async def begin(self, intent: Intent) -> None:
        """Write down what is about to happen."""

    async def end(self, outcome: Outcome) -> None:
        """Write down how it ended; what is raised is told beside the outcome."""
