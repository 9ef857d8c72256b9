"""From images under one name each to one list: `app-arm64` and `app-ppc64le` become `app`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from mfl_lint.core import edit
from mfl_lint.core.digest import digest_of
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.mending import Decision
from mfl_lint.core.names import PlatformWord
from mfl_lint.core.observation import VERIFIED, Kind, LookState, Node, Observation
from mfl_lint.core.parse import parse_document
from mfl_lint.core.plan import Mend, Plan
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference
from mfl_lint.core.right_platform import canonical
from mfl_lint.core.rule import Finding
from mfl_lint.core.spare import described
from mfl_lint.core.steps import Add
from mfl_lint.mend.plan import Judge, planned

_ATTESTS = "vnd.docker.reference.digest"


class Member(msgspec.Struct, frozen=True):
    """What one of the names leads to; `word` is the platform word in it, None for the stem's."""

    word: PlatformWord | None
    seen: Observation


class _Image(msgspec.Struct, frozen=True):
    """One image of a member, with the attestations that speak of it."""

    member: Member
    node: Node
    attestations: tuple[Node, ...] = ()


def group_plan(
    base: Observation,
    members: Sequence[Member],
    judge: Judge,
    findings: Sequence[Finding] = (),
    form: str = "",
) -> Plan:
    """Return the plan that makes one list of the members; `base` is the look at its tag.

    A list that is there already is added to, an image that is there becomes the first entry.
    `findings` are what the names themselves are blamed for. `form` is the media type of a new
    list where the members' own are mixed; else Refused.
    """
    work = _Group(base, members)
    work.gather()
    listed = base.root is not None and base.root.is_index
    start = base if listed else _empty(base, edit.form_for(work.media_types(), form))
    plan = planned(start, judge, work.decision(), judge(base) if listed else (), work.added())
    blamed = tuple(findings) if plan.changes and not plan.refused else ()
    return msgspec.structs.replace(plan, base=base.digest, fixed=(*plan.fixed, *blamed))


def _empty(base: Observation, media_type: str) -> Observation:
    """Return the tag as if it pointed at a list of nothing."""
    raw = edit.encode(edit.new_index(media_type, ()))
    document = parse_document(raw, media_type)
    entry = Descriptor(media_type, digest_of(raw), len(raw))
    root = Node(None, entry, Kind.INDEX, VERIFIED, document)
    return msgspec.structs.replace(base, look=VERIFIED, root=root)


class _Group:
    """Gathers the images of the members, one for each platform."""

    def __init__(self, base: Observation, members: Sequence[Member]) -> None:
        self._base = base
        self._members = members
        self._images: list[tuple[_Image, Platform]] = []
        self._refused: list[str] = []

    def gather(self) -> None:
        """Take each image whose platform is certain; refuse what is not."""
        taken: dict[Platform, tuple[str, str | None]] = {}
        root = self._base.root
        if root is not None and root.is_index:
            for child in root.children:
                platform = child.entry.platform
                if platform is not None and not platform.is_unknown:
                    where = self._base.reference.familiar
                    taken[platform.normalized()] = (where, child.entry.digest)
        elif root is not None:
            self._take(_Image(Member(None, self._base), root), taken)
        for member in self._members:
            for image in self._of(member):
                self._take(image, taken)

    def decision(self) -> Decision:
        """Return the steps that add what was gathered: images first, attestations last."""
        images = [self._add(one, one.node, platform) for one, platform in self._images]
        attestations = [
            self._add(one, node, node.entry.platform)
            for one, _ in self._images
            for node in one.attestations
        ]
        return Decision((*images, *attestations), {}, tuple(self._refused))

    def added(self) -> tuple[Node, ...]:
        """Return the nodes of what is added, in the order of the steps."""
        images = [one.node for one, _ in self._images]
        return (*images, *(node for one, _ in self._images for node in one.attestations))

    def media_types(self) -> list[str]:
        """Return the media types of the images."""
        return [described(one.node).media_type for one, _ in self._images]

    def _of(self, member: Member) -> Iterator[_Image]:
        """Yield the images of a member; a name that has no such tag offers none."""
        root, name = member.seen.root, member.seen.reference.familiar
        if root is None:
            if member.seen.look.state is not LookState.ABSENT:
                look = member.seen.look
                self._refused.append(f"{name} was not seen: {look.state} {look.detail}".strip())
            return
        children = root.children if root.is_index else (root,)
        for child in children:
            if child.kind is Kind.IMAGE and child.document is not None:
                yield _Image(member, child, tuple(_attesting(child, children)))
            elif child.kind is Kind.INDEX or (child.kind is Kind.UNDECIDED):
                self._refused.append(f"{name}: {child.entry.digest} is no image that was seen")

    def _take(self, image: _Image, taken: dict[Platform, tuple[str, str | None]]) -> None:
        name, node = image.member.seen.reference.familiar, image.node
        platform = _platform(image)
        if isinstance(platform, str):
            self._refused.append(f"{name}: {platform}")
            return
        known = taken.setdefault(platform.normalized(), (name, node.entry.digest))
        if known == (name, node.entry.digest):
            self._images.append((image, platform))
        elif known[1] != node.entry.digest:
            self._refused.append(f"{name} and {known[0]} hold different images for {platform}")

    def _add(self, image: _Image, node: Node, platform: Platform | None) -> Mend:
        source = image.member.seen.reference
        child = msgspec.structs.replace(described(node), platform=platform)
        named = Reference(source.registry, source.repository, None, child.digest)
        return Mend(Add(child, named), f"{source.familiar} is for {platform}")


def _platform(image: _Image) -> Platform | str:
    """Return what the image is for, or why nobody can tell."""
    config = image.node.config
    built = canonical(config.platform) if config is not None else None
    if built is None or config is None:
        return "its config does not say a platform that an engine knows: build it again"
    word = image.member.word
    if word is None:
        return built
    if not word.fits(config.platform):
        return f"the name says {word.text}, the image's config {built}: build it again"
    if built.architecture == "arm" and not config.platform.variant and word.platform.variant:
        return msgspec.structs.replace(built, variant=word.platform.variant)
    return built


def _attesting(image: Node, entries: Sequence[Node]) -> Iterator[Node]:
    for node in entries:
        spoken = node.entry.annotations.get(_ATTESTS)
        if node.kind is Kind.ATTESTATION and spoken == image.entry.digest:
            yield node
