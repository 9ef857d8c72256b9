"""The parts of SARIF 2.1.0 that we write, as a JSON schema in our own words.

Made from the clauses of the standard that stand beside each part: which properties there are,
which are required, and of what type. Whatever else stands in a log is refused, so that a misspelt
property is found. It is not the schema that OASIS publishes.
"""

from __future__ import annotations

from typing import Any, Final

TEXT: Final = {"type": "string", "minLength": 1}
COUNT: Final = {"type": "integer", "minimum": 0}
BAG: Final = {
    "type": "object",
    "properties": {
        "tags": {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
    },
}
LEVEL: Final = {"enum": ["none", "note", "warning", "error"]}


def thing(required: str, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has no other properties."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


def many(item: Any, at_least: int = 0) -> dict[str, Any]:
    """Return the schema of an array."""
    return {"type": "array", "items": item, "minItems": at_least}


# 3.11 message, 3.12 multiformatMessageString (a text wherever there is another form of it)
MESSAGE: Final = thing("text", text=TEXT, markdown=TEXT)
# 3.4 artifactLocation, 3.29 physicalLocation, 3.30 region (lines count from 1)
ARTIFACT: Final = thing("uri", uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT)
REGION: Final = thing("startLine", startLine={"type": "integer", "minimum": 1})
PHYSICAL: Final = thing("artifactLocation", artifactLocation=ARTIFACT, region=REGION)
# 3.33 logicalLocation
LOGICAL: Final = thing("", name=TEXT, fullyQualifiedName=TEXT, kind=TEXT)
# 3.28 location
LOCATION: Final = thing("", physicalLocation=PHYSICAL, logicalLocations=many(LOGICAL))
# 3.49 reportingDescriptor, 3.50 reportingConfiguration
RULE: Final = thing(
    "id",
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=thing("", level=LEVEL),
    properties=BAG,
)
# 3.19 toolComponent
DRIVER: Final = thing(
    "name", name=TEXT, version=TEXT, semanticVersion=TEXT, rules={**many(RULE), "uniqueItems": True}
)
# 3.27 result
RESULT: Final = thing(
    "message",
    ruleId=TEXT,
    ruleIndex=COUNT,
    level=LEVEL,
    message=MESSAGE,
    locations=many(LOCATION),
    relatedLocations=many(LOCATION, 1),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    properties=BAG,
)
# 3.58 notification, 3.52 reportingDescriptorReference
NOTIFICATION: Final = thing(
    "message",
    level=LEVEL,
    message=MESSAGE,
    associatedRule=thing("id", id=TEXT),
    locations=many(LOCATION),
)
# 3.20 invocation (3.9: times in UTC, with a Z)
INVOCATION: Final = thing(
    "executionSuccessful",
    executionSuccessful={"type": "boolean"},
    exitCode={"type": "integer"},
    startTimeUtc={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
    toolExecutionNotifications=many(NOTIFICATION),
)
# 3.14 run, 3.18 tool
RUN: Final = thing(
    "tool",
    tool=thing("driver", driver=DRIVER),
    invocations=many(INVOCATION),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=many(RESULT),
)
# 3.13 sarifLog
LOG: Final = {
    **thing("version runs", version={"const": "2.1.0"}, runs=many(RUN)),
    "$schema": "http://json-schema.org/draft-07/schema#",
}
LOG["properties"]["$schema"] = {"type": "string", "format": "uri"}
