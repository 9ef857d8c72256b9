"""Findings that were there before somebody began to look: known, so that only new ones count.

A finding is the same while its fingerprint is: pushes with the same fault do not make it new.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from mfl_lint.core.decoding import decode
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.observation import LookState
from mfl_lint.core.rule import Finding
from mfl_lint.core.scan import Scan

MAX_BYTES: Final = 64 * 1024 * 1024
_Fingerprint = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class KnownFinding(msgspec.Struct, frozen=True):
    """One finding of a baseline; all but the fingerprint is there for people."""

    reference: str
    rule: str
    message: str
    fingerprint: _Fingerprint


class Baseline(msgspec.Struct, frozen=True):
    """A baseline file."""

    version: Literal[1]
    findings: tuple[KnownFinding, ...]


def parse_baseline(raw: bytes) -> Baseline:
    """Return the baseline that the bytes hold; raise ConfigInvalid."""
    try:
        return decode(raw, Baseline)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        said = f"{error}"[:200]
        raise ConfigInvalid(f"this is no baseline, write it anew: {said}") from None


def baseline_of(scan: Scan) -> Baseline:
    """Return the scan's findings, in an order that does not depend on the registry's answers."""
    found = (
        KnownFinding(item.reference, item.rule, item.message, item.fingerprint)
        for item in scan.findings
    )
    order = sorted(found, key=lambda item: (item.reference, item.rule, item.fingerprint))
    return Baseline(1, tuple(order))


def was_seen(scan: Scan) -> bool:
    """Say whether every target was seen: what was not has findings that nobody knows of."""
    seen = all(target.state is LookState.VERIFIED for target in scan.targets)
    return seen and not scan.problems


def without_known(scan: Scan, baseline: Baseline) -> Scan:
    """Return the scan with the findings of the baseline apart, in `known`."""
    fingerprints = {item.fingerprint for item in baseline.findings}
    known: list[Finding] = []
    new: list[Finding] = []
    for finding in scan.findings:
        (known if finding.fingerprint in fingerprints else new).append(finding)
    return msgspec.structs.replace(scan, findings=tuple(new), known=tuple(known))


def mended(
    scan: Scan, baseline: Baseline, disabled: frozenset[str], ignored: frozenset[str]
) -> tuple[KnownFinding, ...]:
    """Return the findings of the baseline that are gone for certain.

    That is: their target was seen, their rule was run and decided, and did not find them. Of
    targets that nobody asked for nothing is known. `ignored` are the fingerprints of findings
    that are there and were left out.
    """
    there = {item.fingerprint for item in (*scan.findings, *scan.known)} | ignored
    open_rules = {
        target.canonical: frozenset(target.open_rules)
        for target in scan.targets
        if target.state is LookState.VERIFIED
    }
    return tuple(
        item
        for item in baseline.findings
        if item.fingerprint not in there
        and item.rule not in disabled
        and item.reference in open_rules
        and item.rule not in open_rules[item.reference]
    )
