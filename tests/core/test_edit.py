"""An index is changed and what nobody named stays, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mfl_lint.core.digest import Digest
from mfl_lint.core.edit import apply, encode, form_for, new_index, read
from mfl_lint.core.errors import ManifestInvalid, Refused
from mfl_lint.core.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Form,
    ProblemKind,
)
from mfl_lint.core.parse import parse_document
from mfl_lint.core.platform import Platform
from mfl_lint.core.reference import Reference
from mfl_lint.core.steps import Add, Annotate, Drop, Repoint, SetAnnotations, SetMediaType, Step

LISTS = sorted((Path(__file__).parent.parent / "corpus/lists").glob("*.json"))


def _is_index(path: Path) -> bool:
    """Say whether it is an index and nothing else (one of them has layers too)."""
    document = parse_document(path.read_bytes(), "")
    mixed = any(problem.kind is ProblemKind.AMBIGUOUS for problem in document.problems)
    return document.form is Form.INDEX and not mixed


INDEXES = [path for path in LISTS if _is_index(path)]
SOURCE = Reference.parse("example.com/app")
ENTRY = Descriptor(
    OCI_MANIFEST, Digest(f"sha256:{'a' * 64}"), 7, Platform("linux", "arm", "v7"), {"k": "<ö>"}
)
DOCKER_ENTRY = Descriptor(
    DOCKER_MANIFEST, Digest(f"sha256:{'b' * 64}"), 528, Platform("linux", "arm", "v7")
)

DOCKER_CLI = """{
   "schemaVersion": 2,
   "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
   "manifests": [
      {
         "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
         "size": 528,
         "digest": "sha256:%s",
         "platform": {
            "architecture": "arm",
            "os": "linux",
            "variant": "v7"
         }
      }
   ]
}""" % ("b" * 64)

MANIFEST_TOOL = """{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "manifests": [
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:%s",
      "size": 7,
      "annotations": {
        "k": "\\u003cö\\u003e"
      },
      "platform": {
        "architecture": "arm",
        "os": "linux",
        "variant": "v7"
      }
    }
  ]
}""" % ("a" * 64)


def _count(raw: bytes) -> int:
    return len(json.loads(raw).get("manifests") or ())


def _edited(raw: bytes | str, *steps: Step) -> bytes:
    raw = raw.encode() if isinstance(raw, str) else raw
    return encode(apply(read(raw, ""), steps))


def _loaded(raw: bytes | str, *steps: Step) -> Any:
    return json.loads(_edited(raw, *steps))


def _without_null(raw: bytes) -> bool:
    return isinstance(json.loads(raw).get("manifests"), list)


@pytest.mark.parametrize("path", INDEXES, ids=lambda path: path.stem)
def test_what_is_appended_and_removed_again_leaves_the_bytes_that_were_there(path: Path) -> None:
    raw = path.read_bytes()
    grown = _edited(raw, Add(ENTRY, SOURCE))
    assert _count(grown) == _count(raw) + 1
    assert json.loads(grown)["manifests"][-1]["digest"] == ENTRY.digest
    removed = _edited(grown, Drop(_count(raw), "again"))
    if _count(raw) and _without_null(raw):
        assert raw == removed
    else:
        assert json.loads(removed)["manifests"] == []


@pytest.mark.parametrize("path", INDEXES, ids=lambda path: path.stem)
def test_an_index_that_is_read_and_not_changed_is_written_as_it_was(path: Path) -> None:
    assert path.read_bytes() == _edited(path.read_bytes())


@pytest.mark.parametrize("path", INDEXES, ids=lambda path: path.stem)
def test_dropping_an_entry_leaves_the_others_and_all_else_as_they_were(path: Path) -> None:
    before = json.loads(path.read_bytes())
    for position in range(len(before.get("manifests") or ())):
        expected = dict(before)
        expected["manifests"] = [*before["manifests"]]
        del expected["manifests"][position]
        after = _loaded(path.read_bytes(), Drop(position, "gone"))
        assert list(expected.items()) == list(after.items())


@pytest.mark.parametrize("path", INDEXES, ids=lambda path: path.stem)
def test_an_annotated_platform_that_is_annotated_back_leaves_the_bytes_that_were_there(
    path: Path,
) -> None:
    raw = path.read_bytes()
    entries = parse_document(raw, "").entries
    for position, entry in enumerate(entries):
        if entry.platform is None or not entry.platform.architecture:
            continue
        there = Platform("linux", "s390x", entry.platform.variant and "z")
        same = Platform(entry.platform.os, entry.platform.architecture, entry.platform.variant)
        if same != entry.platform or not same.os:
            continue
        changed = _edited(raw, Annotate(position, there))
        assert parse_document(changed, "").entries[position].platform == there
        assert raw == _edited(changed, Annotate(position, same))


def test_a_new_docker_list_is_written_as_docker_manifest_push_writes_it() -> None:
    assert DOCKER_CLI.encode() == encode(new_index(DOCKER_LIST, [Add(DOCKER_ENTRY, SOURCE)]))


def test_a_new_oci_index_is_written_as_manifest_tool_writes_it() -> None:
    assert MANIFEST_TOOL.encode() == encode(new_index(OCI_INDEX, [Add(ENTRY, SOURCE)]))


def test_a_new_index_takes_annotations_behind_its_entries() -> None:
    steps: list[Step] = [Add(ENTRY, SOURCE), SetAnnotations({"b": "2", "a": "1"})]
    fields = json.loads(encode(new_index(OCI_INDEX, steps)))
    assert ["schemaVersion", "mediaType", "manifests", "annotations"] == list(fields)
    assert {"a": "1", "b": "2"} == fields["annotations"]
    assert ["a", "b"] == list(fields["annotations"])


def test_a_platform_is_given_whole_and_unknown_keys_of_it_stay() -> None:
    raw = MANIFEST_TOOL.replace('"variant": "v7"', '"variant": "v7",\n        "features": ["x"]')
    after = _loaded(raw, Annotate(0, Platform("windows", "amd64", os_version="10")))
    platform = after["manifests"][0]["platform"]
    expected = {"architecture": "amd64", "os": "windows", "os.version": "10", "features": ["x"]}
    assert list(expected.items()) == list(platform.items())


def test_an_entry_without_a_platform_gets_one_at_its_end() -> None:
    raw = '{"manifests":[{"mediaType":"a/b","digest":"x","size":1}]}'
    expected = (
        '{"manifests":[{"mediaType":"a/b","digest":"x","size":1,'
        '"platform":{"architecture":"arm64","os":"linux"}}]}'
    )
    assert expected.encode() == _edited(raw, Annotate(0, Platform("linux", "arm64")))
    assert raw.encode() == _edited(expected, Annotate(0, Platform()))


def test_a_repointed_entry_keeps_its_place_its_platform_and_its_annotations() -> None:
    new = Descriptor(DOCKER_MANIFEST, Digest(f"sha256:{'c' * 64}"), 9, artifact_type="x/y")
    before = json.loads(MANIFEST_TOOL)["manifests"][0]
    entry = _loaded(MANIFEST_TOOL, Repoint(0, new, SOURCE))["manifests"][0]
    assert (before["platform"], before["annotations"]) == (entry["platform"], entry["annotations"])
    assert (DOCKER_MANIFEST, new.digest, 9, "x/y") == (
        entry["mediaType"],
        entry["digest"],
        entry["size"],
        entry["artifactType"],
    )


def test_a_repointed_entry_loses_the_copy_of_the_old_child_and_its_other_addresses() -> None:
    raw = MANIFEST_TOOL.replace('"size": 7,', '"size": 7, "data": "AA==", "urls": ["https://x"],')
    entry = _loaded(raw, Repoint(0, DOCKER_ENTRY, SOURCE))["manifests"][0]
    assert "data" not in entry
    assert "urls" not in entry


def test_a_missing_media_type_is_written_behind_the_schema_version() -> None:
    raw = '{"schemaVersion": 2, "manifests": [], "annotations": {"z": "1"}}'
    expected = (
        f'{{"schemaVersion": 2, "mediaType": "{OCI_INDEX}", "manifests": [], '
        '"annotations": {"z": "1"}}'
    )
    assert expected.encode() == _edited(raw, SetMediaType(OCI_INDEX))


def test_annotations_are_set_changed_and_taken_away() -> None:
    raw = '{"manifests":[{"digest":"d","size":1}],"annotations":{"b":"1","x":"2"}}'
    step = SetAnnotations({"a": "0", "b": None, "x": "3"})
    assert {"a": "0", "x": "3"} == _loaded(raw, step)["annotations"]
    cleared = _loaded(raw, SetAnnotations({"b": None, "x": None}))
    assert "annotations" not in cleared
    entry = _loaded(raw, SetAnnotations({"q": "r"}, 0))["manifests"][0]
    assert ["digest", "size", "annotations"] == list(entry)


def test_positions_are_those_of_the_index_before_the_first_step() -> None:
    raw = '{"manifests":[{"digest":"0"},{"digest":"1"},{"digest":"2"}]}'
    steps: list[Step] = [
        Drop(0, ""),
        Add(ENTRY, SOURCE),
        Annotate(2, Platform("linux", "arm64")),
        Drop(1, ""),
    ]
    entries = _loaded(raw, *steps)["manifests"]
    assert ["2", ENTRY.digest] == [entry["digest"] for entry in entries]
    assert "arm64" == entries[0]["platform"]["architecture"]


def test_keys_are_kept_in_the_order_that_the_list_has_them() -> None:
    raw = '{"manifests":[{"size":1,"digest":"d"}]}'
    after = _loaded(raw, Add(ENTRY, SOURCE))["manifests"][1]
    assert ["mediaType", "size", "digest", "annotations", "platform"] == list(after)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"{}", "not an index"),
        (b"[]", "not an index"),
        (b'{"config":{},"layers":[]}', "not an index"),
        (b'{"manifests":{}}', "no array"),
        (b'{"manifests":[],"layers":[]}', "must not have layers"),
        (b'{"manifests":[],"manifests":[]}', "2 times"),
        (b'{"manifests":[' + b"[" * 200 + b"]" * 200 + b"]}", "not an index"),
        (b"\xef\xbb\xbf{}", "not an index"),
    ],
)
def test_what_cannot_be_changed_is_refused(raw: bytes, says: str) -> None:
    with pytest.raises(ManifestInvalid, match=says):
        read(raw, "")


def test_a_step_at_no_entry_is_refused() -> None:
    for position in (-1, 1):
        with pytest.raises(ManifestInvalid, match="no entry at position"):
            _edited(MANIFEST_TOOL, Drop(position, ""))
    with pytest.raises(ManifestInvalid, match="is no object"):
        _edited('{"manifests":[1]}', Annotate(0, Platform("linux", "arm")))


def test_odd_values_that_are_not_touched_stay() -> None:
    raw = b'{"manifests":[{"size":1e400,"digest":"\\ud800","x":NaN}],"n":' + b"9" * 5000 + b"}"
    grown = _edited(raw, Add(ENTRY, SOURCE))
    assert raw == _edited(grown, Drop(1, ""))


def test_children_decide_what_a_new_list_is_and_mixed_ones_do_not() -> None:
    assert DOCKER_LIST == form_for([DOCKER_MANIFEST, DOCKER_MANIFEST])
    assert OCI_INDEX == form_for([OCI_MANIFEST])
    assert OCI_INDEX == form_for([])
    with pytest.raises(Refused, match=r"1 of the 2 images .* --oci or --docker"):
        form_for([DOCKER_MANIFEST, OCI_MANIFEST])
    assert DOCKER_LIST == form_for([DOCKER_MANIFEST, OCI_MANIFEST], DOCKER_LIST)


def test_a_list_with_windows_line_ends_keeps_them() -> None:
    raw = MANIFEST_TOOL.replace("\n", "\r\n").encode()
    grown = _edited(raw, Add(ENTRY, SOURCE))
    assert grown.count(b"\n") == grown.count(b"\r\n")
    assert raw == _edited(grown, Drop(1, ""))
