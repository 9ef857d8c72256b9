from __future__ import annotations

import json
from collections.abc import Callable

from mfl_lint.report.paper import Paper
from mfl_lint.report.plan import render_plan, render_plans_json, summary
from mfl_lint.report.plan_v1 import plan_v1
from tests.builders import Built, attestation, image, index
from tests.mend.test_plan import planned

Golden = Callable[[str, str], None]
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
NEWER = image("linux", "amd64", name="newer", created="2026-03-02T12:00:00Z")
GONE = image("linux", "s390x")


def everything() -> Built:
    """Return a list with a fault of nearly every kind."""
    return index(
        AMD64,
        NEWER,
        ARM64,
        GONE,
        image("linux", "riscv64", manifest={"mediaType": None}),
        attestation(AMD64),
        annotate={0: {"platform": "linux/x86_64"}, 2: {"platform": None}},
    )


def test_a_plan_reads_as_the_golden_one(golden: Golden) -> None:
    shown = plan_v1(planned(everything(), gone=[GONE]))
    paper = Paper()
    render_plan(shown, paper)
    golden("plan.txt", f"{paper.text()}{summary([shown], pushed=False)}\n")


def test_the_json_holds_the_list_as_it_will_be_and_every_entry() -> None:
    plan = planned(everything(), gone=[GONE])
    said = json.loads(render_plans_json([plan_v1(plan)], ["a problem"]))
    assert (1, ["a problem"]) == (said["version"], said["problems"])
    (shown,) = said["plans"]
    assert plan.raw.decode() == shown["index"]
    statuses = [entry["status"] for entry in shown["entries"]]
    assert ["dropped", "kept", "changed", "dropped", "kept", "dropped"] == statuses
    assert [None, 0, 1, None, 2, None] == [entry["after"] for entry in shown["entries"]]
    assert ["MFL213"] == [left["rule"] for left in shown["left"]]


def test_what_a_registry_says_moves_no_cursor() -> None:
    evil = image("linux", "amd64", config={"architecture": "\x1b[2J\u202eamd64"})
    built = index(evil, ARM64, annotate={0: {"platform": "linux/\x1b[2J"}})
    shown = plan_v1(planned(built))
    paper = Paper()
    render_plan(shown, paper)
    assert "\x1b" not in paper.text()
    assert render_plans_json([shown], []).isascii()
