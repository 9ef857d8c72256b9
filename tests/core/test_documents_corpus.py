"""Documents with known outcomes from other projects (tests/corpus/documents-ORIGIN.md).

Every row runs, or stands in a table here with the reason why it does not, or why we answer
differently. A row listed as different must really be different.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mfl_lint.core.digest import digest_of, is_digest, parse_digest, verifies
from mfl_lint.core.kind import decide_kind, is_attestation_entry
from mfl_lint.core.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1,
    SCHEMA1_SIGNED,
    Descriptor,
    Document,
    Form,
    ProblemKind,
)
from mfl_lint.core.observation import Kind
from mfl_lint.core.parse import (
    clean_media_type,
    form_of_type,
    parse_config,
    parse_document,
    parse_layout,
)

CORPUS = Path(__file__).parents[1] / "corpus"
SPEC = json.loads((CORPUS / "image_spec_documents.json").read_bytes())["documents"]
DETECTION = json.loads((CORPUS / "media_type_detection.json").read_bytes())
LISTS = json.loads((CORPUS / "lists" / "index.json").read_bytes())["documents"]
IMAGE = DETECTION["containers_image"]

SPEC_DIFFERS = {
    "manifest-05": "no layers: the text only says SHOULD, and engines pull such an image",
    "index-03": "a platform without an architecture is judged by MFL102, which knows the hosts",
}
MOBY_DIFFERS = {
    "oci index fallback": "an object without any field is called invalid, not taken for an index",
}
FIXTURE_ABSENT = {
    "unknown-version.manifest.json": "its text is not at hand",
    "non-json.manifest.json": "its bytes are not at hand",
}
PAYLOAD_HABIT = "a signed schema 1 manifest's digest there is that of its payload"
REGCLIENT_DIFFERS = dict.fromkeys(
    (
        "OCI 1 Manifest",
        "OCI 1 Manifest 512",
        "OCI 1 Manifest List",
        "Ambiguous OCI Image",
        "Ambiguous OCI Index",
    ),
    "the table's document has manifests beside config and layers; there the type decides alone, "
    "moby and containerd refuse such a document",
)


def kinds_of(document: Document) -> set[ProblemKind]:
    return {problem.kind for problem in document.problems}


def is_ambiguous(document: Document) -> bool:
    return ProblemKind.AMBIGUOUS in kinds_of(document)


def disagrees(document: Document) -> bool:
    own, served = form_of_type(document.media_type), form_of_type(document.served_type)
    return own is not None and served is not None and own != served


def is_refused(document: Document) -> bool:
    """Say whether containerd would refuse the document as what it was served as."""
    return is_ambiguous(document) or disagrees(document) or document.form is Form.SCHEMA1


def spec_row_is_valid(row: dict[str, Any]) -> bool:
    text = row["document"]
    if row["kind"] == "config":
        raw = text.encode()
        return not parse_config(raw, digest_of(raw)).problems
    if row["kind"] == "layout":
        return not parse_layout(text.encode())
    if row["kind"] == "descriptor":
        text = f'{{"schemaVersion": 2, "config": {text}, "layers": [{text}], "subject": {text}}}'
    return not parse_document(text.encode(), row["media_type"] or "").problems


@pytest.mark.parametrize("row", SPEC, ids=lambda row: row["id"])
def test_a_document_of_the_specification_is_judged_as_its_schema_does(row: dict[str, Any]) -> None:
    differs = row["id"] in SPEC_DIFFERS
    assert (row["valid"] != differs) == spec_row_is_valid(row)


def test_every_document_of_the_specification_was_run() -> None:
    kinds = Counter(row["kind"] for row in SPEC)
    print(f"{len(SPEC)} documents, {len(SPEC_DIFFERS)} answered differently on purpose")
    assert 84 == len(SPEC)
    assert {"descriptor": 35, "manifest": 17, "index": 16, "config": 13, "layout": 3} == kinds
    assert set(SPEC_DIFFERS) <= {row["id"] for row in SPEC}


def moby_answer(row: dict[str, Any]) -> str | None:
    document = parse_document(row["document"].encode(), "")
    if is_ambiguous(document):
        return None
    fallback = {Form.MANIFEST: OCI_MANIFEST, Form.INDEX: OCI_INDEX}.get(document.form, "")
    return document.media_type or fallback


def test_moby_detects_the_same_media_types() -> None:
    rows = DETECTION["moby_detect"]["cases"]
    differing = {row["name"] for row in rows if moby_answer(row) != row.get("media_type")}
    assert (16, set(MOBY_DIFFERS)) == (len(rows), differing)


def test_containerd_refuses_the_same_documents() -> None:
    rows = DETECTION["containerd_validate"]["cases"]
    answers = {
        row["name"]: not is_refused(parse_document(row["document"].encode(), row["fetched_as"]))
        for row in rows
    }
    assert 25 == len(rows)
    assert {row["name"]: row["valid"] for row in rows} == answers


def fixture(name: str) -> bytes:
    """Return a fixture of containers/image, or what is made from one as the original was."""
    path = CORPUS / "fixtures_containers_image" / name
    if path.exists():
        return path.read_bytes()
    if name == "v2s1-invalid-signatures.manifest.json":
        return fixture("v2s1.manifest.json").replace(b'"signature": "', b'"signature": "AA')
    fields = json.loads(fixture(name.replace("nomime", "")))
    del fields["mediaType"]
    return json.dumps(fields).encode()


def test_containers_image_guesses_the_same_forms() -> None:
    rows = [(row["file"].partition("/")[2], row["mime_type"]) for row in IMAGE["guess_mime_type"]]
    run = [(name, mime) for name, mime in rows if name not in FIXTURE_ABSENT]
    forms = {name: parse_document(fixture(name), "").form for name, _ in run}
    assert {name: form_of_type(mime) for name, mime in run} == forms
    assert (14, 12) == (len(rows), len(run))


def test_containers_image_hashes_and_compares_the_same_digests() -> None:
    signed = "fixtures_containers_image/v2s1.manifest.json"
    hashed = [row for row in IMAGE["digest"] if row["file"] != signed]
    for row in hashed:
        assert row["digest"] == digest_of(fixture(row["file"].partition("/")[2]))
    compared = [r for r in IMAGE["matches_digest"] if not (r["file"] == signed and r["matches"])]
    for row in compared:
        raw, digest = fixture(row["file"].partition("/")[2]), row["digest"]
        assert row["matches"] == (is_digest(digest) and verifies(raw, parse_digest(digest)))
    print(f"not run: 1 + 1 rows: {PAYLOAD_HABIT}")
    assert (2, 3, 7, 8) == (
        len(hashed),
        len(IMAGE["digest"]),
        len(compared),
        len(IMAGE["matches_digest"]),
    )


def test_known_content_types_are_kept_as_containers_image_keeps_them() -> None:
    rows = IMAGE["normalized_content_type"]
    run = [row for row in rows if form_of_type(row["input"])]
    for row in run:
        assert row["output"] == clean_media_type(row["input"])
    others = {form_of_type(row["input"]) for row in rows if row not in run}
    assert {None} == others  # taken for schema 1 there: a habit of that library alone
    assert (10, 6) == (len(rows), len(run))


CLAIMS = {
    "config": (OCI_INDEX, DOCKER_LIST, SCHEMA1),
    "fsLayers": (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST),
    "history": (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST),
    "layers": (OCI_INDEX, DOCKER_LIST, SCHEMA1),
    "manifests": (OCI_MANIFEST, DOCKER_MANIFEST, SCHEMA1_SIGNED),
}


def test_a_field_is_ambiguous_exactly_under_a_type_that_does_not_have_it() -> None:
    rows = IMAGE["unambiguous"]
    for row in rows:
        raw = row["document"].encode()
        if row["valid"]:
            assert not is_ambiguous(parse_document(raw, ""))
        elif row["document"] == "@":
            assert Form.UNREADABLE == parse_document(raw, "").form
        else:
            (field,) = json.loads(raw)
            for claimed in CLAIMS[field]:
                assert is_ambiguous(parse_document(raw, claimed)), (field, claimed)
    assert 13 == len(rows)


def test_a_field_of_another_form_added_to_a_real_document_makes_it_ambiguous() -> None:
    tried = 0
    for row in IMAGE["parsers_reject_extra_fields"]:
        fields = json.loads(fixture(row["file"].partition("/")[2]))
        assert not is_ambiguous(parse_document(json.dumps(fields).encode(), ""))
        for added in row["rejects_when_one_of_these_top_level_fields_is_added"]:
            raw = json.dumps({**fields, added: []}).encode()
            assert is_ambiguous(parse_document(raw, "")), (row["parser"], added)
            tried += 1
    assert 17 == tried


def test_regclient_accepts_the_same_documents() -> None:
    section = DETECTION["regclient_new"]
    run = [row for row in section["cases"] if row["document"] and not row["digest_given"]]
    different = set()
    for row in run:
        raw = section["documents"][row["document"]].encode()
        served = row["content_type_header"] or row["descriptor_media_type"] or ""
        document = parse_document(raw, served)
        refused = document.form is Form.UNREADABLE or disagrees(document) or is_ambiguous(document)
        if refused == row["valid"]:
            different.add(row["name"])
    headers = [row for row in section["cases"] if not row["document"]]
    digests = [row for row in section["cases"] if row["digest_given"]]
    print(f"not run: {len(headers)} rows about answers to HEAD, {len(digests)} about digests")
    assert set(REGCLIENT_DIFFERS) == different
    assert (29, 17, 9, 3) == (len(section["cases"]), len(run), len(headers), len(digests))


def test_distribution_rejects_the_same_fields() -> None:
    types = {
        "docker manifest list": DOCKER_LIST,
        "OCI index": OCI_INDEX,
        "OCI manifest": OCI_MANIFEST,
    }
    rules = DETECTION["distribution_unmarshal"]["rules"]
    for rule in rules[:3]:
        for field in rule["reject_if_present"]:
            raw = json.dumps({"mediaType": types[rule["validator"]], field: []}).encode()
            assert is_ambiguous(parse_document(raw, ""))
    kept = parse_document(json.dumps({"mediaType": OCI_INDEX}).encode(), OCI_MANIFEST)
    assert (4, OCI_INDEX, OCI_MANIFEST) == (len(rules), kept.media_type, kept.served_type)


def spelling(entry: Descriptor) -> str | None:
    if entry.platform is None:
        return None
    parts = (entry.platform.os, entry.platform.architecture, entry.platform.variant)
    return "/".join(part for part in parts if part)


@pytest.mark.parametrize("row", LISTS, ids=lambda row: row["file"])
def test_a_real_list_is_read_as_it_is_described(row: dict[str, Any]) -> None:
    document = parse_document((CORPUS / "lists" / row["file"]).read_bytes(), "")
    kinds = [decide_kind(entry, None) for entry in document.entries]
    said = row["notable"].split("; ")
    assert f"sha256:{row['sha256']}" == document.digest
    assert row["kind"] == document.form
    assert (row["media_type"] or "") == document.media_type
    assert row["entries"] == len(document.entries)
    assert row["platforms"] == [spelling(entry) for entry in document.entries]
    assert any(note.startswith("AMBIGUOUS") for note in said) == is_ambiguous(document)
    assert any("not well formed" in n or n == "size None" for n in said) == any(
        problem.where.endswith((".digest", ".size")) for problem in document.problems
    )
    assert ("nested index" in said) == (Kind.INDEX in kinds)
    assert ("attestation entry unknown/unknown" in said) == (Kind.ATTESTATION in kinds)
    assert ("has subject" in said) == (document.subject is not None)
    assert ("index annotations" in said) == bool(document.annotations)
    assert ("entry annotations" in said) == any(
        entry.annotations and not is_attestation_entry(entry) for entry in document.entries
    )
    assert ("entry urls" in said) == any(entry.urls for entry in document.entries)
    assert ("os.features" in said) == any(
        entry.platform and entry.platform.os_features for entry in document.entries
    )


def test_every_real_list_was_read() -> None:
    forms = Counter(row["kind"] for row in LISTS)
    assert {"index": 59, "schema1": 13} == forms


def test_buildkits_examples_of_attestations_are_attestations() -> None:
    examples = json.loads((CORPUS / "lists" / "attestation_examples.json").read_bytes())
    raws = [d["document"].encode() for d in examples["documents"]]
    index, manifest = (parse_document(raw, "") for raw in raws[2:4])
    kinds = [decide_kind(entry, None) for entry in index.entries]
    assert [Kind.UNDECIDED, Kind.ATTESTATION] == kinds
    assert Kind.ATTESTATION == decide_kind(Descriptor(), manifest)
    assert () == index.problems
