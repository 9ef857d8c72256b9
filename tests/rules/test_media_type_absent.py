from __future__ import annotations

from mfl_lint.core.manifest import SCHEMA1
from mfl_lint.core.rule import Outcome
from mfl_lint.rules.media_type_absent import media_type_absent as rule
from tests.builders import document, image, index
from tests.rules.cases import judged, only, outcome

AMD64 = image("linux", "amd64")
QUIET = image("linux", "arm64", manifest={"mediaType": None})
FAILING = judged(rule, index(AMD64, QUIET))
PASSING = judged(rule, index(AMD64))


def test_a_manifest_should_name_its_type() -> None:
    finding = only(FAILING)
    assert ("info", 1) == (finding.severity, finding.position)


def test_an_index_should_name_its_type() -> None:
    raw = index(AMD64).raw.replace(b'"mediaType":"application/vnd.oci.image.index.v1+json",', b"")
    built = document(raw, "application/vnd.oci.image.index.v1+json")
    assert "the index has no mediaType of its own" == only(judged(rule, built)).message


def test_schema_1_never_had_the_field() -> None:
    raw = '{"schemaVersion": 1, "name": "a", "tag": "b", "fsLayers": [], "history": []}'
    assert Outcome.PASS == outcome(judged(rule, document(raw, SCHEMA1)))
