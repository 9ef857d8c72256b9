"""From faults to findings: one clean line, a filled-in fix."""

from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.findings import RuleEnd, judgement_of, one_line
from mfl_lint.core.policy import Policy, Severity
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Fault, Finding, Outcome, Rule, RuleVerdict, Scope


def finding(fault: Fault, reference: Reference, *, insecure: bool = False) -> Finding:
    rule = Rule(
        "MFL999", "made", Severity.ERROR, Scope.TAG, (), frozenset(), "what", {}, lambda case: ()
    )
    end = RuleEnd(rule, RuleVerdict("MFL999", Outcome.FAIL), ((-1, None, fault),))
    (only,) = judgement_of("hub", reference, None, [end], Policy(), insecure=insecure).findings
    return only


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain – text", "plain – text"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202eevil", "\\u202eevil"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_line_is_printable(text: str, expected: str) -> None:
    assert expected == one_line(text)


def test_a_line_is_bounded() -> None:
    assert 600 == len(one_line("x" * 10_000))


def test_a_fix_names_the_reference_by_its_tag() -> None:
    found = finding(
        Fault("m", ("{reference} {name}",)), Reference("docker.io", "library/app", "v1")
    )
    assert "docker.io/library/app:v1 docker.io/library/app" == found.fix
    assert ("hub", "library/app", "v1") == (found.registry, found.repository, found.tag)


def test_a_digest_needs_a_new_tag_in_a_fix() -> None:
    digest = digest_of(b"")
    found = finding(Fault("m", ("{reference}",)), Reference("test", "app", None, digest))
    assert "# fill in a tag for TAG:\n#   test/app:TAG" == found.fix
    assert (digest, digest) == (found.tag, found.digest)


def test_what_lies_on_disk_needs_a_name_in_a_fix() -> None:
    fault = Fault("m", ("# why:", "push {reference} {name}"))
    tagged = finding(fault, Reference("/tmp/a b';reboot", "", "v1"))
    first = "# fill in a registry and repository for NAME"
    assert f"{first}:\n# why:\n#   push NAME:v1 NAME" == tagged.fix
    untagged = finding(fault, Reference("layout", "", None, digest_of(b"")))
    assert untagged.fix.startswith(f"{first} and a tag for TAG:\n")


def test_what_lies_on_disk_may_have_a_fix_of_its_own() -> None:
    fault = Fault("m", ("push {reference}",), fix_on_disk=("# copy it",))
    assert "# copy it" == finding(fault, Reference("layout", "", "v1")).fix
    assert "push test/app:v1" == finding(fault, Reference("test", "app", "v1")).fix


@pytest.mark.parametrize(
    ("registry", "insecure", "expected"),
    [
        ("ghcr.io", False, "push ghcr.io/app:v1"),
        ("ghcr.io", True, "push --insecure ghcr.io/app:v1"),
        ("127.0.0.1:5000", False, "push --insecure 127.0.0.1:5000/app:v1"),
        ("localhost", False, "push --insecure localhost/app:v1"),
    ],
)
def test_docker_is_told_of_plain_http(registry: str, insecure: bool, expected: str) -> None:
    fault = Fault("m", ("push {insecure}{reference}",))
    found = finding(fault, Reference(registry, "app", "v1"), insecure=insecure)
    assert expected == found.fix


def test_a_fix_that_names_nothing_needs_nothing() -> None:
    assert "# wait" == finding(Fault("m", ("# wait",)), Reference("layout", "")).fix


def test_a_reference_is_quoted_and_filled_in_once() -> None:
    found = finding(Fault("m", ("run {reference}@x {name}",)), Reference("[::1]:5000", "a", "v1"))
    assert "run '[::1]:5000/a:v1'@x '[::1]:5000/a'" == found.fix
    odd = finding(Fault("m", ("run {reference}",)), Reference("{name}", "a", "v1"))
    assert "run '{name}/a:v1'" == odd.fix


def test_only_a_rule_ends_a_line_of_a_fix() -> None:
    found = finding(Fault("m", ("# a\nb\r\u2028\x85c", "d")), Reference("test", "app", "v1"))
    assert ["# a\\nb\\r\\u2028\\x85c", "d"] == found.fix.splitlines()


def test_braces_in_what_a_registry_says_are_left_alone() -> None:
    found = finding(Fault("{0} {message}", ("{0} {x!r} {",)), Reference("test", "app", "v1"))
    assert ("{0} {message}", "{0} {x!r} {") == (found.message, found.fix)
