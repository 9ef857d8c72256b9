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
