"""What is done to a list so that its findings go: one decision for all of them. Pure.

A child's bytes are never changed. Nothing is decided from a message: findings say which rules
broke on which entry, the entry, its config and its program say what is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from mfl_lint.core.doubles import Same, preferred, same_key
from mfl_lint.core.manifest import DOCKER_LIST, DOCKER_MANIFEST, INDEX_TYPES, OCI_INDEX
from mfl_lint.core.mendable import DESCRIPTOR, PLATFORM
from mfl_lint.core.observation import Kind, LookState, Node
from mfl_lint.core.parse import clean_media_type
from mfl_lint.core.plan import Mend
from mfl_lint.core.platform import Platform, meets
from mfl_lint.core.reference import Reference
from mfl_lint.core.right_platform import Unsure, canonical, right_platform
from mfl_lint.core.rule import Finding
from mfl_lint.core.spare import Spare, repointed
from mfl_lint.core.steps import Annotate, Drop, Repoint, SetMediaType

_UNSOUND: Final = frozenset({"MFL101", "MFL111", "MFL202", "MFL214", "MFL601", "MFL605"})
_ATTESTS: Final = "vnd.docker.reference.digest"
_IMAGES: Final = frozenset({Kind.IMAGE, Kind.UNDECIDED})


class Decision(msgspec.Struct, frozen=True):
    """What is done, and by fingerprint why a finding cannot be mended.

    `unread` are those of the findings that may be mended once the images' layers are read.
    """

    mends: tuple[Mend, ...] = ()
    unmended: Mapping[str, str] = {}
    refused: tuple[str, ...] = ()
    unread: frozenset[str] = frozenset()


def decide(
    root: Node,
    findings: Iterable[Finding],
    name: Reference,
    required: Sequence[Platform] = (),
    spares: Sequence[Spare] = (),
) -> Decision:
    """Return what mends the findings of an index; nothing for an image that is in no index.

    `name` is the repository that holds the list. `required` are the platforms that the policy
    demands of the tag: an entry for one of them is not dropped where no other offers it. `spares`
    are images whose names say that they belong to the tag: an entry that leads nowhere is pointed
    at the one for its platform.
    """
    if not root.is_index:
        return Decision()
    work = _Decider(root, tuple(findings), name, required)
    work.describe()
    work.annotate()
    work.drop_missing(spares)
    work.drop_duplicates()
    work.drop_orphans()
    work.name_type()
    return work.decision()


class _Decider:
    """Collects the decisions on one index, entry by entry."""

    def __init__(
        self, root: Node, findings: Sequence[Finding], name: Reference, required: Sequence[Platform]
    ) -> None:
        self._root = root
        self._name = name
        self._required = required
        self._by_entry: dict[int, list[Finding]] = {}
        self._of_list: list[Finding] = []
        self._platforms: dict[int, Mend] = {}
        self._described: list[Mend] = []
        self._drops: dict[int, Mend] = {}
        self._types: list[Mend] = []
        self._unmended: dict[str, str] = {}
        self._refused: list[str] = []
        self._unread: set[str] = set()
        for finding in findings:
            at = finding.position
            if at is None:
                self._of_list.append(finding)
            elif self._is_entry(at, finding):
                self._by_entry.setdefault(at, []).append(finding)

    def decision(self) -> Decision:
        """Return all that was decided; steps on what is dropped are not taken."""
        dropped = self._drops.keys()
        kept = [mend for at, mend in self._platforms.items() if at not in dropped]
        described = [mend for mend in self._described if _position(mend) not in dropped]
        mends = (*described, *kept, *self._drops.values(), *self._types)
        return Decision(mends, self._unmended, tuple(self._refused), frozenset(self._unread))

    def describe(self) -> None:
        """Correct what entries say of their children's sizes and media types."""
        for at, child in self._having(DESCRIPTOR):
            document, entry = child.document, child.entry
            if document is None:
                continue
            own = clean_media_type(document.media_type) or document.served_type
            if (entry.size_bytes, entry.media_type) == (document.size_bytes, own):
                continue
            true = msgspec.structs.replace(entry, size_bytes=document.size_bytes, media_type=own)
            source = msgspec.structs.replace(self._name, tag=None, digest=entry.digest)
            why = f"the child is {own} of {document.size_bytes} bytes"
            self._described.append(Mend(Repoint(at, true, source), why))

    def annotate(self) -> None:
        """Give entries the platforms that are right, as long as no two images get one."""
        for at, child in self._having(PLATFORM):
            if _is_absent(child):
                continue
            found = right_platform(child)
            if isinstance(found, Unsure):
                self._leave(at, PLATFORM, found.why)
                unread = self._by_entry.get(at, ()) if found.wants_layers else ()
                self._unread |= {one.fingerprint for one in unread}
            elif found.platform != child.entry.platform:
                self._platforms[at] = Mend(Annotate(at, found.platform), found.why)
        while clash := self._clash():
            at, other = clash
            step = self._platforms.pop(at).step
            platform = step.platform if isinstance(step, Annotate) else ""
            why = f"entry {at} is for {platform} too, as entry {other} is, and one of them is wrong"
            self._leave(at, PLATFORM, why)
            self._refused.append(f"{why}: drop it, or build what it was meant to be")

    def drop_missing(self, spares: Sequence[Spare]) -> None:
        """Drop entries whose children the registry does not have, or point them elsewhere."""
        for at, child in self._having(frozenset({"MFL201"})):
            said = child.entry.platform
            spare = self._spare_for(at, spares)
            if spare is not None:
                self._described.append(repointed(at, child, spare))
                continue
            if child.kind in _IMAGES and said is not None and self._is_needed(at, said):
                why = f"its image is gone and the policy demands {said}: build it and push it again"
                self._leave(at, frozenset({"MFL201"}), why)
                continue
            self._drop(at, "the registry does not have it")
        images = [n for n, child in enumerate(self._root.children) if child.kind in _IMAGES]
        if images and all(n in self._drops for n in images):
            for at in images:
                del self._drops[at]
                why = "without it the list would be empty: build the image and push it again"
                self._leave(at, frozenset({"MFL201"}), why)

    def drop_duplicates(self) -> None:
        """Keep of several images for one platform the newest, else the first."""
        annotated = self._platforms.keys()
        for positions in self._groups().values():
            known: dict[str | None, int] = {}
            for at in positions:
                digest = self._root.children[at].entry.digest
                asked = self._rules(at) & {"MFL105"} or {at, known.get(digest)} & annotated
                if digest in known and asked:
                    self._drop(at, f"entry {known[digest]} lists the same image")
                known.setdefault(digest, at)
            rest = [at for at in positions if at not in self._drops]
            if len(rest) < 2 or not any(self._rules(at) & {"MFL105"} for at in rest):
                continue
            kept, why = self._best(rest)
            for at in rest:
                if at != kept:
                    self._drop(at, f"entry {kept} is for the same platform and {why}")

    def drop_orphans(self) -> None:
        """Drop attestations of images that are not, or no longer, in the list."""
        for at, _ in self._having(frozenset({"MFL109"})):
            self._drop(at, "the image that it speaks of is not in the list")
        kept = {x.entry.digest for n, x in enumerate(self._root.children) if n not in self._drops}
        gone = {self._root.children[at].entry.digest for at in self._drops} - kept
        for at, child in enumerate(self._root.children):
            named = child.entry.annotations.get(_ATTESTS)
            if child.kind is Kind.ATTESTATION and named in gone:
                self._drop(at, "the image that it speaks of is dropped")

    def name_type(self) -> None:
        """Write into the list what it is."""
        document = self._root.document
        if document is None or not any(one.rule == "MFL213" for one in self._of_list):
            return
        served = document.served_type
        docker = all(entry.media_type == DOCKER_MANIFEST for entry in document.entries)
        known = DOCKER_LIST if docker and document.entries else OCI_INDEX
        media_type = served if served in INDEX_TYPES else known
        self._types.append(Mend(SetMediaType(media_type), "the list does not say what it is"))

    def _is_entry(self, at: int, finding: Finding) -> bool:
        """Say whether a finding is of the list's own entry, not of one in an inner list."""
        children = self._root.children
        return at < len(children) and children[at].entry.digest == finding.digest

    def _rules(self, at: int) -> set[str]:
        return {finding.rule for finding in self._by_entry.get(at, ())}

    def _having(self, rules: frozenset[str]) -> Iterator[tuple[int, Node]]:
        for at, child in enumerate(self._root.children):
            if self._rules(at) & rules:
                yield at, child

    def _leave(self, at: int, rules: frozenset[str], why: str) -> None:
        for finding in self._by_entry.get(at, ()):
            if finding.rule in rules:
                self._unmended[finding.fingerprint] = why

    def _drop(self, at: int, why: str) -> None:
        self._drops.setdefault(at, Mend(Drop(at, why), why))

    def _same(self, at: int, *, now: bool = False) -> Same | None:
        """Return what makes two images the same for an engine; `now`: as the list is."""
        child = self._root.children[at]
        mend = None if now else self._platforms.get(at)
        if mend is not None and isinstance(mend.step, Annotate):
            return same_key(child, mend.step.platform)
        return same_key(child, child.entry.platform)

    def _groups(self) -> dict[Same, list[int]]:
        """Return the images that are there by what makes them the same after annotating."""
        groups: dict[Same, list[int]] = {}
        for at, child in enumerate(self._root.children):
            same = self._same(at)
            if same is not None and not _is_absent(child) and at not in self._drops:
                groups.setdefault(same, []).append(at)
        return groups

    def _clash(self) -> tuple[int, int] | None:
        """Return an entry whose new platform another image has that was not its double before."""
        for positions in self._groups().values():
            for at in positions:
                for other in positions:
                    mine, its = self._root.children[at], self._root.children[other]
                    doubled = self._same(at, now=True) == self._same(other, now=True)
                    new = at in self._platforms and not doubled
                    if new and (mine.entry.digest != its.entry.digest or self._promised(at)):
                        return at, other
        return None

    def _promised(self, at: int) -> bool:
        """Say whether the entry promised hosts another platform than it will say."""
        said = canonical(self._root.children[at].entry.platform or Platform())
        same = self._same(at)
        return said is not None and same is not None and said.normalized() != same[0]

    def _spare_for(self, at: int, spares: Sequence[Spare]) -> Spare | None:
        """Return the image that an entry which leads nowhere can be pointed at."""
        said = canonical(self._root.children[at].entry.platform or Platform())
        if said is None or self._is_offered(at, said):
            return None
        own = self._root.children[at].entry.digest
        fitting = (one for one in spares if one.platform == said.normalized())
        return min(fitting, key=lambda one: one.node.entry.digest != own, default=None)

    def _is_needed(self, at: int, said: Platform) -> bool:
        """Say whether the policy demands the entry's platform and no other entry offers it."""
        return any(meets(one, said) for one in self._required) and not self._is_offered(at, said)

    def _is_offered(self, at: int, said: Platform) -> bool:
        """Say whether another entry leads to an image for the platform."""
        others = (n for n in range(len(self._root.children)) if n != at and n not in self._drops)
        mine = canonical(said) or said.normalized()
        known = (self._same(n) for n in others if not _is_absent(self._root.children[n]))
        return mine.normalized() in {same[0] for same in known if same}

    def _best(self, positions: Sequence[int]) -> tuple[int, str]:
        """Return which of several images to keep, and why."""

        def is_sound(node: Node) -> bool:
            return not self._rules(positions[nodes.index(node)]) & _UNSOUND

        nodes = [self._root.children[at] for at in positions]
        kept, why = preferred(nodes, is_sound)
        return positions[nodes.index(kept)], why


def _is_absent(node: Node) -> bool:
    return node.look is not None and node.look.state is LookState.ABSENT


def _position(mend: Mend) -> int | None:
    return mend.step.position if isinstance(mend.step, Repoint) else None
