"""What a rule is, what it is given and what it gives back.

A rule is a function that looks at one *case* and yields a Fault for each thing that is wrong.
The decorator makes it a frozen Rule; `rules.discover()` finds it. The framework (`lint.py`)
holds the loops, the kinds, the unknowns, the fingerprints and the crashes, so that a rule
holds its condition only.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec

from mfl_lint.core.digest import Digest
from mfl_lint.core.errors import MflLintError, NotObserved
from mfl_lint.core.history import History
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Severity
from mfl_lint.core.reference import Reference


class Outcome(StrEnum):
    """How one rule ended on one tag."""

    PASS = "pass"  # noqa: S105  # an outcome, no secret
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    UNKNOWN = "unknown"
    CRASHED = "crashed"


class Scope(StrEnum):
    """What a rule is called for.

    ENTRY: each entry of an index; DOCUMENT: each node of the tree, the root too; INDEX: each
    index; TAG: each tag with its siblings; NAME: each repository name of a registry; GONE: each
    tag that is confirmed to be gone.
    """

    ENTRY = "entry"
    DOCUMENT = "document"
    INDEX = "index"
    TAG = "tag"
    NAME = "name"
    GONE = "gone"


class Needs(StrEnum):
    """The evidence that a rule rests on, as the rule catalogue names it."""

    INDEX = "index"
    CHILDREN = "children"
    CONFIGS = "configs"
    BYTES = "bytes"
    SIBLINGS = "siblings"
    LAYERS = "layers"
    BLOBS = "blobs"
    HISTORY = "history"


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    `message` is one line with the actual values. `fix` is what repairs it, as lines for a POSIX
    shell: each a comment (`# …`) or one whole command. All of it can be pasted: of several ways
    only the first is no comment. A line end within a line is escaped.
    `fix_on_disk` is the fix of what lies on disk, where that is another one.
    `severity` only where it differs from the rule's own. `subject` names the faulty thing for
    the fingerprint where it is not the case's node (never a digest or a position).
    """

    message: str
    fix: tuple[str, ...]
    severity: Severity | None = None
    subject: str | None = None
    node: Node | None = None
    fix_on_disk: tuple[str, ...] = ()


def commented(line: str) -> str:
    """Return a line of a fix as a comment: it is shown, and does not run when all is pasted."""
    return line if line.startswith("#") else f"#   {line}"


class NodeCase(msgspec.Struct, frozen=True):
    """A node in its index, for the scopes ENTRY, DOCUMENT and INDEX.

    `parent` is the index that lists it, None for the root. `normal` is the entry's platform in
    its normal form, empty where the entry has none. `children` are the cases of an index's
    entries, in its order. `required` are the platforms that the tag must offer, filled in only
    for a `sparse` registry. A document may be missing: a rule then says nothing of it.
    Verdicts of these scopes are computed once per digest: no reference is known here. In a
    fix, `{reference}` stands for the judged reference, `{name}` for its repository, and
    `{insecure}` for docker's flag for a registry of plain HTTP, with a space, or for nothing.
    """

    node: Node
    parent: Node | None
    root: Node
    policy: Policy
    normal: Platform = Platform()
    children: tuple[NodeCase, ...] = ()
    sparse: bool = False
    required: tuple[Platform, ...] = ()


class TagSummary(msgspec.Struct, frozen=True):
    """What is known of a sibling tag; `platforms` is None where it was not looked at."""

    tag: str
    digest: Digest | None = None
    is_index: bool = False
    platforms: tuple[Platform, ...] | None = None
    children: tuple[Digest, ...] = ()


class Siblings(msgspec.Struct, frozen=True):
    """What stands beside a tag. A field is None where nobody looked.

    `tags`: all tags of the repository, the judged one among them. `repositories`: all names
    of the registry after a complete listing. `others`: the summaries of those repositories
    whose names differ only by a platform word, and of the one without any word, by name.
    """

    tags: tuple[TagSummary, ...] | None = None
    repositories: tuple[str, ...] | None = None
    others: Mapping[str, tuple[TagSummary, ...]] = {}


class TagCase(msgspec.Struct, frozen=True):
    """A tag with its tree, its siblings and its past, for scope TAG. `root` is never None.

    `history` is None where nothing remembers tags: rules that rest on it are not called then.
    `proxy`: the registry passes on what another one holds.
    """

    reference: Reference
    root: Node
    siblings: Siblings
    policy: Policy
    observed_at: datetime
    moved_at: datetime | None = None
    history: History | None = None
    proxy: bool = False


class NameCase(msgspec.Struct, frozen=True):
    """A repository's name among the registry's, for scope NAME."""

    reference: Reference
    siblings: Siblings
    policy: Policy


T = TypeVar("T")
Check = Callable[[Any], Iterable[Fault]]


class Rule(msgspec.Struct, frozen=True):
    """A rule's metadata and its check. `sections` are the docstring's Why, Fix and Source."""

    id: str
    slug: str
    severity: Severity
    scope: Scope
    needs: tuple[Needs, ...]
    kinds: frozenset[Kind]
    what: str
    sections: Mapping[str, str]
    check: Check


class Finding(msgspec.Struct, frozen=True, cache_hash=True):
    """A fault of one tag (or of one repository name, then `tag` is "").

    `tag` is the tag, or the digest where a digest was asked for. `platform` is "" where the
    fault is the whole tag's. `fix` holds a fault's lines, joined by newlines. `fingerprint` is
    stable over pushes with the same fault.
    """

    rule: str
    slug: str
    severity: Severity
    registry: str
    repository: str
    tag: str
    reference: str
    digest: Digest | None
    platform: str
    position: int | None
    subject: str
    message: str
    fix: str
    fingerprint: str


def fingerprint(
    rule: str, registry: str, repository: str, tag: str, subject: str, ordinal: int
) -> str:
    """Return the SHA-256 (hex) of what makes a finding the same finding over pushes."""
    parts = [rule, registry, repository, tag, subject, str(ordinal)]
    text = "\x00".join(parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


_SECTIONS: Final = ("Why", "Fix", "Source")
_HEADING: Final = re.compile(r"^(Why|Fix|Source):\s*", re.MULTILINE)


def parse_documentation(text: str) -> tuple[str, dict[str, str]]:
    """Split a rule's docstring into what it says first and its Why, Fix and Source."""
    pieces = _HEADING.split(inspect.cleandoc(text))
    sections = {name: body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
    missing = [name for name in _SECTIONS if not sections.get(name)]
    if missing or not pieces[0].strip():
        raise MflLintError(f"a rule's docstring lacks {', '.join(missing) or 'its first line'}")
    return pieces[0].strip(), sections


def rule(
    id: str,  # noqa: A002  # the catalogue's word
    severity: Severity,
    scope: Scope,
    *,
    needs: Iterable[Needs],
    kinds: Iterable[Kind] = (Kind.IMAGE,),
) -> Callable[[Check], Rule]:
    """Make a check a Rule. Its name is the slug, its module's docstring the documentation.

    `kinds` says which kinds of node an ENTRY or DOCUMENT rule judges, and (for INDEX and TAG)
    that the tree holds images at all; a node whose kind is undecided is then unknown.
    """

    def decorate(check: Check) -> Rule:
        what, sections = parse_documentation(inspect.getmodule(check).__doc__ or "")
        return Rule(
            id=id,
            slug=check.__name__.replace("_", "-"),
            severity=severity,
            scope=scope,
            needs=tuple(needs),
            kinds=frozenset(kinds),
            what=what,
            sections=sections,
            check=check,
        )

    return decorate


def seen(value: T | None, what: str) -> T:
    """Return `value`; raise NotObserved where it was not seen."""
    if value is None:
        raise NotObserved(what)
    return value


class RuleVerdict(msgspec.Struct, frozen=True):
    """How one rule ended on one tag; `detail` says what was not seen or what crashed."""

    rule: str
    outcome: Outcome
    detail: str = ""


class Judgement(msgspec.Struct, frozen=True):
    """All that the rules say of one tag."""

    findings: tuple[Finding, ...]
    verdicts: tuple[RuleVerdict, ...]

    def unknown_rules(self) -> Iterator[str]:
        """Yield the ids of the rules that could not decide, crashed ones too."""
        for verdict in self.verdicts:
            if verdict.outcome in (Outcome.UNKNOWN, Outcome.CRASHED):
                yield verdict.rule
