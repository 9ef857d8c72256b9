from __future__ import annotations

import pytest

from mfl_lint.core.rule import Judgement, Siblings
from mfl_lint.rules.platform_in_namespace import platform_in_namespace as rule
from tests.rules.cases import judged_name, only, severities, summary

FAILING = judged_name(
    rule, "ppc64le/app", Siblings(repositories=("amd64/app", "ppc64le/app", "team/app"))
)
PASSING = judged_name(rule, "team/app", Siblings(repositories=("amd64/app", "team/app")))


def listed(name: str, *others: str) -> Judgement:
    return judged_name(rule, name, Siblings(repositories=(name, *others)))


def test_a_namespace_with_siblings_is_certain() -> None:
    finding = only(FAILING)
    assert "warning" == finding.severity
    assert "ppc64le in the namespace names a platform, like amd64/app" == finding.message


@pytest.mark.parametrize("name", ["ppc64le/x", "arm64v8/app", "org/arm64/app", "team-s390x/app"])
def test_a_lone_namespace_is_possible_and_says_so(name: str) -> None:
    assert only(listed(name)).message.startswith("possible: ")
    assert only(judged_name(rule, name)).message.endswith("were not looked at")


@pytest.mark.parametrize(
    "name", ["alarm/app", "charm/x", "arm-software/app", "my-arm-lab/app", "team/app-arm64"]
)
def test_other_namespaces_stay_silent(name: str) -> None:
    assert [] == severities(listed(name, "team/app"))


def test_docker_hub_keeps_the_grouping_index_under_library() -> None:
    others = {"library/nginx": (summary("latest", "linux/amd64", "linux/arm64/v8"),)}
    siblings = Siblings(repositories=("arm64v8/nginx", "library/nginx"), others=others)
    finding = only(judged_name(rule, "arm64v8/nginx", siblings, registry="docker.io"))
    assert "info" == finding.severity
    assert "library/nginx:latest is an index" in finding.message
