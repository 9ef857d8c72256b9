"""The command that mends a finding: of what a plan may mend, and in a registry only."""

from __future__ import annotations

import pytest

from mfl_lint.core.mendable import mend_command


def test_what_a_plan_may_mend_has_a_command() -> None:
    assert "mfl-lint fix a.test/b:v1 --push" == mend_command("MFL105", "a.test/b:v1")


@pytest.mark.parametrize("rule", ["MFL101", "MFL301"])
def test_what_may_need_a_build_is_planned_first(rule: str) -> None:
    assert "mfl-lint fix a.test/b:v1" == mend_command(rule, "a.test/b:v1")


def test_what_needs_a_build_has_none() -> None:
    assert "" == mend_command("MFL401", "a.test/b:v1")


@pytest.mark.parametrize("reference", ["", "a.test/b:v1\nrm", "a.test/$(id):v1", "--push"])
def test_what_is_no_reference_has_none(reference: str) -> None:
    assert "" == mend_command("MFL101", reference)
