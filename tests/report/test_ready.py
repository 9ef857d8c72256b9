import json

from mfl_lint.core.readiness import Answer, Readiness
from mfl_lint.core.scan import Place, Unresolved
from mfl_lint.report.ready import overall, render_ready, render_ready_json

YES = Readiness("app:v1", "linux/arm64", Answer.YES, "all there", (), (Place("c.yaml", 3),))
NO = Readiness("app:v1", "linux/s390x", Answer.NO, "docker finds none")
LOST = Unresolved("app:${TAG}", "c.yaml", 5, "TAG is not set")


def test_each_check_is_a_line() -> None:
    assert (
        "ready: app:v1 linux/arm64 (in c.yaml:3): all there\n"
        "not ready: app:v1 linux/s390x: docker finds none\n"
        "unknown: c.yaml:5: 'app:${TAG}': TAG is not set\n"
    ) == render_ready((YES, NO), (LOST,))


def test_hostile_text_stays_in_its_line() -> None:
    check = Readiness("a", "linux/arm64", Answer.UNKNOWN, "x\x1b[31m\n::error::y")
    assert 1 == render_ready((check,), ()).count("\n")
    assert "\x1b" not in render_ready((check,), ())


def test_json_has_null_for_unknown() -> None:
    shown = json.loads(render_ready_json((YES,), (LOST,)))
    assert (1, None, [True]) == (
        shown["version"],
        shown["ready"],
        [check["ready"] for check in shown["checks"]],
    )
    assert [{"path": "c.yaml", "line": 3}] == shown["checks"][0]["places"]
    assert "app:${TAG}" == shown["unresolved"][0]["text"]


def test_what_is_not_resolved_is_unknown_and_no_is_worse() -> None:
    assert Answer.UNKNOWN is overall((YES,), (LOST,))
    assert Answer.NO is overall((YES, NO), (LOST,))
