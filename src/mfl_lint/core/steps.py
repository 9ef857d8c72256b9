"""What can be done to an index, one step after the other. Values; `core/edit.py` carries them out.

Positions count the entries of the index as it is before the first step, from 0, so that steps do
not move each other's positions. Entries that are added come after those that stay, in the order of
their steps.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference


class Annotate(msgspec.Struct, frozen=True, tag="annotate"):
    """Give the entry at `position` this platform, whole; what it had before goes."""

    position: int
    platform: Platform


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    """Leave the entry at `position` out; `why` is one line for people."""

    position: int
    why: str


class Repoint(msgspec.Struct, frozen=True, tag="repoint"):
    """Let the entry at `position` point at another child; its platform and annotations stay.

    `source` is where the child lies: it is brought over where that is another repository.
    """

    position: int
    child: Descriptor
    source: Reference


class Add(msgspec.Struct, frozen=True, tag="add"):
    """Append an entry as `child` describes it, platform and annotations too.

    `source` is where the child lies, by digest; it is brought over where that is another
    repository.
    """

    child: Descriptor
    source: Reference


class SetMediaType(msgspec.Struct, frozen=True, tag="media-type"):
    """Write this `mediaType` into the index itself."""

    media_type: str


class SetAnnotations(msgspec.Struct, frozen=True, tag="annotations"):
    """Set annotations of the index (`position` None) or of an entry; None takes one away."""

    annotations: Mapping[str, str | None]
    position: int | None = None


Step = Annotate | Drop | Repoint | Add | SetMediaType | SetAnnotations
