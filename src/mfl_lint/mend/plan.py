"""From an observation to a plan: decided, carried out on the bytes, and judged as it will be.

Pure. What a plan mends is not claimed by its steps: the list as it will be is judged by the same
rules as the list as it is, and the difference is what the plan says of itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from mfl_lint.core import edit
from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import ManifestInvalid
from mfl_lint.core.kind import decide_kind
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.mendable import PLATFORM
from mfl_lint.core.mending import Decision, decide
from mfl_lint.core.observation import VERIFIED, Kind, LookState, Node, Observation
from mfl_lint.core.parse import parse_document
from mfl_lint.core.plan import Left, Mend, Part, Plan
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding
from mfl_lint.core.spare import Spare
from mfl_lint.core.steps import Add, Drop, Repoint

Judge = Callable[[Observation], Sequence[Finding]]

# Why no list can be changed so that these go: they are faults of what the list points at.
_REBUILD: Final = {
    "MFL101": "the config is a part of the image, and only a build changes it",
    "MFL102": "nobody knows the image's platform: its config does not say it",
    "MFL103": "nobody can tell which platform is meant",
    "MFL106": "no image for plain amd64 is there to be listed",
    "MFL111": "the config is a part of the image, and only a build changes it",
    "MFL201": "the image has to be built and pushed again",
    "MFL202": "a layer or config is gone; a push of the same image brings it back",
    "MFL204": "the wrong size stands in the image's own manifest",
    "MFL205": "the document itself says what it is, and its bytes are its digest",
    "MFL208": "the image's own manifest mixes the media types",
    "MFL210": "schema 1 has to be pushed again by a tool of today",
    "MFL213": "the field is missing in the image's own manifest, whose bytes are its digest",
    "MFL214": "manifest and config of the image disagree",
    "MFL401": "no image for it is there to be listed",
    "MFL502": "the image is old: only a build makes a new one",
    "MFL601": "the program inside was built for another machine",
    "MFL602": "a layer holds programs of another machine",
    "MFL604": "the configs are parts of the images",
    "MFL605": "a file is missing inside the image",
}
_NOT_A_LIST: Final = "there is no list to be changed: the tag is one image"
_INNER: Final = (
    "it stands in an inner list: make one list of all (MFL209), which can be mended then"
)
_OF_ENTRIES: Final = PLATFORM | {"MFL105", "MFL109", "MFL201"}
_OTHERWISE: Final = "no change of the list mends it"


def plan_for(
    seen: Observation,
    judge: Judge,
    required: Sequence[Platform] = (),
    spares: Sequence[Spare] = (),
) -> Plan | None:
    """Return what mends a tag's findings, None where the tag was not seen.

    `judge` says what is found in an observation. `required` are the platforms that the policy
    demands of the tag, `spares` images whose names say that they belong to it.
    """
    if seen.root is None:
        return None
    findings = tuple(judge(seen))
    decision = decide(seen.root, findings, seen.reference, required, spares)
    return planned(seen, judge, decision, findings, instead=[one.node for one in spares])


def planned(
    seen: Observation,
    judge: Judge,
    decision: Decision,
    findings: Sequence[Finding],
    added: Iterable[Node] = (),
    instead: Iterable[Node] = (),
) -> Plan:
    """Return the plan that a decision makes of what was seen.

    `added` are the nodes of new parts, `instead` those that entries may be pointed at.
    A list that cannot be changed at all (it is not UTF-8, or has two meanings) refuses the plan.
    """
    assert seen.root is not None  # noqa: S101  # the caller's to see to
    steps = tuple(mend.step for mend in decision.mends)
    try:
        raw, media_type = _changed(seen.root, decision.mends)
    except ManifestInvalid as error:
        decision = Decision((), {}, (*decision.refused, str(error)))
        raw, media_type, steps = _bytes(seen.root), _type(seen.root), ()
    after = _foreseen(seen, raw, media_type, decision.mends, added, instead)
    assert after.root is not None  # noqa: S101  # made just now
    plan = Plan(
        target=msgspec.structs.replace(seen.reference, digest=None),
        base=seen.digest,
        media_type=media_type,
        mends=decision.mends,
        raw=raw,
        before=_parts(seen.root, seen.reference, ()),
        parts=_parts(after.root, seen.reference, steps, seen.root),
        after=after,
        refused=decision.refused,
        wants_layers=bool(decision.unread),
    )
    return _judged(plan, seen, findings, judge(after) if steps else findings, decision)


def _changed(root: Node, mends: Sequence[Mend]) -> tuple[bytes, str]:
    """Return the bytes of the list after the steps, and its media type."""
    if not mends:
        return _bytes(root), _type(root)
    edited = edit.apply(edit.read(_bytes(root), _type(root)), [mend.step for mend in mends])
    return edit.encode(edited), edited.media_type


def _bytes(root: Node) -> bytes:
    return root.document.raw if root.document is not None else b""


def _type(root: Node) -> str:
    document = root.document
    return (document.served_type or document.media_type) if document is not None else ""


def _foreseen(
    seen: Observation,
    raw: bytes,
    media_type: str,
    mends: Sequence[Mend],
    added: Iterable[Node],
    instead: Iterable[Node],
) -> Observation:
    """Return the look at the tag as it will be; what is known of the children stays known."""
    root = seen.root
    assert root is not None  # noqa: S101  # checked by the caller
    if not mends:
        return seen
    document = parse_document(raw, media_type)
    kept = [*_kept(root, mends), *added]
    others = {node.entry.digest: node for node in instead}
    children = tuple(
        _at(_led_to(entry, node, others), position, entry)
        for position, (node, entry) in enumerate(zip(kept, document.entries, strict=True))
    )
    entry = Descriptor(media_type, document.digest, len(raw))
    made = Node(None, entry, Kind.INDEX, VERIFIED, document, children=children)
    return msgspec.structs.replace(seen, root=made)


def _led_to(entry: Descriptor, old: Node, others: Mapping[Digest | None, Node]) -> Node:
    """Return the node that an entry leads to: another's where its own is not there."""
    gone = old.look is not None and old.look.state is LookState.ABSENT
    own = old if old.entry.digest == entry.digest else others[entry.digest]
    return others.get(entry.digest, own) if gone else own


def _at(node: Node, position: int, entry: Descriptor) -> Node:
    kind = decide_kind(entry, node.document)
    return msgspec.structs.replace(node, position=position, entry=entry, kind=kind)


def _kept(root: Node, mends: Sequence[Mend]) -> list[Node]:
    dropped = {mend.step.position for mend in mends if isinstance(mend.step, Drop)}
    return [child for at, child in enumerate(root.children) if at not in dropped]


def _parts(
    root: Node, name: Reference, steps: Sequence[object], base: Node | None = None
) -> tuple[Part, ...]:
    """Return the entries of a list; with its `base`, those that stay know their old places."""
    if not root.is_index:
        return ()
    dropped = {step.position for step in steps if isinstance(step, Drop)}
    old = [at for at in range(len((base or root).children)) if at not in dropped]
    sources = [step.source for step in steps if isinstance(step, Add)]
    elsewhere = {step.position: step.source for step in steps if isinstance(step, Repoint)}
    parts = []
    for at, child in enumerate(root.children):
        own = msgspec.structs.replace(name, tag=None, digest=child.entry.digest)
        before = old[at] if at < len(old) else None
        added = sources[at - len(old)] if before is None else own
        source = added if before is None else elsewhere.get(before, own)
        built = child.config.platform if child.config is not None else None
        parts.append(Part(before, child.entry, source, child.kind, built))
    return tuple(parts)


def _judged(
    plan: Plan,
    seen: Observation,
    before: Sequence[Finding],
    after: Sequence[Finding],
    decision: Decision,
) -> Plan:
    """Return the plan with what it mends, leaves and begins, and refused where it does harm."""
    stays = Counter(_key(finding, plan.digest) for finding in after)
    fixed, left = [], []
    for finding in before:
        key = _key(finding, seen.digest)
        if stays[key]:
            stays[key] -= 1
            left.append(_left(finding, decision, seen))
        else:
            fixed.append(finding)
    known = Counter(_key(finding, seen.digest) for finding in before)
    begun = []
    for finding in after:
        key = _key(finding, plan.digest)
        known[key] -= 1
        if known[key] < 0:
            begun.append(finding)
    return msgspec.structs.replace(
        plan,
        fixed=tuple(fixed),
        left=tuple(left),
        begun=tuple(begun),
        refused=(*plan.refused, *_harm(plan, begun)),
    )


def _key(finding: Finding, root: Digest | None) -> tuple[str, str]:
    """Return what a finding is known by when the list around it changes."""
    return finding.rule, "" if finding.digest == root else finding.digest or ""


def _left(finding: Finding, decision: Decision, seen: Observation) -> Left:
    if finding.rule in _OF_ENTRIES and _is_inner(finding, seen):
        return Left(finding, _INNER, rebuild=False)
    said = decision.unmended.get(finding.fingerprint)
    rebuild = finding.rule in _REBUILD and finding.fingerprint not in decision.unread
    if seen.root is not None and not seen.root.is_index and not rebuild:
        return Left(finding, _NOT_A_LIST, rebuild=False)
    return Left(finding, said or _REBUILD.get(finding.rule, _OTHERWISE), rebuild)


def _is_inner(finding: Finding, seen: Observation) -> bool:
    """Say whether a finding is of an entry of a list within the list."""
    root = seen.root
    if root is None or finding.position is None:
        return False
    return finding.digest not in {child.entry.digest for child in root.children}


def _harm(plan: Plan, begun: Iterable[Finding]) -> Iterable[str]:
    """Yield why the plan must not be carried out: what it would break, whom it would lose."""
    for finding in begun:
        if finding.severity is Severity.ERROR or finding.rule == "MFL105":
            yield f"the list would then have {finding.rule} {finding.slug}: {finding.message}"
    offered = {_normal(part) for part in plan.parts}
    kept = {part.before for part in plan.parts}
    for part in plan.before:
        gone = part.before not in kept and part.kind is Kind.IMAGE
        if gone and _normal(part) not in offered:
            yield f"the list would lose {part.entry.platform or 'an image'}"


def _normal(part: Part) -> Platform:
    return (part.entry.platform or part.built or Platform()).normalized()
