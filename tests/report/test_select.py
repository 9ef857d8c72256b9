import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.platform import Platform
from mfl_lint.core.selection import ENGINES, Engine
from mfl_lint.report.paper import Paper
from mfl_lint.report.select import (
    all_hosts,
    render_all_hosts,
    render_selection,
    render_selection_json,
    schema,
    selection,
)
from tests.builders import attestation, image, index, observation

PUBLISHED = Path(__file__).resolve().parents[2] / "docs" / "schema" / "select-v1.json"
AMD64, V3, ARM64 = image("linux", "amd64"), image("linux", "amd64", "v3"), image("linux", "arm64")
BUILT = index(AMD64, V3, ARM64, attestation(AMD64), annotate={2: {"platform": "linux/aarch64"}})
SEEN = observation(BUILT, registry="registry.example", tag="v1")
ASKED = Platform("linux", "arm64")
Golden = Callable[[str, str], None]


def test_the_table_with_reasons_is_the_golden_one(golden: Golden) -> None:
    golden("select.txt", render_selection(selection(SEEN, ASKED, explain=True), Paper()))


def test_the_matrix_of_hosts_and_engines_is_the_golden_one(golden: Golden) -> None:
    golden("select-hosts.txt", render_all_hosts(all_hosts(SEEN), Paper()))


def test_the_json_is_the_golden_one(golden: Golden) -> None:
    golden("select.json", render_selection_json(selection(SEEN, ASKED, explain=False)))


def test_the_published_schema_is_the_codes() -> None:
    assert schema() == json.loads(PUBLISHED.read_text())


def test_both_reports_validate() -> None:
    for shown in (selection(SEEN, ASKED, explain=True), all_hosts(SEEN)):
        jsonschema.validate(json.loads(render_selection_json(shown)), schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "reference": "a"}, schema())


def test_the_keys_are_those_that_were_promised() -> None:
    shown = json.loads(render_selection_json(selection(SEEN, ASKED, explain=False)))
    assert ["version", "reference", "platform", "engines"] == list(shown)
    assert [str(engine) for engine in ENGINES] == [one["engine"] for one in shown["engines"]]
    assert all(["engine", "selected", "reason"] == list(one) for one in shown["engines"])
    taken = {"position": 2, "digest": ARM64.digest, "platform": "linux/aarch64"}
    assert taken == shown["engines"][0]["selected"]
    assert shown["engines"][3]["selected"] is None


def test_what_was_not_seen_is_unknown_and_no_match() -> None:
    bare = index(ARM64, annotate={0: {"platform": None}})
    denied = Look(LookState.DENIED, "401")
    for seen in (
        observation(bare, looks={ARM64.digest: denied}),
        observation(None, look=denied),
    ):
        (one,) = selection(seen, ASKED, [Engine.CONTAINERD], explain=True).engines
        assert one.unknown
        assert one.selected is None
        text = render_selection(selection(seen, ASKED, explain=True), Paper())
        assert "unknown: not seen" in text
        assert "?" in render_all_hosts(all_hosts(seen), Paper())


def test_what_a_registry_says_stays_on_its_line() -> None:
    evil = {"os": "linux", "architecture": "a\n::set-env\x1b[2J"}
    seen = observation(index(AMD64, annotate={0: {"platform": evil}}))
    for text in (
        render_selection(selection(seen, ASKED, explain=True), Paper()),
        render_all_hosts(all_hosts(seen), Paper()),
    ):
        assert "\x1b" not in text
        assert not any(line.startswith("::") for line in text.splitlines())
