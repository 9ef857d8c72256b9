"""What the parser noted about a document and its config, in a sentence each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mfl_lint.core.manifest import Form, Problem, ProblemKind
from mfl_lint.core.observation import Node

_SHOWN: Final = 3
_NO_JSON: Final = "not JSON: "


def problems_of(node: Node, kind: ProblemKind) -> Iterator[str]:
    """Yield one sentence for the document and one for the config, if they have such problems."""
    if node.document is not None and node.document.problems:
        unreadable = node.document.form is Form.UNREADABLE
        what = "the document" if unreadable else f"the {node.document.form}"
        yield from _sentences(what, node.document.raw, node.document.problems, kind)
    if node.config is not None and node.config.problems:
        yield from _sentences("the config", node.config.raw, node.config.problems, kind)


def _sentences(
    what: str, raw: bytes, problems: Sequence[Problem], kind: ProblemKind
) -> Iterator[str]:
    found = [problem for problem in problems if problem.kind is kind]
    if found and not raw.strip():
        yield f"{what} is empty"
    elif found and found[0].message.startswith(_NO_JSON) and not found[0].where:
        yield f"{what} is no JSON: {found[0].message.removeprefix(_NO_JSON)}"
    elif found:
        shown = [f"{one.where}: {one.message}" if one.where else one.message for one in found]
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        yield f"{what} is {kind}: {'; '.join(shown[:_SHOWN])}{more}"
