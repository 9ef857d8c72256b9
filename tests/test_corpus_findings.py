"""The lists and layouts of other projects have the findings that were read through once."""

from __future__ import annotations

from mfl_lint.core.policy import any_glob, glob_matches
from tests.corpus_findings import corpus_findings, kept

# Schema 1, and documents without a mediaType of their own: nobody is surprised.
PLAIN = {"MFL210 error", "MFL213 info"}


def test_the_corpus_has_the_findings_of_the_table() -> None:
    found, expected = corpus_findings(), kept()["found"]
    assert len(found) > 100
    assert {} == {
        name: (expected.get(name), found.get(name))
        for name in sorted({*found, *expected})
        if expected.get(name) != found.get(name)
    }


def test_each_surprise_has_its_reason_and_each_reason_explains_one() -> None:
    table = kept()
    surprising = {name for name, rules in table["found"].items() if set(rules) - PLAIN}
    reasons = tuple(table["reasons"])
    assert [] == sorted(name for name in surprising if not any_glob(reasons, name))
    assert [] == [one for one in reasons if not any(glob_matches(one, n) for n in surprising)]
