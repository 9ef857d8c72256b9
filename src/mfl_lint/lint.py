"""The judge: rules, an observation, its siblings and a policy in; findings and verdicts out.

Pure: no clock, no network, no database. What rules say of a tree (scopes ENTRY, DOCUMENT and
INDEX) knows no reference and can be kept per digest (`judge_tree`); `judge` adds what is said
of the tag and makes findings, which are per tag.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from mfl_lint.core.cases import KIND_UNSEEN, Case, Target, Tree, node_case, seen_as
from mfl_lint.core.errors import NotObserved
from mfl_lint.core.findings import RuleEnd, judgement_of, one_line
from mfl_lint.core.history import GoneCase, History
from mfl_lint.core.kind import is_attachment_tag
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import Kind, Node, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import (
    Fault,
    Judgement,
    NameCase,
    Needs,
    NodeCase,
    Outcome,
    Rule,
    RuleVerdict,
    Scope,
    Siblings,
    TagCase,
)

_LOG: Final = logging.getLogger(__name__)
_TREE_SCOPES: Final = frozenset({Scope.ENTRY, Scope.DOCUMENT, Scope.INDEX})
_OTHER_SCOPES: Final = frozenset({Scope.NAME, Scope.GONE})


class TreeJudgement(msgspec.Struct, frozen=True):
    """What the rules say of a tree, whatever points at it. `has_images` as `judges_images`.

    It holds for every tag with the same digest, rules, policy, presence of children, `sparse`
    and `required`; `judge` computes it again where `required` differs.
    """

    required: tuple[Platform, ...]
    ends: tuple[RuleEnd, ...]
    has_images: bool | None


def judge_tree(
    root: Node,
    rules: Iterable[Rule],
    policy: Policy,
    *,
    sparse: bool = False,
    required: tuple[Platform, ...] = (),
) -> TreeJudgement:
    """Return what the rules of the scopes ENTRY, DOCUMENT and INDEX say of a tree.

    `required` are the platforms that the policy demands of the tag; they matter only where the
    registry is `sparse`.
    """
    wanted = required if sparse else ()
    tree = Tree(node_case(root, None, root, policy, sparse, wanted))
    ends = [
        _disabled(rule) if _is_disabled(rule, policy) else _run(rule, *tree.targets(rule))
        for rule in rules
        if rule.scope in _TREE_SCOPES
    ]
    return TreeJudgement(wanted, tuple(ends), tree.has_images)


def judge(
    observation: Observation,
    rules: Collection[Rule],
    policy: Policy,
    siblings: Siblings,
    *,
    moved_at: datetime | None = None,
    sparse: bool = False,
    tree: TreeJudgement | None = None,
    insecure: bool = False,
    history: History | None = None,
    proxy: bool = False,
) -> Judgement:
    """Return all that the rules say of a tag; nothing of the scopes NAME and GONE.

    `moved_at` is when the tag got its digest, where that is known (aware UTC). `tree` is what
    `judge_tree` said of the same digest before. Of a tag that was not seen every rule is
    unknown, and nothing is found but bytes that are not those that were asked for. `insecure`
    says that fixes have to let docker speak plain HTTP to the registry. Without a `history` the
    rules that rest on it are not applicable: nobody asked them.
    """
    reference, root = observation.reference, observation.root
    if root is None:
        unseen = _judge_unseen(observation, rules, policy)
        return judgement_of(
            observation.registry, reference, None, unseen, policy, insecure=insecure
        )
    tag = reference.tag or ""
    required = tuple(policy.required(reference.repository, tag)) if sparse else ()
    if tree is None or tree.required != required:
        tree = judge_tree(root, rules, policy, sparse=sparse, required=required)
    at = observation.looked_at
    case = TagCase(reference, root, siblings, policy, at, moved_at, history, proxy)
    ends = [*tree.ends, *_judge_tag(case, rules, tree.has_images)]
    if is_attachment_tag(tag):
        ends = [_not_for_attachments(end) for end in ends]
    return judgement_of(observation.registry, reference, root, ends, policy, insecure=insecure)


def judge_name(
    registry: str,
    reference: Reference,
    rules: Iterable[Rule],
    policy: Policy,
    siblings: Siblings,
    *,
    insecure: bool = False,
) -> Judgement:
    """Return what the rules of scope NAME say of a repository's name; `insecure` as in `judge`."""
    target = Target(NameCase(reference, siblings, policy))
    ends = [
        _disabled(rule) if _is_disabled(rule, policy) else _run(rule, [target], "")
        for rule in rules
        if rule.scope is Scope.NAME
    ]
    named = msgspec.structs.replace(reference, tag=None)
    return judgement_of(registry, named, None, ends, policy, insecure=insecure)


def judge_gone(
    registry: str, case: GoneCase, rules: Iterable[Rule], *, insecure: bool = False
) -> Judgement:
    """Return what the rules of scope GONE say of a tag that is gone; `insecure` as in `judge`."""
    ends = [
        _disabled(rule) if _is_disabled(rule, case.policy) else _run(rule, [Target(case)], "")
        for rule in rules
        if rule.scope is Scope.GONE
    ]
    return judgement_of(registry, case.reference, None, ends, case.policy, insecure=insecure)


def _judge_tag(case: TagCase, rules: Iterable[Rule], has_images: bool | None) -> Iterator[RuleEnd]:
    """Yield how the rules of scope TAG ended; `has_images` as `judges_images`."""
    for rule in rules:
        if rule.scope is not Scope.TAG:
            continue
        if _is_disabled(rule, case.policy):
            yield _disabled(rule)
        elif case.history is None and Needs.HISTORY in rule.needs:
            yield _run(rule, [], "")
        elif has_images or (has_images is None and Kind.UNDECIDED in rule.kinds):
            yield _run(rule, [Target(case)], "")
        else:
            yield _run(rule, [], KIND_UNSEEN if has_images is None else "")


def _judge_unseen(
    observation: Observation, rules: Collection[Rule], policy: Policy
) -> Iterator[RuleEnd]:
    """Yield unknown for every rule, but keep what is certain of bytes with another digest."""
    rules = [rule for rule in rules if rule.scope not in _OTHER_SCOPES]
    look = observation.look
    digest = observation.reference.digest or look.claimed
    certain: dict[str, RuleEnd] = {}
    if look.mismatch is not None and digest is not None:
        root = Node(None, Descriptor(digest=digest), Kind.UNDECIDED, look)
        ends = judge_tree(root, rules, policy).ends
        certain = {end.rule.id: end for end in ends if end.faults}
    for rule in rules:
        if rule.id in certain:
            yield certain[rule.id]
        else:
            yield _disabled(rule) if _is_disabled(rule, policy) else _run(rule, [], seen_as(look))


def _run(rule: Rule, targets: Sequence[Target], unseen: str) -> RuleEnd:
    """Call the rule for each target; what one call cannot say or breaks on stops no other."""
    faults: list[tuple[int, Node | None, Fault]] = []
    crash = ""
    check = rule.check
    for target in targets:
        case, failed = target.case, False
        try:
            for fault in check(case):
                faults.append((target.order, fault.node or _node(case), fault))
                failed = True
        except NotObserved as error:
            unseen = unseen or str(error) or "not observed"
        except Exception as error:
            _LOG.exception("rule %s crashed", rule.id)
            crash = type(error).__name__
        if target.gap and not failed:
            unseen = unseen or target.gap
    outcome = _outcome(crash, unseen, bool(faults), bool(targets))
    detail = one_line(crash or unseen) if crash or unseen else ""
    verdict = RuleVerdict(rule.id, outcome, detail) if detail else _verdict(rule.id, outcome)
    return RuleEnd(rule, verdict, tuple(faults))


@lru_cache(maxsize=512)
def _verdict(rule: str, outcome: Outcome) -> RuleVerdict:
    """Return the verdict that nearly all are: there are few, and each is a value."""
    return RuleVerdict(rule, outcome)


def _outcome(crash: str, unseen: str, failed: bool, judged: bool) -> Outcome:
    """Return the rule's end; undecided before failed, so that nothing resolves by mistake."""
    if crash:
        return Outcome.CRASHED
    if unseen:
        return Outcome.UNKNOWN
    if failed:
        return Outcome.FAIL
    return Outcome.PASS if judged else Outcome.NOT_APPLICABLE


def _node(case: Case) -> Node | None:
    return case.node if isinstance(case, NodeCase) else None


def _is_disabled(rule: Rule, policy: Policy) -> bool:
    disabled = policy.disabled
    return bool(disabled) and (rule.id in disabled or rule.slug in disabled)


def _disabled(rule: Rule) -> RuleEnd:
    return RuleEnd(rule, RuleVerdict(rule.id, Outcome.NOT_APPLICABLE, "disabled"))


def _not_for_attachments(end: RuleEnd) -> RuleEnd:
    """Return the end of a rule on a signature's or referrer list's tag: only documents count."""
    if Kind.ARTIFACT in end.rule.kinds:
        return end
    return RuleEnd(end.rule, RuleVerdict(end.rule.id, Outcome.NOT_APPLICABLE, "an attachment"))
