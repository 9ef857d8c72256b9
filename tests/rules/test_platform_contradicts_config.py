from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.platform_contradicts_config import platform_contradicts_config as rule
from tests.builders import attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome, severities
from tests.rules.shell import grouped

AMD64 = image("linux", "amd64")
FAILING = judged(rule, index(AMD64, annotate={0: {"platform": "linux/arm64"}}))
PASSING = judged(rule, index(AMD64, image("linux", "arm64")))


def test_the_message_names_both_platforms() -> None:
    finding = only(FAILING)
    assert "index says linux/arm64, the config says linux/amd64" in finding.message
    assert ("error", "linux/arm64", 0) == (finding.severity, finding.platform, finding.position)
    assert AMD64.digest == finding.digest


def test_the_fix_names_both_ways_out_and_runs_only_the_first() -> None:
    target = "test/team/app:latest"
    assert [
        "# if the image itself is right, correct the list:",
        grouped(target, f"test/team/app@{AMD64.digest}"),
        "# or, if it was built for the wrong platform, build it again:",
        f"#   docker buildx build --platform linux/arm64 -t {target} --push .",
    ] == only(FAILING).fix.split("\n")


def test_the_list_is_built_again_where_its_correction_would_have_a_platform_twice() -> None:
    target, other = "test/team/app:latest", image("linux", "amd64", name="other")
    built = index(AMD64, other, annotate={1: {"platform": "linux/arm64"}})
    assert [
        "# if it was built for the wrong platform, build it again:",
        f"docker buildx build --platform linux/amd64,linux/arm64 -t {target} --push .",
        "# or, to drop the entry:",
        f"#   {grouped(target, f'test/team/app@{AMD64.digest}')}",
    ] == only(judged(rule, built)).fix.split("\n")


def test_a_list_that_knows_the_variant_better_than_the_config_is_kept() -> None:
    built = index(image("linux", "arm"), annotate={0: {"platform": "linux/arm/v7"}})
    fix = "docker buildx build --platform linux/arm/v7 -t test/team/app:latest --push ."
    assert fix == only(judged(rule, built)).fix


def test_swapped_platforms_are_swapped_back() -> None:
    changes = {0: {"platform": "linux/arm64"}, 1: {"platform": "linux/amd64"}}
    judgement = judged(rule, index(AMD64, image("linux", "arm64"), annotate=changes))
    for finding in judgement.findings:
        assert finding.fix.startswith("# if the image itself is right, correct the list:")


@pytest.mark.parametrize(
    ("entry", "config", "expected"),
    [
        ("linux/arm64", "linux/arm64/v8", []),
        ("linux/arm64/v8", "linux/arm64", []),
        ("linux/aarch64", "linux/arm64", []),
        ("linux/amd64/v1", "linux/amd64", []),
        ("linux/arm/v7", "linux/arm/v7", []),
        ("linux/armhf", "linux/arm/v7", []),
        ("Linux/AMD64", "linux/amd64", []),
        ("linux/arm", "linux/arm/v6", []),
        ("linux/arm/v6", "linux/arm/v7", ["warning"]),
        ("linux/amd64", "linux/amd64/v3", ["warning"]),
        ("linux/arm64", "linux/arm64/v9", ["warning"]),
        ("linux/arm/v6", "linux/arm", ["info"]),
        ("linux/arm/v7", "linux/arm", ["info"]),
        ("linux/armhf", "linux/arm", []),
        ("linux/arm", "linux/arm", []),
        ("linux/amd64/v3", "linux/amd64", ["info"]),
        ("linux/amd64", "linux/amd64/v1", []),
        ("linux/arm64", "linux/arm/v7", ["error"]),
        ("windows/amd64", "linux/amd64", ["error"]),
        ("unknown/unknown", "linux/amd64", []),
    ],
)
def test_platforms_are_compared_in_their_normal_form(
    entry: str, config: str, expected: list[str]
) -> None:
    built = index(image(*config.split("/")), annotate={0: {"platform": entry}})
    assert expected == severities(judged(rule, built))


@pytest.mark.parametrize(
    ("said", "expected"),
    [("10.0.20348.2402", []), ("10.0.20348.1", []), ("10.0.17763.1", ["error"]), (None, [])],
)
def test_windows_builds_are_compared_by_their_third_part(
    said: str | None, expected: list[str]
) -> None:
    platform = {"os": "windows", "architecture": "amd64", "os.version": said}
    entry = {key: value for key, value in platform.items() if value}
    built = index(
        image("windows", "amd64", os_version="10.0.20348.2402"), annotate={0: {"platform": entry}}
    )
    assert expected == severities(judged(rule, built))


def test_an_entry_without_a_platform_contradicts_nothing() -> None:
    built = index(AMD64, annotate={0: {"platform": None}})
    assert Outcome.PASS == outcome(judged(rule, built))


def test_attestations_are_not_judged() -> None:
    assert Outcome.PASS == outcome(judged(rule, index(AMD64, attestation(AMD64))))


def test_a_config_that_was_denied_is_unknown_and_the_others_are_judged() -> None:
    hidden = image("linux", "arm64", name="hidden")
    built = index(AMD64, hidden, annotate={0: {"platform": "linux/s390x"}})
    judgement = judged(rule, built, looks={digest_of(hidden.config): DENIED})
    assert Outcome.UNKNOWN == outcome(judgement)
    assert ["error"] == severities(judgement)


def test_a_child_that_is_absent_contradicts_nothing() -> None:
    gone = image("linux", "arm64")
    judgement = judged(rule, index(AMD64, gone), looks={gone.digest: ABSENT})
    assert Outcome.PASS == outcome(judgement)


def test_a_lone_image_has_no_entry() -> None:
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, AMD64))
