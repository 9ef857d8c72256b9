from collections.abc import Callable

import msgspec

from mfl_lint.core.scan import Place
from mfl_lint.report.github import render_github
from mfl_lint.report.material import Material


def test_the_commands_are_the_golden_ones(
    material: Material, golden: Callable[[str, str], None]
) -> None:
    golden("scan.github.txt", render_github(material))


def test_colons_and_line_ends_stay_one_inert_line(material: Material) -> None:
    hostile = "v1::set-env name=x::y\r\n::error::%0A##[group]"
    finding = msgspec.structs.replace(
        material.scan.findings[0], reference=hostile, slug=hostile, message=hostile, fix=hostile
    )
    target = msgspec.structs.replace(
        material.scan.targets[1],
        canonical=hostile,
        undecided=(),
        places=(Place("a,line=1::error::\n", 4),),
    )
    scan = msgspec.structs.replace(
        material.scan, targets=(target,), findings=(finding,), problems=()
    )
    command, summary = render_github(msgspec.structs.replace(material, scan=scan)).splitlines()
    assert summary.startswith("mfl-lint: ")
    properties, _, message = command.removeprefix("::error ").partition("::")
    names = [pair.partition("=")[0] for pair in properties.split(",")]
    assert ["file", "line", "title"] == names
    assert properties.endswith("%3A%3Aerror%3A%3A%250A##\\[group]")
    assert message.startswith("v1::set-env name=x::y\\r%0A::error::%250A##\\[group]")
