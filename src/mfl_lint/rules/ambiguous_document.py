"""A document can be read in two ways.

It has the fields of an index and of an image manifest at once, or the same JSON key twice.

Why: the scanner reads the harmless image, the engine runs the other one: a signature, a policy
or a virus scan that saw one half says nothing about the other. Engines refuse such documents
since CVE-2021-41190; older ones do not.

Fix: do not use it, and find out who pushed it: no build tool makes such a document. Push a clean
one: `docker buildx build --platform linux/amd64,linux/arm64 -t REFERENCE --push .`.

Source: CVE-2021-41190 (GHSA-77vh-xpmg-72qh, GHSA-mc8v-mgrf-8f4m); OCI image-spec 1.1 manifest.md;
RFC 8259 section 4.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.manifest import ProblemKind
from mfl_lint.core.observation import Kind
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.rules._commands import rebuild, ways
from mfl_lint.rules._problems import problems_of


@rule("MFL206", Severity.ERROR, Scope.DOCUMENT, needs=(Needs.BYTES,), kinds=Kind)
def ambiguous_document(case: NodeCase) -> Iterator[Fault]:
    """Judge a document and its config."""
    first = "do not use it, find out who pushed it, then push a clean one"
    for what in problems_of(case.node, ProblemKind.AMBIGUOUS):
        yield Fault(what, ways((first, rebuild(case.parent, case.node))))
