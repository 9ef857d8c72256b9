import json
from collections.abc import Callable

from mfl_lint.core.difference import difference
from mfl_lint.core.observation import Look, LookState
from mfl_lint.report.diff import difference_v1, render_difference, render_difference_json
from mfl_lint.report.paper import Paper
from tests.builders import image, index, observation

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
HOSTILE = "\x1b[2J\u202e\r\n::set-env name=x::y ##[error]"


def test_the_report_is_the_golden_one(golden: Callable[[str, str], None]) -> None:
    other = image("linux", "amd64", name="other", config={"config": {"Env": ["PATH=/bin"]}})
    one = observation(index(AMD64, ARM64, annotations={"a": "1"}), tag="v1")
    two = observation(index(other, image("linux", "s390x")), tag="v2")
    shown = difference_v1(one, two, difference(one, two))
    golden("diff.txt", render_difference(shown, Paper()))
    golden("diff.json", render_difference_json(shown))


def test_what_was_not_seen_is_never_the_same() -> None:
    one = observation(index(AMD64))
    two = observation(None, look=Look(LookState.DENIED, "401"))
    shown = difference_v1(one, two, difference(one, two))
    assert (False, False) == (shown.same, shown.same_platforms)
    assert "? could not look: " in render_difference(shown, Paper())


def test_hostile_text_is_inert() -> None:
    one = observation(index(AMD64, annotations={HOSTILE: "1"}))
    two = observation(index(AMD64, annotations={"a": HOSTILE}))
    shown = difference_v1(one, two, difference(one, two))
    text = render_difference(shown, Paper())
    assert text.replace("\n", "").isprintable()
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert 3 == len(json.loads(render_difference_json(shown))["changes"])
