import csv
import io
import json
import random
import re
import unicodedata
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding, Outcome, RuleVerdict
from mfl_lint.core.scan import Place, Scan, ScannedPlatform, ScannedTarget
from mfl_lint.report.formats import FORMATS, render
from mfl_lint.report.material import Material
from tests.builders import LOOKED_AT
from tests.report.sarif_schema import mistakes

HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\x9b31m",
    "\u202eabc\u2066\u200f",
    "a\rb\r\nc\n",
    "\n::set-env name=PATH::/evil\n::error::x",
    "##[command]x ##vso[task.setvariable]",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1+cmd",
    "@SUM(1)",
    "\t=1",
    "</style></pre></title><script>alert(1)</script>",
    "\" onload='x' <img src=x onerror=y>",
    "]]></failure><!-- --> &amp; &#x0;",
    "`x`` ```\n```\n# heading | a | b \\|",
    "[a](javascript:x) ![b](//evil) @team <!-- {0} {1}",
    "{{ 7 * 7 }}{% raw %}",
    "\x00\x08\x7f\ufffe\uffff",
    "\ud800 \udfff",
    "\u2028\u2029\x85\x0b\x0c",
    "x" * 100_000,
)


def _scan(text: str) -> Material:
    """Return a scan of which every text that a registry or file may choose is `text`.

    In a fix it stands within a line: its line ends are escaped where the finding is made.
    """
    fix = "# first:\ntool " + text.replace("\n", "\\n")
    target = ScannedTarget(
        reference=text,
        digest=None,
        media_type=text,
        state=LookState.UNREACHABLE,
        detail=text,
        platforms=(ScannedPlatform(text, None, None, LookState.INVALID),),
        undecided=(RuleVerdict("MFL101", Outcome.UNKNOWN, text),),
        canonical=text,
        places=(Place(text, 3),),
    )
    finding = Finding(
        rule="MFL101",
        slug="platform-contradicts-config",
        severity=Severity.ERROR,
        registry=text,
        repository=text,
        tag=text,
        reference=text,
        digest=None,
        platform=text,
        position=0,
        subject=text,
        message=text,
        fix=fix,
        fingerprint="0" * 64,
    )
    elsewhere = msgspec.structs.replace(finding, reference=f"{text}/", severity=Severity.WARNING)
    scan = Scan(LOOKED_AT, (target,), (finding, elsewhere), (text,), (), (text,))
    return Material(scan)


class _Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(f"{tag} {' '.join(sorted(name for name, _ in attrs))}")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _structure(name: str, text: str) -> Any:
    """Return what a reader of the format sees besides the texts themselves."""
    if name in ("json", "sarif", "gitlab"):
        value = json.loads(text)
        if name != "json":
            assert all(_acts_not(item) for item in _texts(value))
        assert text.isascii()
        assert name != "sarif" or [] == mistakes(value)
        return len(value)
    if name == "junit":
        return [f"{x.tag} {sorted(x.attrib)}" for x in ElementTree.fromstring(text).iter()]
    if name == "html":
        return _Elements(text).seen
    if name == "csv":
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        lines = [line for row in rows for cell in row for line in cell.split("\n")]
        assert not any(line.lstrip(" ").startswith(("=", "+", "-", "@")) for line in lines)
        return [len(row) for row in rows]
    if name == "github":
        return [re.match("::[a-z]+ (file=)?|mfl-lint:", line)[0] for line in text.splitlines()]  # type: ignore[index]  # a line that is no command fails here
    if name == "markdown":
        return _markdown(text)
    return text.count("could not look: ")


def _markdown(text: str) -> list[int]:
    """Return how many cells each row has, after code spans and blocks were taken out."""
    rows, fence = [], ""
    for line in text.splitlines():
        run = re.match("`{3,}", line)
        if fence:
            fence = "" if line == fence else fence
        elif run and re.fullmatch("`{3,}sh", line):
            fence = run[0]
        else:
            bare = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", line)
            assert "`" not in bare
            assert not set("<[@{") & set(bare), bare
            rows.append(bare.count("|"))
    assert fence == ""
    return rows


def _acts_not(text: str) -> bool:
    return all(c in "\n " or unicodedata.category(c)[0] not in "CZ" for c in text)


def _check(name: str, hostile: str) -> None:
    """Render plain and hostile text: neither acts, and both have the same structure."""
    text = render(name, _scan(hostile))
    text.encode()
    allowed = text.replace("\r\n", "\n") if name == "csv" else text
    assert _acts_not(allowed), name
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::set-env") for line in text.splitlines())
    if name != "text":
        assert _structure(name, render(name, _scan("plain"))) == _structure(name, text), name


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: ascii(text[:20]))
@pytest.mark.parametrize("name", FORMATS)
def test_hostile_text_is_inert_in_every_format(name: str, hostile: str) -> None:
    _check(name, hostile)


@pytest.mark.parametrize("name", FORMATS)
def test_mixtures_of_hostile_text_are_inert_too(
    name: str, count: Callable[[int], int], seed: int
) -> None:
    chance = random.Random(seed)
    short = [text for text in HOSTILE if len(text) < 1000]
    number = count(2000)
    for _ in range(number):
        _check(name, "".join(chance.choices(short, k=chance.randint(1, 4))))
    print(f"{name}: {number} mixtures inert")


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=40, deadline=None)
@given(text=st.text(alphabet=st.characters(), min_size=1, max_size=60))
def test_any_text_is_inert_in_every_format(name: str, text: str) -> None:
    _check(name, text)


def test_the_formats_are_those_that_are_promised() -> None:
    named = "text json sarif junit github gitlab markdown csv html"
    assert named == " ".join(FORMATS)
