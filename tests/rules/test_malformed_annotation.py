from __future__ import annotations

import pytest

from mfl_lint.core.rule import Judgement, Outcome
from mfl_lint.rules._licences import is_licence_expression
from mfl_lint.rules.malformed_annotation import malformed_annotation as rule
from tests.builders import artifact, attestation, image, index
from tests.rules.cases import DENIED, judged, only, outcome

PREFIX = "org.opencontainers.image."
AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")


def annotated(key: str, value: str) -> Judgement:
    return judged(rule, index(AMD64, ARM64, annotations={f"{PREFIX}{key}": value}))


FAILING = annotated("created", "2026-03-01 12:00:00")
PASSING = annotated("created", "2026-03-01T12:00:00Z")


def test_the_message_has_the_value_and_what_it_should_be() -> None:
    finding = only(FAILING)
    assert ("warning", f"{PREFIX}created") == (finding.severity, finding.subject)
    expected = f"{PREFIX}created is '2026-03-01 12:00:00', not an RFC 3339 time"
    assert expected == finding.message
    assert f"--annotation index:{PREFIX}created=VALUE" in finding.fix


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("created", "2026-03-01T12:00:00.123456789+01:00"),
        ("created", "2026-03-01t12:00:00z"),
        ("url", "https://example.org"),
        ("source", "git+https://example.org/app.git"),
        ("documentation", "https://example.org/docs?x=1#y"),
        ("licenses", "Apache-2.0"),
        ("licenses", "(GPL-2.0-only WITH Classpath-exception-2.0) OR MIT AND LicenseRef-own"),
        ("licenses", ""),
        ("source", " "),
        ("base.digest", f"sha256:{'a' * 64}"),
        ("version", "anything at all"),
        ("title", "a title"),
        ("authors", "me"),
    ],
)
def test_what_its_definition_allows_passes(key: str, value: str) -> None:
    assert Outcome.PASS == outcome(annotated(key, value))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("created", "yesterday"),
        ("created", "1700000000"),
        ("created", "2026-03-01T12:00:00"),
        ("url", "example.org/app"),
        ("source", "git@example.org:team/app.git"),
        ("source", "https://example.org/with a space"),
        ("documentation", "see the wiki"),
        ("licenses", "Apache 2.0"),
        ("licenses", "MIT, Apache-2.0"),
        ("licenses", "MIT/Apache-2.0"),
        ("base.digest", "sha256:abc"),
        ("base.digest", "latest"),
        ("licenses", "(" * 5000),
    ],
)
def test_what_breaks_its_definition_is_found(key: str, value: str) -> None:
    assert Outcome.FAIL == outcome(annotated(key, value))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MIT OR Apache-2.0", True),
        ("GPL-2.0+", True),
        ("mit or isc", True),
        ("((MIT))", True),
        ("DocumentRef-spdx-tool-1.2:LicenseRef-MIT-Style-2", True),
        ("MIT OR", False),
        ("OR MIT", False),
        ("MIT WITH", False),
        ("MIT WITH x WITH y", False),
        ("(MIT) WITH x", False),
        ("(MIT", False),
        ("MIT)", False),
        ("()", False),
        ("MIT License", False),
        ("", False),
    ],
)
def test_a_licence_expression_is_judged_by_its_grammar(text: str, expected: bool) -> None:
    assert expected is is_licence_expression(text)


def test_entries_and_manifests_are_judged_where_they_stand() -> None:
    bad = {f"{PREFIX}licenses": "Apache 2.0"}
    on_entry = only(judged(rule, index(AMD64, ARM64, annotate={1: {"annotations": bad}})))
    assert ("linux/arm64", 1) == (on_entry.platform, on_entry.position)
    on_manifest = only(judged(rule, image(manifest={"annotations": bad})))
    assert f"--annotation manifest:{PREFIX}licenses=VALUE" in on_manifest.fix


def test_the_same_value_in_an_entry_and_its_manifest_is_one_finding() -> None:
    bad = {f"{PREFIX}licenses": "Apache 2.0"}
    built = index(image(manifest={"annotations": bad}), annotate={0: {"annotations": bad}})
    only(judged(rule, built))


def test_labels_are_not_annotations() -> None:
    labels = {"Labels": {f"{PREFIX}licenses": "Apache 2.0"}}
    assert Outcome.PASS == outcome(judged(rule, image(config={"config": labels})))


def test_attestations_and_artifacts_are_not_judged() -> None:
    bad = {f"{PREFIX}created": "never"}
    chart = artifact("application/x", "text/plain", b"chart", annotations=bad)
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, chart))
    charts = index(chart, annotations=bad)
    assert not judged(rule, charts).findings
    attested = index(AMD64, attestation(AMD64))
    assert Outcome.PASS == outcome(judged(rule, attested))


def test_an_unseen_child_may_have_some() -> None:
    built = index(AMD64, ARM64)
    assert Outcome.UNKNOWN == outcome(judged(rule, built, looks={ARM64.digest: DENIED}))
