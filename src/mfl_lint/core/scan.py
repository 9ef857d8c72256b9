"""What a scan found: the values that reports are made from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import Kind, LookState, Node, Observation
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding, Judgement, Outcome, RuleVerdict

_DEMANDED: Final = frozenset({"MFL401"})
_INSIDE: Final = frozenset({"MFL601", "MFL602", "MFL605"})
_SHOWN_CHARACTERS: Final = 100
_SEEN: Final = (LookState.VERIFIED, LookState.ABSENT)


class Place(msgspec.Struct, frozen=True):
    """Where in a file something stands: `path` as the user wrote it, `line` counted from 1."""

    path: str
    line: int

    def __str__(self) -> str:
        """Return `path:line`, as compilers write it."""
        return f"{self.path}:{self.line}"


class Unresolved(msgspec.Struct, frozen=True):
    """What stands in a file where a reference belongs, and why it names none."""

    text: str
    file: str
    line: int
    why: str

    def __str__(self) -> str:
        """Return it as one line for people."""
        shown = self.text if len(self.text) <= _SHOWN_CHARACTERS else f"{self.text[:100]}…"
        return f"{self.file}:{self.line}: {shown!r}: {self.why}"


class ScannedPlatform(msgspec.Struct, frozen=True):
    """One image of a target; `state` is None where nobody was asked to look at it."""

    platform: str
    digest: Digest | None
    size_bytes: int | None
    state: LookState | None


class ScannedTarget(msgspec.Struct, frozen=True):
    """One reference that was looked at, in its short form; `canonical` is what findings have.

    `undecided` are rules that failed looks left open, `open_rules` all that did not decide.
    `places` are where files name it.
    """

    reference: str
    digest: Digest | None
    media_type: str
    state: LookState
    detail: str
    platforms: tuple[ScannedPlatform, ...]
    undecided: tuple[RuleVerdict, ...] = ()
    canonical: str = ""
    places: tuple[Place, ...] = ()
    open_rules: tuple[str, ...] = ()


class Scan(msgspec.Struct, frozen=True):
    """A whole scan. `problems` are lines on what could not be looked at besides the targets.

    `unresolved` is what files name in place of a reference; each has its line in `problems`.
    `notes` are lines on what was left out on purpose; they change no exit code. `known` are
    findings that a baseline lists: they are in no report.
    """

    started_at: datetime
    targets: tuple[ScannedTarget, ...]
    findings: tuple[Finding, ...]
    problems: tuple[str, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    notes: tuple[str, ...] = ()
    known: tuple[Finding, ...] = ()

    def count(self, severity: Severity) -> int:
        """Return how many findings have that severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def unknown(self) -> int:
        """Return how many targets were not seen, and how many verdicts were left open besides."""
        unseen = sum(target.state not in _SEEN for target in self.targets)
        return unseen + sum(len(target.undecided) for target in self.targets)

    @property
    def looked(self) -> bool:
        """Say whether everything that was asked for could be looked at and judged."""
        return not (self.unknown or self.problems)


def scanned(observation: Observation, judgement: Judgement) -> ScannedTarget:
    """Return a target as reports show it."""
    root = observation.root
    document = root.document if root else None
    return ScannedTarget(
        reference=observation.reference.familiar,
        digest=observation.digest or observation.reference.digest,
        media_type=(document.media_type or document.served_type) if document else "",
        state=observation.look.state,
        detail=observation.look.detail,
        platforms=tuple(_platforms(root)) if root else (),
        undecided=tuple(_undecided(observation, judgement)),
        canonical=str(observation.reference),
        open_rules=tuple(judgement.unknown_rules()),
    )


def _undecided(observation: Observation, judgement: Judgement) -> Iterator[RuleVerdict]:
    """Yield what failed looks left open; evidence that nobody asked for is no failure.

    A target that was not seen at all says so by its state. What a policy demands must be decided,
    and of a list alone what it holds.
    """
    root = observation.root
    if root is None and observation.look.mismatch is None:
        return
    complete = observation.complete and not _has_riddles(root)
    demanded = _DEMANDED | (_INSIDE if _has_unread_layers(root) else frozenset())
    for verdict in judgement.verdicts:
        asked = not complete or verdict.rule in demanded
        failed = verdict.outcome is Outcome.UNKNOWN and asked
        if verdict.outcome is Outcome.CRASHED or failed:
            yield verdict


def left_out(observation: Observation) -> str:
    """Return what a document leads to and was not at hand to be looked at, "" for nothing."""
    root = observation.root
    if root is None:
        return ""
    said = f"{observation.reference.familiar}: judged by the document alone"
    if any(map(_is_not_at_hand, root.walk())):
        return f"{said}: what it lists is not at hand"
    document, is_image = root.document, root.kind is Kind.IMAGE
    unread = is_image and document is not None and document.config is not None
    return f"{said}: its config is not at hand" if unread and not root.config_look else ""


def _is_not_at_hand(node: Node) -> bool:
    """Say whether nobody could be asked for what the node is, as for a list in a file."""
    unseen = node.look is None and node.document is None and node.entry.digest is not None
    return unseen and node.kind is not Kind.BLOB


def _has_riddles(root: Node | None) -> bool:
    """Say whether an entry does not tell what it is, and nobody could be asked."""
    if root is None:
        return False
    return any(node.kind is Kind.UNDECIDED and _is_not_at_hand(node) for node in root.walk())


def _has_unread_layers(root: Node | None) -> bool:
    """Say whether a layer that was to be read could not be."""
    return root is not None and any(node.inside and node.inside.problems for node in root.walk())


def _platforms(root: Node) -> Iterator[ScannedPlatform]:
    """Yield the images, and the entries of which it was not seen what they are."""
    for node in root.walk():
        if node.kind not in (Kind.IMAGE, Kind.UNDECIDED):
            continue
        platform = node.entry.platform or (node.config.platform if node.config else None)
        yield ScannedPlatform(
            platform=platform.full if platform else "",
            digest=node.entry.digest,
            size_bytes=node.entry.size_bytes,
            state=node.look.state if node.look else None,
        )


def report_order(finding: Finding) -> tuple[str, int, str, int, str]:
    """Return what findings are sorted by in reports: place, the worst first, position."""
    where = f"{finding.registry}/{finding.repository}:{finding.tag}"
    position = -1 if finding.position is None else finding.position
    return where, finding.severity.rank, finding.rule, position, finding.subject
