import csv
import io
from collections.abc import Callable

import msgspec
import pytest

from mfl_lint.core.mendable import ways_of
from mfl_lint.report.csv_table import COLUMNS, render_csv
from mfl_lint.report.material import Material


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_the_table_is_the_golden_one(
    material: Material, golden: Callable[[str, str], None]
) -> None:
    golden("scan.csv", render_csv(material))


def test_a_parser_reads_what_was_written(material: Material) -> None:
    text = render_csv(material)
    read = rows(text)
    assert list(COLUMNS) == list(read[0])
    assert 4 + 5 == len(read)
    assert ways_of(material.scan.findings[0]) == read[0]["fix"]
    assert ("deploy/app.yaml", "12") == (read[0]["file"], read[0]["line"])
    assert ["unknown"] * 5 == [row["severity"] for row in read[4:]]
    assert text.endswith("\r\n")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t=", "\r=", "＝", " =", "a\n=", "\n@"])
def test_no_line_of_a_cell_is_a_formula(first: str, material: Material) -> None:
    finding = msgspec.structs.replace(material.scan.findings[0], message=f'{first}cmd|"/c calc"!A0')
    scan = msgspec.structs.replace(material.scan, findings=(finding,))
    read = rows(render_csv(msgspec.structs.replace(material, scan=scan)))[0]["message"]
    assert "cmd" in read
    for line in read.split("\n"):
        assert not line.lstrip(" \t\r").startswith(("=", "+", "-", "@", "＝"))
