import json

from mfl_lint.rules import discover
from tests.cli.conftest import Command


def test_every_rule_is_listed(command: Command) -> None:
    ran = command("rules")
    assert 0 == ran.code
    for rule in discover():
        assert rule.id in ran.out
        assert rule.slug in ran.out


def test_json_has_every_rule_with_its_documentation(command: Command) -> None:
    listed = json.loads(command("rules", "--json").out)
    assert [rule.id for rule in discover()] == [item["id"] for item in listed]
    assert all(item["what"] and item["why"] and item["fix"] and item["source"] for item in listed)
