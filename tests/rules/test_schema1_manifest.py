from __future__ import annotations

import pytest

from mfl_lint.core.manifest import SCHEMA1, SCHEMA1_SIGNED
from mfl_lint.rules.schema1_manifest import schema1_manifest as rule
from tests.builders import document, image
from tests.rules.cases import judged, only

RAW = '{"schemaVersion": 1, "name": "team/app", "tag": "v1", "fsLayers": [], "history": []}'
FAILING = judged(rule, document(RAW, SCHEMA1_SIGNED))
PASSING = judged(rule, image("linux", "amd64"))


@pytest.mark.parametrize("served", [SCHEMA1, SCHEMA1_SIGNED, "application/json", ""])
def test_schema_1_is_an_error_however_it_is_served(served: str) -> None:
    assert "error" == only(judged(rule, document(RAW, served))).severity


def test_the_fix_converts_or_builds_anew() -> None:
    heading, convert, other, build = only(FAILING).fix.split("\n")
    assert ("# convert it:", "# or, to build it again:") == (heading, other)
    target = "docker://test/team/app:latest"
    assert f"skopeo copy --format oci {target} {target}" == convert
    assert build.startswith("#   docker buildx build --platform linux/amd64,linux/arm64 ")
