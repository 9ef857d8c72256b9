"""What holds for every rule: its documentation, its names, its tests, and that none crashes."""

from __future__ import annotations

import inspect
import json
import random
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest

from mfl_lint import rules as package
from mfl_lint.core.errors import MflLintError
from mfl_lint.core.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from mfl_lint.core.observation import Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Ignore, Policy, Requirement, Severity
from mfl_lint.core.rule import Judgement, Outcome, Rule, Scope, Siblings
from mfl_lint.lint import judge
from mfl_lint.rules import discover, judged_hash
from tests.builders import Built, attestation, document, image, index, observation
from tests.rules.cases import outcome
from tests.rules.shell import pasted

RULES: Final = discover()
ROOT: Final = Path(__file__).parents[2]
CORPUS: Final = ROOT / "tests" / "corpus"
TYPES: Final = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST, "application/json", "")
DEMANDING: Final = Policy(
    requirements=(Requirement((Platform("linux", "arm64"), Platform("linux", "s390x"))),),
    windows_builds=("10.0.20348", "nonsense"),
)

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def crashes(judgement: Judgement) -> list[str]:
    return [
        f"{verdict.rule}: {verdict.detail}"
        for verdict in judgement.verdicts
        if verdict.outcome is Outcome.CRASHED
    ]


# The catalogue: ids are permanent. Severities are those that findings of the rule may have.
CATALOGUE: Final = """
MFL101 platform-contradicts-config       error warning info  index configs
MFL102 platform-missing                  error warning       index configs
MFL103 platform-not-canonical            error warning       index
MFL104 arm-without-variant               warning             index
MFL105 duplicate-platform                error warning       index
MFL106 no-baseline-variant               error               index
MFL107 windows-without-os-version        error warning       index
MFL108 unknown-platform                  warning             index children
MFL109 orphan-attestation                warning             index
MFL110 engines-disagree                  warning info        index
MFL111 config-platform-missing           error               configs
MFL112 shadowed-entry                    info                index
MFL201 dangling-digest                   error warning info  children
MFL202 dangling-blob                     error               blobs
MFL203 digest-mismatch                   error               bytes
MFL204 size-mismatch                     error               bytes
MFL205 media-type-mismatch               error info          bytes
MFL206 ambiguous-document                error               bytes
MFL207 invalid-document                  error               bytes
MFL208 mixed-media-types                 error warning       children
MFL209 nested-index                      warning             index
MFL210 schema1-manifest                  error               bytes
MFL211 empty-index                       error               index
MFL212 foreign-layer                     info                children
MFL213 media-type-absent                 info                bytes
MFL214 layers-contradict-config          error               children configs
MFL301 platform-in-repository-name       warning info        siblings
MFL302 platform-in-namespace             warning info        siblings
MFL303 platform-in-tag                   warning info        siblings
MFL304 name-contradicts-platform         error warning       configs siblings
MFL305 platform-tag-is-index             warning             index
MFL401 missing-platform                  error               index
MFL402 not-multi-platform                warning             siblings
MFL403 siblings-differ                   warning             siblings
MFL404 required-annotation-missing       warning             index children
MFL405 malformed-annotation              warning             index children
MFL501 platform-lost                     error info          history
MFL502 stale-platform                    warning             configs
MFL503 immutable-tag-moved               warning             history
MFL504 tag-vanished                      info                history
MFL601 binary-contradicts-platform       error warning info  children configs layers
MFL602 layers-shared-across-architectures  error info        children layers
MFL603 size-outlier                      info                children
MFL604 configs-differ                    warning             configs
MFL605 loader-missing                    error               children configs layers
"""
_LEVEL: Final = re.compile(r"\bSeverity\.(ERROR|WARNING|INFO)\b")


def _as_written(rule: Rule) -> str:
    """Return a rule's line of the catalogue, its severities as its module names them."""
    source = inspect.getsource(import_module(f"mfl_lint.rules.{rule.slug.replace('-', '_')}"))
    named = {found.lower() for found in _LEVEL.findall(source)}
    named |= _ELSEWHERE.get(rule.id, set())
    levels = [level.value for level in Severity if level.value in named]
    return " ".join((rule.id, rule.slug, *levels, *(need.value for need in rule.needs)))


# Severities that a rule leaves to a module which it shares with another.
_ELSEWHERE: Final = {"MFL101": {"warning"}, "MFL301": {"info"}, "MFL302": {"info"}}


def test_the_rules_are_those_of_the_catalogue_in_its_order() -> None:
    written = [" ".join(line.split()) for line in CATALOGUE.strip().splitlines()]
    assert written == [_as_written(rule) for rule in RULES]


@each_rule
def test_the_id_has_the_form_that_all_have(rule: Rule) -> None:
    assert re.fullmatch(r"MFL[1-6][0-9]{2}", rule.id)


@each_rule
def test_the_file_the_function_and_the_slug_are_one_name(rule: Rule) -> None:
    name = rule.slug.replace("-", "_")
    module = import_module(f"mfl_lint.rules.{name}")
    assert rule == getattr(module, name)
    assert name == rule.check.__name__


@each_rule
def test_the_documentation_says_what_why_fix_and_source(rule: Rule) -> None:
    assert {"Why", "Fix", "Source"} == set(rule.sections)
    for text in (rule.what, *rule.sections.values()):
        assert text.endswith((".", "`"))
    assert rule.what.splitlines()[0].endswith(".")


@each_rule
def test_the_documentation_names_only_commands_that_exist(rule: Rule) -> None:
    text = " ".join((rule.what, *rule.sections.values()))
    commands = set(re.findall(r"mfl-lint ([a-z]+)", text))
    assert commands <= {"scan", "crawl", "inspect", "explain", "select"}


@each_rule
def test_its_own_test_file_shows_it_fail_and_pass(rule: Rule) -> None:
    name = rule.slug.replace("-", "_")
    assert (ROOT / "tests" / "rules" / f"test_{name}.py").is_file()
    shown = import_module(f"tests.rules.test_{name}")
    assert rule.id == shown.FAILING.verdicts[0].rule
    assert (Outcome.FAIL, Outcome.PASS) == (outcome(shown.FAILING), outcome(shown.PASSING))
    assert shown.FAILING.findings
    assert not shown.PASSING.findings


@each_rule
def test_its_finding_has_a_message_in_one_line_a_fix_and_no_placeholder(rule: Rule) -> None:
    shown = import_module(f"tests.rules.test_{rule.slug.replace('-', '_')}")
    for finding in shown.FAILING.findings:
        assert finding.message.isprintable()
        assert finding.fix
        pasted(finding.fix)
        assert not re.search(r"\{\w*\}", finding.fix + finding.message)


def test_two_rules_with_one_id_are_refused() -> None:
    with pytest.raises(MflLintError, match="two rules are called MFL101"):
        package._unique([*RULES, _renamed(RULES[1], RULES[0].id)])


def _renamed(rule: Rule, id: str) -> Rule:  # noqa: A002
    fields = {name: getattr(rule, name) for name in rule.__struct_fields__}
    return Rule(**{**fields, "id": id})


def test_the_hash_changes_with_what_verdicts_depend_on() -> None:
    policy = Policy()
    hashes = [
        judged_hash(RULES, policy),
        judged_hash(RULES[1:], policy),
        judged_hash(RULES, Policy(settle_s=1)),
        judged_hash(RULES, Policy(disabled=frozenset({"MFL101"}))),
        judged_hash(RULES, Policy(severities={"MFL101": Severity.INFO})),
    ]
    assert len(hashes) == len(set(hashes))
    assert hashes[0] == judged_hash(tuple(reversed(RULES)), policy)


def test_the_hash_does_not_change_with_what_acts_on_reading_only() -> None:
    ignoring = Policy(ignores=(Ignore("MFL101", "known"),))
    assert judged_hash(RULES, Policy()) == judged_hash(RULES, ignoring)


def documents() -> list[tuple[str, bytes]]:
    """Return every list, index and manifest of the corpus."""
    found = [(path.name, path.read_bytes()) for path in sorted((CORPUS / "lists").glob("*.json"))]
    fixtures = sorted((CORPUS / "fixtures_containers_image").glob("*.json"))
    found += [(path.name, path.read_bytes()) for path in fixtures]
    layouts = sorted((CORPUS / "layouts").glob("*/blobs/sha256/*"))
    found += [(path.name, path.read_bytes()) for path in layouts if path.stat().st_size < 100_000]
    return found


def test_the_corpus_is_judged_without_a_crash() -> None:
    known = documents()
    assert len(known) > 80
    broken = []
    for name, raw in known:
        for served in TYPES:
            seen = observation(document(raw, served), tag="v1-arm64", repository="ppc64le/app")
            crashed = crashes(judge(seen, RULES, DEMANDING, Siblings(tags=())))
            broken += [f"{name} as {served}: {crash}" for crash in crashed]
    assert [] == broken


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("aquasecurity_trivy__multi-blob-56f658ee7c94.json", {"MFL201", "MFL213", "MFL205"}),
        ("containers_image__v2s1.manifest.json", {"MFL210"}),
        ("containers_image__ociv1.image.index.json", {"MFL201"}),
    ],
)
def test_known_documents_have_the_findings_that_are_known(name: str, expected: set[str]) -> None:
    raw = (CORPUS / "lists" / name).read_bytes()
    media_type = json.loads(raw).get("mediaType", "application/json")
    findings = judge(observation(document(raw, media_type)), RULES, Policy(), Siblings()).findings
    assert expected <= {finding.rule for finding in findings}


def test_damaged_documents_are_judged_without_a_crash(
    count: Callable[[int], int], seed: int
) -> None:
    chance = random.Random(seed)
    wide = _wide()
    for _ in range(count(3000)):
        judgement = judge(_damaged(wide, chance), RULES, DEMANDING, Siblings(tags=()))
        assert [] == crashes(judgement)
        assert all(item.message.isprintable() for item in judgement.findings)


def _wide() -> Built:
    images = [image("linux", arch) for arch in ("amd64", "arm64", "s390x")]
    images.append(image("windows", "amd64", os_version="10.0.20348.1"))
    return index(*images, *(attestation(one) for one in images), index(images[0]))


ODD: Final = ("null", '""', "0", "-1", "1.5", "true", "[]", "{}", "[null]", '{"": 1}')
ODDER: Final = ('"x\\n\\u001b"', '"\\ud800"', '"linux"', '"unknown"', str(2**70), "1e999")


def _damaged(built: Built, chance: random.Random) -> Observation:
    """Return an observation of the index with some of its values replaced by odd ones."""
    fields = json.loads(built.raw)
    for _ in range(chance.randint(1, 4)):
        holder, key = chance.choice(list(_places(fields)))
        holder[key] = json.loads(chance.choice(ODD + ODDER))
    raw = json.dumps(fields).encode()
    whole = Built(raw=raw, media_type=built.media_type, children=built.children)
    return observation(whole, tag="v1-arm64", repository="arm64v8/app")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each holder and key below a JSON value."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


@pytest.mark.parametrize("scope", list(Scope))
def test_every_scope_has_rules(scope: Scope) -> None:
    assert any(rule.scope is scope for rule in RULES)
