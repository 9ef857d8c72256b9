"""A plan: what is done to a list, what that mends, what it cannot mend, what it loses."""

from __future__ import annotations

import msgspec

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding
from mfl_lint.core.steps import Drop, Step


class Mend(msgspec.Struct, frozen=True):
    """One step and why it is taken; one line."""

    step: Step
    why: str


class Part(msgspec.Struct, frozen=True):
    """An entry of a list before or after the plan.

    `before` is its position in the list as it was, None where it is added. `source` is where its
    child lies, by digest. `built` is what the image's config says, None where that is not known.
    """

    before: int | None
    entry: Descriptor
    source: Reference
    kind: Kind
    built: Platform | None = None


class Left(msgspec.Struct, frozen=True):
    """A finding that the plan does not mend, and why; `rebuild` says that a build does."""

    finding: Finding
    why: str
    rebuild: bool


class Plan(msgspec.Struct, frozen=True):
    """What is to be done to one tag.

    `target` is the tag to be pushed, `base` what it points at as far as was seen, None where it
    is to be made. `raw` are the bytes of the list as it will be, `media_type` its type. `fixed`
    are the findings that go, `left` those that stay, `begun` those that come. Where `refused`
    says anything the plan must not be carried out. `losses` are lines on what hangs on the old
    digest. `wants_layers`: more may be mended once layers are read. `after` is the list as it
    will be, as if it had been looked at.
    """

    target: Reference
    base: Digest | None
    media_type: str
    mends: tuple[Mend, ...]
    raw: bytes
    before: tuple[Part, ...]
    parts: tuple[Part, ...]
    after: Observation
    fixed: tuple[Finding, ...] = ()
    left: tuple[Left, ...] = ()
    begun: tuple[Finding, ...] = ()
    refused: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    wants_layers: bool = False

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return what is to be done, in order."""
        return tuple(mend.step for mend in self.mends)

    @property
    def digest(self) -> Digest:
        """Return what the tag will point at."""
        return digest_of(self.raw)

    @property
    def changes(self) -> bool:
        """Say whether there is anything to be done."""
        return bool(self.mends)

    @property
    def dropped(self) -> tuple[tuple[Part, str], ...]:
        """Return the entries that go, and why."""
        why = {mend.step.position: mend.why for mend in self.mends if isinstance(mend.step, Drop)}
        return tuple((part, why[part.before]) for part in self.before if part.before in why)
