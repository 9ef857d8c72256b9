import json
from collections.abc import Callable

from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.report.inspect import inspection, render_inspection, render_inspection_json
from mfl_lint.report.paper import Paper
from tests.builders import Built, attestation, image, index, observation

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
Golden = Callable[[str, str], None]


def _shown(built: Built, *findings: Finding) -> tuple[str, str]:
    seen = observation(built, registry="registry.example", tag="v1")
    value = inspection(seen, findings)
    return render_inspection(value, Paper()), render_inspection_json(value)


def test_the_table_and_the_json_are_the_golden_ones(golden: Golden) -> None:
    wrong = image("linux", "amd64", name="wrong")
    built = index(
        AMD64, wrong, index(ARM64), attestation(AMD64), annotate={1: {"platform": "linux/arm64"}}
    )
    finding = Finding(
        rule="MFL101",
        slug="platform-contradicts-config",
        severity=Severity.ERROR,
        registry="registry.example",
        repository="team/app",
        tag="v1",
        reference="registry.example/team/app:v1",
        digest=wrong.digest,
        platform="linux/arm64",
        position=1,
        subject="linux/arm64",
        message="the index says linux/arm64, the config says linux/amd64",
        fix="build it again",
        fingerprint="0" * 64,
    )
    text, raw = _shown(built, finding)
    golden("inspect.txt", text)
    golden("inspect.json", raw)


def test_an_image_without_a_list_is_one_row(golden: Golden) -> None:
    golden("inspect-image.txt", _shown(AMD64)[0])


def test_what_was_not_seen_is_said() -> None:
    look = Look(LookState.DENIED, "HEAD r: 401")
    shown = inspection(observation(None, look=look), ())
    assert "? denied: HEAD r: 401" in render_inspection(shown, Paper())


def test_times_that_are_none_have_no_age() -> None:
    for created, age in (("2026-03-01T12:00:00Z", 1), ("2030-01-01T00:00:00Z", 0), ("", None)):
        config = {"created": created or None}
        (entry,) = inspection(observation(image(config=config)), ()).entries
        assert age == entry.age_days


def test_hostile_annotations_are_inert_and_bounded() -> None:
    hostile = {f"{n}\x1b[2J": "\u202e::error::##[x]\n" + "y" * 5000 for n in range(100)}
    text, raw = _shown(index(AMD64, annotations=hostile))
    assert text.replace("\n", "").isprintable()
    assert "##[" not in text
    assert 50 == len(json.loads(raw)["annotations"])
    assert len(text) < 100_000
