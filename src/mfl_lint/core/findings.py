"""From faults to findings: severity, subject, ordinal, fingerprint, order, clean lines."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from mfl_lint.core.observation import Node
from mfl_lint.core.policy import Policy, Severity
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Fault, Finding, Judgement, Rule, RuleVerdict, commented, fingerprint

_MAX_LINE: Final = 600
_PLACE: Final = re.compile(r"\{(reference|name|insecure)\}")


class RuleEnd(msgspec.Struct, frozen=True):
    """How one rule ended: its verdict, and its faults with the order of the node they are of.

    The order counts a tree's nodes from 0, depth first; it is -1 for what is no node's.
    """

    rule: Rule
    verdict: RuleVerdict
    faults: tuple[tuple[int, Node | None, Fault], ...] = ()


class _Found(msgspec.Struct, frozen=True):
    """A fault on its way to a finding: its place, and which of its equals it is."""

    rule: Rule
    order: int
    node: Node | None
    fault: Fault
    severity: Severity
    subject: str
    ordinal: int

    @property
    def key(self) -> tuple[int, str, int, int, str, int]:
        """Return what findings are sorted by, worst first."""
        place = self.node.position if self.node is not None else None
        position = -1 if place is None else place
        rank, rule = self.severity.rank, self.rule.id
        return rank, rule, self.order, position, self.subject, self.ordinal


def judgement_of(
    registry: str,
    reference: Reference,
    root: Node | None,
    ends: Iterable[RuleEnd],
    policy: Policy,
    *,
    insecure: bool = False,
) -> Judgement:
    """Return the findings and verdicts of a tag, or of a repository's name (`root` is None).

    `insecure` says that docker has to be told to speak plain HTTP; on loopback it always has.
    """
    ends = tuple(ends)
    verdicts = tuple([end.verdict for end in ends])
    found = [item for end in ends if end.faults for item in _found(end, policy)]
    if not found:
        return Judgement((), verdicts)
    insecure = insecure or reference.is_loopback
    found.sort(key=lambda item: item.key)
    findings = tuple(_finding(item, registry, reference, root, insecure) for item in found)
    return Judgement(findings, verdicts)


def one_line(text: str) -> str:
    """Return one bounded, printable line; what a registry says may hold anything."""
    return _printable(text if len(text) <= _MAX_LINE else f"{text[: _MAX_LINE - 1]}…")


def _found(end: RuleEnd, policy: Policy) -> Iterator[_Found]:
    """Yield a rule's faults, numbered among those of the same subject in the tree's order."""
    rule = end.rule
    override = policy.severities.get(rule.id) or policy.severities.get(rule.slug)
    equals: dict[str, int] = {}
    for order, node, fault in sorted(end.faults, key=lambda item: item[0]):
        subject = fault.subject if fault.subject is not None else _subject(node)
        ordinal = equals.get(subject, 0)
        equals[subject] = ordinal + 1
        severity = override or fault.severity or rule.severity
        yield _Found(rule, order, node, fault, severity, subject, ordinal)


def _subject(node: Node | None) -> str:
    if node is None or node.entry.platform is None:
        return ""
    normal = node.entry.platform.normalized()
    return normal.full if normal.os == "windows" else str(normal)


def _finding(
    item: _Found, registry: str, reference: Reference, root: Node | None, insecure: bool
) -> Finding:
    tag = reference.tag or reference.digest or ""
    node = item.node or root
    platform = node.entry.platform if node is not None else None
    return Finding(
        rule=item.rule.id,
        slug=item.rule.slug,
        severity=item.severity,
        registry=registry,
        repository=reference.repository,
        tag=tag,
        reference=str(reference),
        digest=node.entry.digest if node is not None else reference.digest,
        platform=one_line(str(platform)) if platform is not None else "",
        position=node.position if node is not None else None,
        subject=one_line(item.subject),
        message=one_line(item.fault.message),
        fix=_filled(item.fault, reference, insecure),
        fingerprint=fingerprint(
            item.rule.id, registry, reference.repository, tag, item.subject, item.ordinal
        ),
    )


def _filled(fault: Fault, reference: Reference, insecure: bool) -> str:
    """Put the reference into a fix. Commands in which something is still open become comments.

    For a digest a new tag has to be chosen; what lies on disk has no name in a registry.
    """
    fix = fault.fix if reference.repository else fault.fix_on_disk or fault.fix
    name = reference.name if reference.repository else "NAME"
    places = {
        "reference": shlex.quote(f"{name}:{reference.tag or 'TAG'}"),
        "name": shlex.quote(name),
        "insecure": "--insecure " if insecure else "",
    }
    used = {place for line in fix for place in _PLACE.findall(line)}
    lines = [_PLACE.sub(lambda found: places[found[1]], line) for line in fix]
    unsaid = ["a registry and repository for NAME"] if used and not reference.repository else []
    if "reference" in used and not reference.tag:
        unsaid.append("a tag for TAG")
    if unsaid:
        lines = [f"# fill in {' and '.join(unsaid)}:", *map(commented, lines)]
    return "\n".join(map(_printable, lines))


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
