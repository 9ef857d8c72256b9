"""What the exit code says. It is a contract: scripts and CI jobs decide by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mfl_lint.core.policy import Severity
    from mfl_lint.core.scan import Scan

OK: Final = 0
FINDINGS: Final = 1
USAGE: Final = 2
COULD_NOT_LOOK: Final = 3
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
TERMINATED: Final = 143

THRESHOLDS: Final = ("error", "warning", "info", "never")


def reaches(severity: Severity, fail_on: str) -> bool:
    """Say whether a finding of that severity counts as a failure."""
    return fail_on != "never" and severity.rank <= THRESHOLDS.index(fail_on)


def exit_code(scan: Scan, fail_on: str) -> int:
    """Return the scan's exit code.

    A tag that is not there was not looked at as it was asked for: never 0.
    """
    if any(reaches(finding.severity, fail_on) for finding in scan.findings):
        return FINDINGS
    from mfl_lint.core.observation import LookState

    absent = any(target.state is LookState.ABSENT for target in scan.targets)
    return OK if scan.looked and not absent else COULD_NOT_LOOK
