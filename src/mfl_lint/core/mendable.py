"""Which findings a plan may mend without a build, and the command that does. Pure."""

from __future__ import annotations

import re
from typing import Final

from mfl_lint.core.rule import Finding

PLATFORM: Final = frozenset({"MFL101", "MFL102", "MFL103", "MFL104", "MFL107"})
DESCRIPTOR: Final = frozenset({"MFL204", "MFL205"})
# Names are grouped for them, too.
MENDABLE: Final = (
    PLATFORM
    | DESCRIPTOR
    | {"MFL105", "MFL109", "MFL112", "MFL201", "MFL213", "MFL301", "MFL302", "MFL303"}
)
# The image may be what is wrong, or there may be no other name: only a plan can tell.
_DEPENDS: Final = frozenset({"MFL101", "MFL301", "MFL302", "MFL303"})
# It is copied into shells: nothing that these would read as more than a word.
_PLAIN: Final = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:/@+\[\]-]*")


def mend_command(rule: str, reference: str) -> str:
    """Return what mends a finding of a list in a registry at once, "" where nothing may.

    Without `--push` where it depends: the plan says what can be mended, and why the rest cannot.
    """
    if rule not in MENDABLE or not _PLAIN.fullmatch(reference):
        return ""
    return f"mfl-lint fix {reference}" + ("" if rule in _DEPENDS else " --push")


def mend_of(finding: Finding) -> str:
    """Return our own command that mends a finding, "" where there is none."""
    return mend_command(finding.rule, finding.reference) if finding.repository else ""


def ways_of(finding: Finding) -> str:
    """Return the commands that mend a finding, our own before those of other tools."""
    mend = mend_of(finding)
    if mend and finding.fix:
        return f"{mend}\n# or with other tools:\n{finding.fix}"
    return mend or finding.fix
