"""The command that mends a finding: of what a plan may mend, and in a registry only."""

from __future__ import annotations

import pytest

from mfl_lint.core.mendable import mend_command

GROUPED = "docker manifest create a.test/b:v1 a.test/b:v1-amd64 a.test/b:v1-arm64"
BUILT = "docker buildx build --platform linux/amd64 -t a.test/b:v1 --push ."


def test_what_a_plan_may_mend_has_a_command() -> None:
    assert "mfl-lint fix a.test/b:v1 --push" == mend_command("MFL105", "a.test/b:v1", "")


@pytest.mark.parametrize("rule", ["MFL101", "MFL303"])
def test_what_may_need_a_build_is_planned_first(rule: str) -> None:
    assert "mfl-lint fix a.test/b:v1" == mend_command(rule, "a.test/b:v1", GROUPED)


def test_what_needs_a_build_has_none() -> None:
    assert "" == mend_command("MFL401", "a.test/b:v1", GROUPED)
    for rule in ("MFL107", "MFL204", "MFL205", "MFL213"):
        assert "" == mend_command(rule, "a.test/b:v1", BUILT)
        assert "mfl-lint fix a.test/b:v1 --push" == mend_command(rule, "a.test/b:v1", GROUPED)


@pytest.mark.parametrize(
    "fix", ["# use a.test/b:v1 everywhere", "# if arm64 is a platform, push all"]
)
def test_a_name_that_no_list_can_be_made_of_has_none(fix: str) -> None:
    assert "" == mend_command("MFL303", "a.test/b:v1-arm64", fix)


@pytest.mark.parametrize("reference", ["a.test/b-arm64", "a.test:5000/c/b-arm64"])
def test_of_a_repository_s_name_every_tag_is_planned_for(reference: str) -> None:
    assert f"mfl-lint fix {reference} --all-tags" == mend_command("MFL301", reference, GROUPED)


def test_a_digest_names_no_tag_to_push_to() -> None:
    digest = "sha256:" + "a" * 64
    assert f"mfl-lint fix a.test/b@{digest}" == mend_command("MFL105", f"a.test/b@{digest}", "")
    named = f"a.test/b:v1@{digest}"
    assert f"mfl-lint fix {named} --push" == mend_command("MFL105", named, "")


@pytest.mark.parametrize("reference", ["", "a.test/b:v1\nrm", "a.test/$(id):v1", "--push"])
def test_what_is_no_reference_has_none(reference: str) -> None:
    assert "" == mend_command("MFL101", reference, "")
