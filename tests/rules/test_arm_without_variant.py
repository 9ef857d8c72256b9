from __future__ import annotations

import pytest

from mfl_lint.rules.arm_without_variant import arm_without_variant as rule
from tests.builders import image, index
from tests.rules.cases import judged, only, severities

FAILING = judged(rule, index(image("linux", "arm"), image("linux", "amd64")))
PASSING = judged(rule, index(image("linux", "arm", "v7"), image("linux", "arm64")))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("linux/arm", ["warning"]),
        ("linux/ARM", ["warning"]),
        ("linux/arm/v6", []),
        ("linux/armhf", []),
        ("linux/arm64", []),
        ("linux/amd64", []),
    ],
)
def test_arm_alone_says_too_little(said: str, expected: list[str]) -> None:
    built = index(image("linux", "arm", "v7"), annotate={0: {"platform": said}})
    assert expected == severities(judged(rule, built))


def test_it_fires_beside_entries_with_variants_too() -> None:
    built = index(image("linux", "arm"), image("linux", "arm", "v6"), image("linux", "arm", "v7"))
    assert 0 == only(judged(rule, built)).position


def test_the_fix_takes_the_variant_from_the_config() -> None:
    built = index(image("linux", "arm", "v6"), annotate={0: {"platform": "linux/arm"}})
    finding = only(judged(rule, built))
    assert "the config says v6" in finding.message
    assert "--arch arm --variant v6" in finding.fix
