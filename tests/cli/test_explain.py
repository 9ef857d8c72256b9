import pytest

from mfl_lint.core.rule import Rule
from mfl_lint.rules import discover
from tests.cli.conftest import Command


@pytest.mark.parametrize("name", ["MFL101", "mfl101", "platform-contradicts-config"])
def test_a_rule_is_found_by_id_and_slug(name: str, command: Command) -> None:
    ran = command("explain", name)
    assert 0 == ran.code
    assert ran.out.startswith("MFL101 platform-contradicts-config")


@pytest.mark.parametrize("rule", discover(), ids=lambda rule: rule.id)
def test_every_rule_is_explained_with_all_that_its_docstring_says(
    rule: Rule, command: Command
) -> None:
    out = command("explain", rule.id).out
    assert {"Why", "Fix", "Source"} <= set(out.splitlines())
    said = " ".join(out.split())
    for text in (rule.what, *rule.sections.values()):
        assert " ".join(text.split()) in said


def test_an_unknown_rule_gets_a_suggestion(command: Command) -> None:
    ran = command("explain", "danglin-digest")
    assert (2, "") == (ran.code, ran.out)
    assert 'did you mean "dangling-digest"?' in ran.err
    for name in ("xyz", "", "MFL9", "MFL999"):
        assert (
            f"there is no rule {name!r}; `mfl-lint rules` lists them"
            in command("explain", name).err
        )


def test_a_family_is_explained_rule_by_rule(command: Command) -> None:
    out = command("explain", "mfl3").out
    family = [rule for rule in discover() if rule.id.startswith("MFL3")]
    at = [out.index(f"{rule.id} {rule.slug}") for rule in family]
    assert sorted(at) == at
    assert "MFL401 " not in out
