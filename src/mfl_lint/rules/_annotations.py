"""Lines for fixes of annotations: only their author knows the value, so nothing of them runs."""

from __future__ import annotations

from mfl_lint.core.observation import Node
from mfl_lint.core.rule import commented
from mfl_lint.rules._commands import Fix, merge, quoted, rebuild


def annotate_with(key: str, node: Node, parent: Node | None) -> Fix:
    """Return the line that writes an annotation: on an index as it is, on an image by a build."""
    if node.is_index:
        line, level = merge("{reference}", ["{reference}"]), "index"
    else:
        line, level = rebuild(parent, node)[0], "manifest"
    flag = f" --annotation {quoted(f'{level}:{key}=VALUE')} -t "
    return "# with its value in place of VALUE:", commented(line.replace(" -t ", flag, 1))
