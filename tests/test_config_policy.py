import pytest

from mfl_lint.config_file import parse_config
from mfl_lint.config_policy import named_rules, rule_names, severities_of
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.policy import Severity
from mfl_lint.rules import discover

KNOWN = rule_names()
IDS = tuple(rule.id for rule in discover())


def test_a_rule_is_named_by_id_by_slug_and_by_family_in_any_case() -> None:
    assert ("MFL101",) == named_rules(["mfl101", "platform-contradicts-config"], "k", KNOWN)
    assert tuple(x for x in IDS if x.startswith("MFL3")) == named_rules(["mfl3"], "k", KNOWN)
    assert set(IDS) == set(named_rules({x[:4] for x in IDS}, "k", KNOWN))


@pytest.mark.parametrize("name", ["", "MFL", "MFL9", "MFL10", "MFL1*", "1", "x" * 100_000])
def test_what_names_no_rule_is_refused(name: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"^k: there is no rule '") as caught:
        named_rules([name], "k", KNOWN)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("MFL1O1", "MFL1"), ("mfl30l", "MFL30"), ("danglin-digest", 'dangling-digest"?')],
)
def test_the_nearest_begins_alike(typed: str, meant: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        named_rules([typed], "k", KNOWN)
    assert f'did you mean "{meant}' in str(caught.value)


def test_the_severity_of_a_rule_goes_before_that_of_its_family() -> None:
    named = [("k", "MFL101", "info"), ("k", "MFL1", "warning")]
    found = severities_of(named, KNOWN)
    assert (Severity.INFO, Severity.WARNING) == (found["MFL101"], found["MFL102"])


def test_families_stand_in_files_too() -> None:
    policy = parse_config(
        '[policy]\ndisabled = ["MFL3"]\n[policy.severities]\nMFL2 = "info"\n'
        '[[policy.ignore]]\nrule = "mfl4"\nreason = "x"\n'
    ).policy
    assert {x for x in IDS if x.startswith("MFL3")} == policy.disabled
    assert {x for x in IDS if x.startswith("MFL2")} == set(policy.severities)
    assert ["MFL4*"] == [item.rule for item in policy.ignores]


def test_every_mistake_of_a_policy_is_told_with_its_key() -> None:
    text = """
    [policy]
    disabled = ["MFL101", "nonsense", "MFL10"]
    hosts = ["linux", "linux/amd64", "x"]
    immutable_tags = [""]
    [policy.severities]
    MFL101 = "bad"
    xyz = "error"
    [[policy.require]]
    platforms = ["linux/amd46", "linux/amd64", "windows/arm46"]
    tags = [""]
    [[policy.require]]
    repositories = ["*"]
    [[policy.require]]
    platforms = ["a"]
    [[policy.annotation]]
    keys = [""]
    [[policy.ignore]]
    rule = "nonsense"
    reason = " "
    """
    with pytest.raises(ConfigInvalid) as caught:
        parse_config(text)
    assert [
        "policy.annotation[0].keys",
        "policy.disabled",
        "policy.disabled",
        "policy.hosts",
        "policy.hosts",
        "policy.ignore[0].reason",
        "policy.ignore[0].rule",
        "policy.immutable_tags",
        "policy.require[0]",
        "policy.require[0].platforms",
        "policy.require[0].platforms",
        "policy.require[1]",
        "policy.require[2].platforms",
        "policy.severities.MFL101",
        "policy.severities.xyz",
    ] == sorted(line.partition(": ")[0] for line in caught.value.mistakes)
