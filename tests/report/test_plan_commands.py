"""Which tool can say which plan; that the words are right is tried with the tools themselves."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any, Final

import msgspec
import pytest

from mfl_lint.core.plan import Plan
from mfl_lint.core.reference import Reference
from mfl_lint.mend.grouping import group_plan
from mfl_lint.report.plan_commands import ways
from tests.builders import DOCKER, attestation, image, index
from tests.mend.test_grouping import base, judged, member, seed
from tests.mend.test_plan import planned

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
D_AMD64, D_ARM64 = (image("linux", arch, flavour=DOCKER) for arch in ("amd64", "arm64"))
MISSPELT: Final[dict[int, dict[str, Any]]] = {0: {"platform": "linux/x86_64"}}
BUILDX: Final = "docker buildx imagetools"
TOOLS: Final = ("mfl-lint manifest", "docker manifest", BUILDX, "regctl", "crane")
NONE: Final[dict[str, str]] = {}


def on_loopback(plan: Plan) -> Plan:
    """Return the plan as if its registry were on this machine."""
    here = "localhost:5000"
    parts = tuple(
        msgspec.structs.replace(part, source=msgspec.structs.replace(part.source, registry=here))
        for part in plan.parts
    )
    target = msgspec.structs.replace(plan.target, registry=here)
    return msgspec.structs.replace(plan, target=target, parts=parts)


PLANS: Final[dict[str, tuple[Plan, dict[str, str]]]] = {
    "a misspelt platform": (planned(index(AMD64, ARM64, annotate=MISSPELT)), NONE),
    "of docker's types": (
        planned(index(D_AMD64, D_ARM64, flavour=DOCKER, annotate=MISSPELT)),
        NONE,
    ),
    "with attestations": (
        planned(index(AMD64, ARM64, attestation(AMD64), annotate=MISSPELT)),
        {"docker manifest": "lose the list's attestations", "crane": "the list's attestations"},
    ),
    "with annotations": (
        planned(index(AMD64, ARM64, annotations={"a": "b'c"}, annotate=MISSPELT)),
        {"docker manifest": "lose the list's annotations", "crane": "the list's annotations"},
    ),
    "a level that no config says": (
        planned(index(AMD64, image("linux", "arm"), annotate={1: {"platform": "linux/arm"}})),
        {"crane": "it writes what the config of linux/arm/v7 says, no other"},
    ),
    "a pair that docker refuses": (
        planned(index(AMD64, image("linux", "loong64"), annotate=MISSPELT)),
        {"docker manifest": "it refuses linux/loong64"},
    ),
    "mixed media types": (
        planned(index(AMD64, D_ARM64, annotate=MISSPELT)),
        {"docker manifest": "it decides by the images"},
    ),
    "a wrong size": (
        planned(index(AMD64, ARM64, annotate={1: {"size": 1}})),
        {"mfl-lint manifest": "only `mfl-lint fix --push` writes sizes"},
    ),
    "the same image twice": (
        planned(index(AMD64, AMD64, ARM64)),
        {"mfl-lint manifest": "it drops every entry of a digest"},
    ),
    "names with platforms": (group_plan(base(), seed(DOCKER), judged), NONE),
    "an image in another repository, with an attestation": (
        group_plan(
            base(),
            [
                member("a/app-arm64", index(ARM64, attestation(ARM64))),
                member("a/app-amd64", AMD64),
            ],
            judged,
        ),
        dict.fromkeys(
            ("mfl-lint manifest", "docker manifest", BUILDX, "crane"),
            "lose the list's attestations",
        ),
    ),
}


@pytest.mark.parametrize("what", PLANS)
def test_a_tool_says_all_of_a_plan_or_why_it_cannot(what: str) -> None:
    plan, cannot = PLANS[what]
    assert plan.changes
    said = {way.tool: way for way in ways(plan)}
    assert TOOLS == tuple(said)
    for tool, way in said.items():
        assert (tool in cannot) == bool(way.why_not) != bool(way.lines), (tool, way)
        assert cannot.get(tool, "") in way.why_not


@pytest.mark.parametrize("what", PLANS)
def test_each_command_is_one_line_of_a_shell_that_names_all_there_will_be(what: str) -> None:
    plan, _ = PLANS[what]
    for way in ways(plan):
        for line in way.lines:
            subprocess.run(["/bin/sh", "-n"], input=line.encode(), check=True)
            programs = {step.split()[0] for step in line.split(" && ")}
            assert programs <= {"mfl-lint", "docker", "regctl", "crane"}
        for part in plan.parts if way.lines and not way.tool.startswith("mfl-lint") else ():
            assert str(part.entry.digest) in "".join(way.lines)


def test_plain_http_is_said_to_each_tool_in_its_own_words() -> None:
    plan = on_loopback(PLANS["names with platforms"][0])
    lines = {way.tool: "\n".join(way.lines) for way in ways(plan)}
    assert lines["docker manifest"].count("--insecure") == 3
    assert "crane --insecure index append" in lines["crane"]
    assert "regctl registry set --tls disabled localhost:5000" in lines["regctl"]


def test_what_stands_in_annotations_is_one_word_for_the_shell() -> None:
    plan, _ = PLANS["with annotations"]
    (line,) = next(way.lines for way in ways(plan) if way.tool == BUILDX)
    assert "index:a=b'c" in shlex.split(line)


def test_a_list_that_was_named_by_its_digest_needs_a_tag_first() -> None:
    plan = PLANS["a misspelt platform"][0]
    bare = msgspec.structs.replace(plan, target=Reference("test", "team/app"))
    assert {"there is no tag to be pushed: --to names one"} == {way.why_not for way in ways(bare)}
