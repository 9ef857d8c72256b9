from __future__ import annotations

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.config_platform_missing import config_platform_missing as rule
from tests.builders import artifact, attestation, document, image, index
from tests.rules.cases import DENIED, judged, only, outcome

AMD64 = image("linux", "amd64")
FAILING = judged(rule, index(AMD64, image("linux", "arm64", config={"architecture": ""})))
PASSING = judged(rule, index(AMD64, image("linux", "arm64")))


def test_the_config_of_an_entry_needs_os_and_architecture() -> None:
    finding = only(FAILING)
    assert ("error", 1) == (finding.severity, finding.position)
    assert "the image's config has no architecture" == finding.message


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"os": None}, "the image's config has no os"),
        ({"os": "", "architecture": None}, "the image's config has no os and no architecture"),
    ],
)
def test_a_lone_image_needs_them_too(fields: dict[str, str | None], message: str) -> None:
    assert message == only(judged(rule, image(config=fields))).message


def test_attestations_and_artifacts_are_not_judged() -> None:
    assert Outcome.PASS == outcome(judged(rule, index(AMD64, attestation(AMD64))))
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "text/plain", b"chart")
    assert Outcome.NOT_APPLICABLE == outcome(judged(rule, chart))


def test_a_config_that_was_denied_is_unknown() -> None:
    judgement = judged(rule, AMD64, looks={digest_of(AMD64.config): DENIED})
    assert Outcome.UNKNOWN == outcome(judgement)


def test_schema_1_has_no_config() -> None:
    schema1 = "application/vnd.docker.distribution.manifest.v1+json"
    raw = '{"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": [], "history": []}'
    assert [] == list(judged(rule, document(raw, schema1)).findings)
