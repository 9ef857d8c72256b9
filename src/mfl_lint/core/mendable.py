"""Which findings a plan may mend without a build, and the command that does. Pure."""

from __future__ import annotations

import re
from typing import Final

from mfl_lint.core.rule import Finding

PLATFORM: Final = frozenset({"MFL101", "MFL102", "MFL103", "MFL104", "MFL107"})
DESCRIPTOR: Final = frozenset({"MFL204", "MFL205"})
# Names are grouped for them.
NAMES: Final = frozenset({"MFL301", "MFL302", "MFL303"})
MENDABLE: Final = PLATFORM | DESCRIPTOR | NAMES | {"MFL105", "MFL109", "MFL112", "MFL201", "MFL213"}
# The image may be what is wrong, or another name the better one: only a plan can tell.
_DEPENDS: Final = NAMES | {"MFL101"}
# A list mends these only where the rule itself knows one: else the image is to be built again,
# nobody knows of a name beside it, or a list groups the names already.
_BY_FIX: Final = NAMES | DESCRIPTOR | {"MFL107", "MFL213"}
_MAKES_LIST: Final = re.compile(r"docker (?:manifest create|buildx imagetools create) ")
# It is copied into shells: nothing that these would read as more than a word.
_PLAIN: Final = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:/@+\[\]-]*")


def mend_command(rule: str, reference: str, fix: str) -> str:
    """Return what mends a finding of a list in a registry at once, "" where nothing may.

    `fix` is the finding's. Without `--push` where it depends (the plan says what can be mended, and
    why the rest cannot), and of a digest, which names no tag to push to. Of a repository's name
    every tag is planned for.
    """
    if rule not in MENDABLE or not _PLAIN.fullmatch(reference):
        return ""
    if rule in _BY_FIX and not _MAKES_LIST.search(fix):
        return ""
    last = reference.rpartition("/")[2]
    if not (":" in last or "@" in last):
        return f"mfl-lint fix {reference} --all-tags"
    pushes = rule not in _DEPENDS and ":" in last.partition("@")[0]
    return f"mfl-lint fix {reference}" + (" --push" if pushes else "")


def mend_of(finding: Finding) -> str:
    """Return our own command that mends a finding, "" where there is none."""
    if not finding.repository:
        return ""
    return mend_command(finding.rule, finding.reference, finding.fix)


def ways_of(finding: Finding) -> str:
    """Return the commands that mend a finding, our own before those of other tools."""
    mend = mend_of(finding)
    if mend and finding.fix:
        return f"{mend}\n# or with other tools:\n{finding.fix}"
    return mend or finding.fix
