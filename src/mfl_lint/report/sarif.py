"""A scan as SARIF 2.1.0, for code scanning and whatever else reads it.

Source: OASIS SARIF 2.1.0: 3.11 (messages), 3.19 (toolComponent), 3.20 (invocation), 3.27
(result), 3.28 (location). GitHub takes 25,000 results a run at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import quote

from mfl_lint import __version__
from mfl_lint.core.mendable import ways_of
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding, Rule
from mfl_lint.core.scan import Place
from mfl_lint.report.json_v1 import to_json
from mfl_lint.report.material import (
    Material,
    Unseen,
    lines,
    places_by_reference,
    unseen,
    worst_first,
)

MAX_RESULTS: Final = 25_000
MAX_NOTIFICATIONS: Final = 1_000
_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_RELATED: Final = 100
# Brackets would become links (3.11.6), numbers in braces are places for arguments (3.11.5).
_LINK: Final = re.compile(r"[\[\]\\]")
_PLACEHOLDER: Final = re.compile(r"\{([0-9]+)\}")


def render_sarif(material: Material) -> str:
    """Return the log as JSON text in ASCII. The worst findings stay where there are too many."""
    run = {
        "tool": {"driver": _driver(material.rules)},
        "invocations": [_invocation(material)],
        "columnKind": "unicodeCodePoints",
        "results": list(_results(material)),
    }
    return to_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver(rules: Sequence[Rule]) -> dict[str, Any]:
    return {
        "name": "mfl-lint",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": list(map(_rule, rules)),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    what = " ".join(rule.what.split())
    sections = {name: " ".join(body.split()) for name, body in rule.sections.items()}
    return {
        "id": rule.id,
        "name": rule.slug,
        "shortDescription": _message(f"{what.partition('. ')[0].rstrip('.')}."),
        "fullDescription": _message(what),
        "help": {
            **_message("\n\n".join(f"{name}: {body}" for name, body in sections.items())),
            "markdown": "\n\n".join(f"**{name}:** {body}" for name, body in sections.items()),
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": ["container-image", str(rule.scope)]},
    }


def _results(material: Material) -> Iterator[dict[str, Any]]:
    indexes = {rule.id: index for index, rule in enumerate(material.rules)}
    places = places_by_reference(material.scan)
    for finding in islice(worst_first(material.scan.findings), MAX_RESULTS):
        result = _result(finding, places.get(finding.reference, ()))
        if finding.rule in indexes:
            result["ruleIndex"] = indexes[finding.rule]
        yield result


def _result(finding: Finding, places: Sequence[Place]) -> dict[str, Any]:
    fix = f"\n\nFix:\n{ways}" if (ways := ways_of(finding)) else ""
    logical = {
        "name": lines(finding.platform or finding.tag or finding.repository),
        "fullyQualifiedName": lines(_qualified(finding)),
        "kind": "resource",
    }
    first: dict[str, Any] = {"logicalLocations": [logical]}
    if places:
        first["physicalLocation"] = _physical(places[0])
    related = [{"physicalLocation": _physical(place)} for place in places[1 : 1 + _RELATED]]
    return {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": _message(f"{finding.reference}: {finding.message}{fix}"),
        "locations": [first],
        **({"relatedLocations": related} if related else {}),
        "partialFingerprints": {"mflLintFinding/v1": finding.fingerprint},
        "properties": {
            "reference": lines(finding.reference),
            "digest": finding.digest,
            "platform": lines(finding.platform),
        },
    }


def _qualified(finding: Finding) -> str:
    return f"{finding.reference} {finding.platform}" if finding.platform else finding.reference


def _physical(place: Place) -> dict[str, Any]:
    path = PurePosixPath(place.path.replace("\\", "/"))
    uri = quote(str(path), errors="surrogatepass")
    where = {"uri": f"file://{uri}"} if path.is_absolute() else _relative(uri)
    return {"artifactLocation": where, "region": {"startLine": max(place.line, 1)}}


def _relative(uri: str) -> dict[str, str]:
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _invocation(material: Material) -> dict[str, Any]:
    scan = material.scan
    started_at = scan.started_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    missed = list(unseen(scan))
    told = [_notification(item) for item in missed[:MAX_NOTIFICATIONS]]
    if len(missed) > MAX_NOTIFICATIONS:
        more = f"{len(missed) - MAX_NOTIFICATIONS} more could not be looked at or decided"
        told.append({"level": "error", "message": _message(more)})
    left_out = len(scan.findings) - MAX_RESULTS
    if left_out > 0:
        told.append({"level": "warning", "message": _message(_too_many(left_out))})
    told += [{"level": "note", "message": _message(note)} for note in scan.notes]
    return {
        "executionSuccessful": not missed,
        "exitCode": material.exit_code,
        "startTimeUtc": started_at,
        "toolExecutionNotifications": told,
    }


def _too_many(left_out: int) -> str:
    return f"{left_out} findings were left out: a run holds {MAX_RESULTS} results at most"


def _notification(item: Unseen) -> dict[str, Any]:
    notification: dict[str, Any] = {"level": "error", "message": _message(str(item))}
    if item.rule:
        notification["associatedRule"] = {"id": item.rule}
    if item.places:
        notification["locations"] = [{"physicalLocation": _physical(item.places[0])}]
    return notification


def _message(text: str) -> dict[str, str]:
    """Return a message in which nothing becomes a link or a place for an argument."""
    escaped = _LINK.sub(lambda found: f"\\{found[0]}", lines(text))
    return {"text": _PLACEHOLDER.sub(r"{{\1}}", escaped)}
