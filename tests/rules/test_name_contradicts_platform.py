from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.rule import Outcome, Siblings
from mfl_lint.rules.name_contradicts_platform import name_contradicts_platform as rule
from tests.builders import attestation, image, index
from tests.rules.cases import ABSENT, DENIED, judged, only, outcome, severities, summary

AMD64 = image("linux", "amd64")
ARM64 = image("linux", "arm64")
FAILING = judged(rule, AMD64, tag="v1-arm64")
PASSING = judged(rule, ARM64, tag="v1-arm64")


def test_the_message_names_both() -> None:
    finding = only(FAILING)
    assert "warning" == finding.severity
    assert "arm64 in the name says linux/arm64, the config says linux/amd64" == finding.message
    assert "buildx build --platform linux/arm64 -t test/team/app:v1-arm64" in finding.fix


@pytest.mark.parametrize(
    ("repository", "platform", "expected"),
    [
        ("team/app-arm64", "linux/amd64", ["warning"]),
        ("arm64v8/app", "linux/amd64", ["warning"]),
        ("arm64v8/app", "linux/arm64/v8", []),
        ("arm64v8/app", "linux/arm64", []),
        ("team/app-x86", "linux/amd64", []),
        ("team/app-x86", "linux/386", []),
        ("team/app-armhf", "linux/arm/v6", []),
        ("team/app-armhf", "linux/arm/v7", []),
        ("team/app-windows-amd64", "linux/amd64", ["warning"]),
        ("team/charm", "linux/amd64", []),
        ("team/alarm", "linux/amd64", []),
        ("team/go-arm-emulator", "linux/amd64", []),
        ("team/amd64-microcode-docs", "linux/arm64", []),
        ("team/aarch64-linux-gnu", "linux/amd64", []),
        ("team/cross-arm64", "linux/amd64", []),
        ("team/arm64-toolchain", "linux/amd64", []),
        ("team/qemu-arm64", "linux/amd64", []),
        ("team/binfmt-arm64", "linux/amd64", []),
        ("team/sdk-arm64", "linux/amd64", []),
        ("team/sysroot-arm64", "linux/amd64", []),
    ],
)
def test_a_repository_is_judged_by_its_words(
    repository: str, platform: str, expected: list[str]
) -> None:
    built = image(*platform.split("/"))
    assert expected == severities(judged(rule, built, repository=repository))


def test_it_is_an_error_where_the_sibling_tags_keep_their_words() -> None:
    tags = (summary("v1-arm64"), summary("v1-s390x", "linux/s390x", is_index=False))
    judgement = judged(rule, AMD64, None, Siblings(tags=tags), tag="v1-arm64")
    assert ["error"] == severities(judgement)


def test_it_is_a_warning_where_the_siblings_do_not_keep_theirs_either() -> None:
    tags = (summary("v1-arm64"), summary("v1-s390x", "linux/amd64", is_index=False))
    judgement = judged(rule, AMD64, None, Siblings(tags=tags), tag="v1-arm64")
    assert ["warning"] == severities(judgement)


def test_it_is_an_error_where_the_sibling_repositories_keep_their_words() -> None:
    others = {"team/app-s390x": (summary("latest", "linux/s390x", is_index=False),)}
    siblings = Siblings(others=others)
    judgement = judged(rule, AMD64, None, siblings, repository="team/app-arm64")
    assert ["error"] == severities(judgement)


def test_a_word_inside_a_name_counts_where_siblings_have_another_there() -> None:
    others = {"team/go-s390x-tool": (summary("latest", "linux/s390x", is_index=False),)}
    judgement = judged(rule, AMD64, None, Siblings(others=others), repository="team/go-arm-tool")
    assert ["error"] == severities(judgement)


def test_a_product_s_tag_is_judged_by_its_own_words() -> None:
    judgement = judged(rule, AMD64, repository="team/go-arm-emulator", tag="v1-arm64")
    assert only(judgement).message.startswith("arm64 in the name says linux/arm64")


def test_an_index_that_holds_the_platform_keeps_its_word() -> None:
    assert [] == severities(judged(rule, index(AMD64, ARM64), tag="v1-arm64"))
    built = index(AMD64, attestation(AMD64))
    assert ["warning"] == severities(judged(rule, built, tag="v1-arm64"))


def test_the_config_counts_not_what_the_index_says() -> None:
    built = index(AMD64, annotate={0: {"platform": "linux/arm64"}})
    assert ["warning"] == severities(judged(rule, built, tag="v1-arm64"))


def test_a_child_that_was_not_seen_may_keep_the_word_and_one_that_is_gone_does_not() -> None:
    built = index(AMD64, ARM64)
    told = [
        outcome(judged(rule, built, tag="v1-arm64", looks={ARM64.digest: look}))
        for look in (DENIED, ABSENT)
    ]
    assert [Outcome.UNKNOWN, Outcome.FAIL] == told
    inner = index(ARM64)
    nested = judged(rule, index(AMD64, inner), tag="v1-arm64", looks={inner.digest: DENIED})
    assert Outcome.UNKNOWN == outcome(nested)


def test_a_config_that_was_denied_is_unknown_only_where_the_name_has_words() -> None:
    looks = {digest_of(AMD64.config): DENIED}
    assert Outcome.UNKNOWN == outcome(judged(rule, AMD64, tag="v1-arm64", looks=looks))
    assert Outcome.PASS == outcome(judged(rule, AMD64, tag="v1", looks=looks))
