"""What registries say inside of fixes: it never leaves its word, its comment or its line."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Requirement
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Finding, Siblings, TagSummary
from mfl_lint.lint import judge, judge_name
from mfl_lint.rules import discover
from mfl_lint.rules._commands import quoted
from tests.builders import ABSENT, Built, attestation, document, image, index, observation
from tests.rules.shell import grouped, pasted

RULES: Final = discover()
AMD64: Final = image("linux", "amd64")
OTHER: Final = image("linux", "amd64", name="other")
GONE: Final = image("linux", "s390x")
ARM: Final = image("linux", "arm")
WINDOWS: Final = image("windows", "amd64", os_version="10.0.1.1")
TWICE: Final = document('{"schemaVersion": 2, "manifests": [], "manifests": [], "layers": []}', "")
EVIL: Final = (
    "\n", "\r", "\x85", "\u2028", "\u2029", "\x00", "\x1b[2J", "\u202e", "\ud800", "'", '"', "`id`",
    "$(id)", ";id", "&&id", "|id", "#", "\\", "{reference}", "{name}", "{", "}", "!", "*", "~", " ",
    "@DIGEST", "é", "…", "/", "-amd64", "arm64",
)  # fmt: skip
hostile = st.lists(st.sampled_from(EVIL) | st.text(max_size=3), min_size=1, max_size=6).map("".join)


def wrong(evil: str) -> Built:
    """Return an index in which nearly everything is wrong, with evil text in every field."""
    changes: dict[int, dict[str, Any]] = {
        0: {"platform": {"os": evil, "architecture": evil, "variant": evil}},
        1: {"platform": {"os": "linux", "architecture": "arm64", "variant": evil}},
        3: {"platform": None, "annotations": {"vnd.docker.reference.digest": evil}},
        7: {"platform": None},
        8: {"platform": {"os": "unknown", "architecture": "unknown"}, "mediaType": evil},
        9: {"platform": {"os": "linux", "architecture": "arm"}},
    }
    entries = (OTHER, AMD64, AMD64, attestation(AMD64), index(OTHER), GONE, WINDOWS)
    return index(*entries, strange(evil), AMD64, ARM, annotate=changes)


def strange(evil: str) -> Built:
    """Return an image whose config says evil things."""
    return image(config={"os": evil, "architecture": evil, "variant": evil, "os.version": evil})


def findings(evil: str) -> Iterator[Finding]:
    """Yield what all rules say of evil trees, tags and names."""
    arm64 = Platform("linux", "arm64")
    required = Requirement((arm64, Platform("linux", evil, evil)))
    policy = Policy(requirements=(required,), windows_builds=(evil,))
    offering = (Platform("linux", "amd64"), arm64)
    grouping = TagSummary(evil, None, is_index=True, platforms=offering)
    tags = (TagSummary(f"{evil}-arm64"), TagSummary("x"))
    written = evil.replace("\ud800", "?")
    for built in (wrong(written), AMD64, TWICE, strange(written)):
        for known in (tags, (*tags, grouping)):
            seen = observation(
                built, repository=f"{evil}/x", tag=f"{evil}-amd64", looks={GONE.digest: ABSENT}
            )
            yield from judge(seen, RULES, policy, Siblings(tags=known)).findings
    names = (f"arm64v8/{evil}", f"{evil}/app-arm64", f"{evil}/app-amd64", f"{evil}/app")
    others = {f"{evil}/app": (grouping,), evil: (grouping,)}
    for siblings in (Siblings(repositories=names), Siblings(repositories=names, others=others)):
        for name in names:
            yield from judge_name("test", Reference("test", name), RULES, policy, siblings).findings


@given(hostile)
@settings(deadline=None, max_examples=30)
def test_a_fix_can_be_pasted_whatever_a_registry_says(evil: str) -> None:
    pasted("\n".join(finding.fix for finding in findings(evil)))


def test_the_evil_text_reaches_the_fixes_of_the_rules_that_show_any() -> None:
    said = ((item.rule, item.fix.replace("x;y/x:x;y-amd64", "")) for item in findings("x;y"))
    found = {rule for rule, fix in said if "x;y" in fix.replace("x;y/x", "")}
    assert {"MFL102", "MFL103", "MFL107", "MFL209", "MFL301", "MFL302", "MFL303", "MFL401"} <= found


@given(hostile)
@settings(deadline=None)
def test_a_quoted_word_is_one_word_without_placeholders(text: str) -> None:
    word = quoted(text)
    assert not re.search(r"\{(reference|name)\}", word)
    if "\x00" not in text and text.isprintable():
        said = subprocess.run(["/bin/sh", "-c", f"printf %s {word}"], capture_output=True)
        assert text.encode() == said.stdout


def test_what_a_pasted_fix_runs_is_one_of_its_ways() -> None:
    looks = {GONE.digest: ABSENT}
    seen = observation(index(AMD64, GONE), looks=looks)
    (fix,) = (item.fix for item in judge(seen, RULES, Policy(), Siblings(tags=())).findings)
    (command,) = pasted(fix)
    assert ["docker", "buildx", "build"] == command[:3]


def test_nothing_runs_where_a_tag_has_still_to_be_chosen() -> None:
    seen = observation(wrong("x"))
    asked = msgspec.structs.replace(seen.reference, tag=None, digest=seen.digest)
    judgement = judge(
        msgspec.structs.replace(seen, reference=asked), RULES, Policy(), Siblings(tags=())
    )
    assert judgement.findings
    assert [] == [words for item in judgement.findings for words in pasted(item.fix)]


def fixes(built: Built, rule: str, registry: str = "test") -> list[str]:
    looks = {GONE.digest: ABSENT}
    seen = observation(built, looks=looks)
    asked = msgspec.structs.replace(seen.reference, registry=registry)
    judgement = judge(
        msgspec.structs.replace(seen, reference=asked), RULES, Policy(), Siblings(tags=())
    )
    return [item.fix for item in judgement.findings if item.rule == rule]


def test_a_registry_on_loopback_is_spoken_to_in_plain_http() -> None:
    lists = index(AMD64, ARM, annotate={0: {"platform": "linux/x86_64"}})
    (fix,) = fixes(lists, "MFL103", "localhost:5000")
    for words in pasted(fix):
        assert (words[2] in ("create", "push")) is ("--insecure" in words)
    assert "--insecure" not in fixes(lists, "MFL103")[0]


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (
            index(AMD64, ARM, attestation(AMD64)),
            "# this leaves out the attestations of the list, a rebuild keeps them",
        ),
        (
            index(AMD64, ARM, attestation(AMD64), annotations={"a": "b"}),
            "# this leaves out the attestations and annotations of the list, a rebuild keeps them",
        ),
        (
            index(AMD64, ARM, annotate={0: {"annotations": {"a": "b"}}}),
            "# this leaves out the annotations of the list, a rebuild keeps them",
        ),
        (index(AMD64, ARM, GONE), "# this leaves out the missing images of the list, a rebuild"),
        (index(AMD64, ARM, index(WINDOWS)), "# this leaves out the inner lists of the list"),
        (index(AMD64, ARM), "docker manifest create "),
    ],
)
def test_a_list_that_is_made_anew_says_what_it_leaves_out(built: Built, expected: str) -> None:
    (fix,) = fixes(built, "MFL104")
    assert fix.startswith(expected)
    assert ["create", "rm", "create", "annotate", "push"] == [words[2] for words in pasted(fix)]
    assert GONE.digest not in fix


def test_a_platform_is_not_written_on_an_entry_where_the_list_has_it() -> None:
    (fix,) = fixes(index(AMD64, OTHER, annotate={1: {"platform": None}}), "MFL102")
    first, line, *_ = fix.split("\n")
    assert "# to keep the other image for linux/amd64 only:" == first
    assert grouped("test/team/app:latest", f"test/team/app@{AMD64.digest}") == line


def test_the_fix_of_one_fault_keeps_what_the_fix_of_another_one_has_written() -> None:
    built = index(
        AMD64, ARM, annotate={0: {"platform": "linux/x86_64"}, 1: {"platform": "linux/arm"}}
    )
    for rule in ("MFL103", "MFL104"):
        (fix,) = fixes(built, rule)
        steps = [words for words in pasted(fix) if words[2] == "annotate"]
        variants = [words[words.index("--variant") + 1] for words in steps if "--variant" in words]
        assert ["v7"] == variants


def test_the_fix_of_one_fault_brings_back_nothing_that_the_fix_of_another_one_drops() -> None:
    built = index(AMD64, OTHER, ARM, annotate={2: {"platform": "linux/arm"}})
    dropped = {OTHER.digest in fix for rule in ("MFL104", "MFL105") for fix in runs(built, rule)}
    assert {False} == dropped


def runs(built: Built, rule: str) -> list[str]:
    """Return what runs when the fixes of a rule are pasted."""
    return [str(words) for fix in fixes(built, rule) for words in pasted(fix)]
