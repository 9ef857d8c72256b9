from __future__ import annotations

import pytest

from mfl_lint.core.rule import Judgement, Siblings
from mfl_lint.rules.platform_in_repository_name import platform_in_repository_name as rule
from tests.rules.cases import judged_name, only, severities, summary
from tests.rules.shell import grouped

APPS = ("team/app-amd64", "team/app-ppc64le", "team/charm", "team/other")
FAILING = judged_name(rule, "team/app-ppc64le", Siblings(repositories=APPS))
PASSING = judged_name(rule, "team/charm", Siblings(repositories=APPS))


def listed(name: str, *others: str) -> Judgement:
    return judged_name(rule, name, Siblings(repositories=(name, *others)))


def test_a_name_with_siblings_is_certain() -> None:
    finding = only(FAILING)
    assert ("warning", "", "team/app-ppc64le") == (
        finding.severity,
        finding.tag,
        finding.repository,
    )
    assert "ppc64le in the repository's name names a platform, like team/app-amd64" == (
        finding.message
    )
    parts = ("test/team/app-ppc64le:TAG", "test/team/app-amd64:TAG")
    assert [
        "# for each tag that they share, with it in place of TAG:",
        f"#   {grouped('test/team/app:TAG', *parts)}",
    ] == finding.fix.split("\n")


@pytest.mark.parametrize(
    "name",
    ["app-ppc64le", "app_arm64", "arm32v7-app", "mycool-app-x86", "a/b/app.s390x", "arm64"],
)
def test_a_lone_name_is_possible_and_says_so(name: str) -> None:
    assert "no other name differs" in only(listed(name)).message
    unseen = only(judged_name(rule, name))
    assert unseen.message.startswith("possible: ")
    assert unseen.message.endswith("were not looked at")
    for finding in (unseen, only(listed(name))):
        assert "docker" not in finding.fix
        assert finding.fix.startswith("# if ")


def test_names_that_are_platforms_only_need_a_new_one() -> None:
    fix = only(listed("arm64", "amd64")).fix
    assert "docker manifest create test/NAME:TAG test/arm64:TAG test/amd64:TAG" in fix


@pytest.mark.parametrize(
    "name",
    ["charm", "alarm", "team/farm64", "amd64-microcode-docs", "go-arm-emulator", "app", "x"],
)
def test_products_stay_silent(name: str) -> None:
    assert [] == severities(listed(name, "other", "docs"))


def test_a_product_whose_words_do_not_differ_by_platform_stays_silent_beside_others() -> None:
    assert [] == severities(listed("amd64-microcode-docs", "amd64-firmware-docs", "kernel-docs"))


def test_a_name_without_the_word_beside_it_makes_it_certain() -> None:
    finding = only(listed("team/app-arm64", "team/app"))
    assert "beside team/app" in finding.message
    assert " test/team/app:TAG test/team/app:TAG test/team/app-arm64:TAG " in finding.fix


def test_a_namespace_is_the_matter_of_another_rule() -> None:
    assert [] == severities(listed("ppc64le/app"))


def test_it_is_information_where_an_index_groups_the_names() -> None:
    others = {"team/app": (summary("v1", "linux/amd64", "linux/ppc64le"),)}
    siblings = Siblings(repositories=(*APPS, "team/app"), others=others)
    finding = only(judged_name(rule, "team/app-ppc64le", siblings))
    assert "info" == finding.severity
    assert "team/app:v1 is an index" in finding.message


@pytest.mark.parametrize("platforms", [("linux/amd64", "linux/arm64"), ()])
def test_an_index_without_the_platform_groups_nothing(platforms: tuple[str, ...]) -> None:
    others = {"team/app": (summary("v1", *platforms),)}
    siblings = Siblings(repositories=(*APPS, "team/app"), others=others)
    assert ["warning"] == severities(judged_name(rule, "team/app-ppc64le", siblings))


def test_a_lone_image_groups_nothing() -> None:
    others = {"team/app": (summary("v1", "linux/ppc64le", is_index=False),)}
    siblings = Siblings(repositories=(*APPS, "team/app"), others=others)
    assert ["warning"] == severities(judged_name(rule, "team/app-ppc64le", siblings))
