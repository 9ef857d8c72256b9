from __future__ import annotations

import pytest

from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.platform_not_canonical import platform_not_canonical as rule
from tests.builders import attestation, image, index
from tests.rules.cases import judged, only, outcome, severities
from tests.rules.shell import grouped

AMD64 = image("linux", "amd64")
FAILING = judged(rule, index(AMD64, annotate={0: {"platform": "linux/x86_64"}}))
PASSING = judged(rule, index(AMD64))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("linux/x86_64", ["warning"]),
        ("linux/aarch64", ["warning"]),
        ("linux/armhf", ["warning"]),
        ("linux/armel", ["warning"]),
        ("linux/i386", ["warning"]),
        ("Linux/amd64", ["warning"]),
        ("linux/AMD64", ["warning"]),
        ("linux/arm/7", ["warning"]),
        ("linux/arm/V7", ["warning"]),
        ("linux/arm/armv7", ["error"]),
        ("linux/amd64/v8", ["error"]),
        ("linux/arm64v8", ["error"]),
        ("linux/ppc64el", ["error"]),
        ("linux/arm64", []),
        ("linux/arm64/v8", []),
        ("linux/amd64/v1", []),
        ("linux/amd64/v3", []),
        ("linux/arm/v5", []),
        ("linux/ppc64le/power9", []),
        ("linux/loong64", []),
        ("linux/sparc64", []),
        ("windows/amd64", []),
        ("freebsd/amd64", []),
        ("wasi/wasm", []),
        ("wasip1/wasm", []),
        ("darwin/x86_64", []),
        ("macos/aarch64", []),
        ("unknown/unknown", []),
    ],
)
def test_only_spellings_that_engines_compare_are_canonical(said: str, expected: list[str]) -> None:
    built = index(AMD64, annotate={0: {"platform": said}})
    assert expected == severities(judged(rule, built))


def test_the_policy_may_know_more_spellings() -> None:
    built = index(AMD64, annotate={0: {"platform": "linux/mine"}})
    policy = Policy(known_platforms=(Platform("linux", "mine"),))
    assert ["error"] == severities(judged(rule, built))
    assert [] == severities(judged(rule, built, policy))


def test_the_fix_writes_what_is_meant() -> None:
    built = index(AMD64, annotate={0: {"platform": "linux/arm/armv7"}})
    finding = only(judged(rule, built))
    assert "linux/arm/v7 is meant" in finding.message
    assert "docker manifest annotate --os linux --arch arm --variant v7 " in finding.fix


def test_a_variant_that_docker_cannot_take_away_is_built_anew() -> None:
    built = index(AMD64, annotate={0: {"platform": "linux/amd64/v8"}})
    fix = "docker buildx build --platform linux/amd64 -t test/team/app:latest --push ."
    assert fix == only(judged(rule, built)).fix


def test_what_a_registry_says_is_quoted_in_the_fix() -> None:
    evil = {"os": "linux", "architecture": "$(reboot)\n;"}
    built = index(AMD64, annotate={0: {"platform": evil}})
    finding = only(judged(rule, built))
    assert "'linux/$(reboot)\\n;'" in finding.fix
    assert "\n" not in finding.message + finding.fix + finding.platform + finding.subject


def test_a_list_too_long_to_be_named_whole_is_no_command() -> None:
    first = image("linux", "arm64")
    many = (image("windows", "amd64", os_version=f"10.0.{number}.1") for number in range(32))
    built = index(first, *many, annotate={0: {"platform": "linux/aarch64"}})
    hint, command = only(judged(rule, built)).fix.split("\n")
    assert "# name each image by its digest in place of DIGEST:" == hint
    name, target = f"test/team/app@{first.digest}", "test/team/app:latest"
    step = f" && docker manifest annotate --os linux --arch arm64 {target} {name}"
    assert f"#   {grouped(target, name, 'test/team/app@DIGEST', annotate=step)}" == command


def test_attestations_are_not_judged() -> None:
    assert Outcome.PASS == outcome(judged(rule, index(AMD64, attestation(AMD64))))
