from mfl_lint.report.paper import Paper
from mfl_lint.report.rules import render_rule, render_rules, rule_v1
from mfl_lint.rules import discover


def test_the_list_has_each_rule_with_its_first_sentence() -> None:
    rules = discover()
    text = " ".join(render_rules(rules, Paper(400)).split())
    for rule in rules:
        assert rule.id in text
        assert rule_v1(rule).what.split("\n")[0].split(". ")[0].rstrip(".") in text
    assert f"{len(rules)} rules." in text


def test_a_rules_sections_are_all_there() -> None:
    rule = discover()[0]
    text = " ".join(render_rule(rule, Paper(80)).split())
    for body in (rule.what, *rule.sections.values()):
        assert " ".join(body.split()) in text
