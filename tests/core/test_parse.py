"""What is read of documents, what is said of broken ones, and that nothing ever raises."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.manifest import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_DOCUMENT_BYTES,
    MAX_ENTRIES,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Document,
    Form,
    ImageConfig,
    Problem,
    ProblemKind,
)
from mfl_lint.core.parse import parse_config, parse_document, parse_layout
from mfl_lint.core.platform import Platform

A = "sha256:" + "a" * 64
B = "sha512:" + "b" * 128
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ENTRY = {"mediaType": OCI_MANIFEST, "digest": A, "size": 7}
INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [ENTRY]}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": OCI_MANIFEST,
    "config": {"mediaType": OCI_CONFIG, "digest": A, "size": 3},
    "layers": [{"mediaType": LAYER, "digest": B, "size": 0}],
}
CONFIG = {
    "architecture": "arm64",
    "os": "linux",
    "created": "2026-01-02T03:04:05.678Z",
    "rootfs": {"type": "layers", "diff_ids": [A, B]},
    "config": {"Env": ["A=b"], "Volumes": None, "Labels": {"a": "b"}},
    "history": [{"created_by": "COPY", "empty_layer": True}],
}


def document(value: object, served: str = "") -> Document:
    return parse_document(json.dumps(value).encode(), served)


def config(**changes: object) -> ImageConfig:
    raw = json.dumps({**CONFIG, **changes}).encode()
    return parse_config(raw, digest_of(raw))


def entry(**changes: object) -> Document:
    fields = {k: v for k, v in {**ENTRY, **changes}.items() if v != "absent"}
    return document({**INDEX, "manifests": [fields]})


def places(parsed: Document | ImageConfig) -> list[str]:
    return [f"{problem.kind}:{problem.where}" for problem in parsed.problems]


def test_an_index_is_read_in_full_with_its_exact_spellings() -> None:
    platform = {
        "os": "Windows",
        "architecture": "x86_64",
        "variant": "v8",
        "os.version": "10.0",
        "os.features": ["win32k"],
        "features": ["sse4"],
    }
    fields = {
        **ENTRY,
        "platform": platform,
        "annotations": {"k": "v"},
        "artifactType": "application/x",
        "urls": ["https://example.com/x"],
    }
    raw = json.dumps(
        {**INDEX, "manifests": [fields], "subject": ENTRY, "annotations": {"a": "b"}}
    ).encode()
    expected = Document(
        raw,
        digest_of(raw),
        DOCKER_LIST,
        Form.INDEX,
        OCI_INDEX,
        entries=(
            Descriptor(
                OCI_MANIFEST,
                Digest(A),
                7,
                Platform("Windows", "x86_64", "v8", "10.0", ("win32k",)),
                {"k": "v"},
                "application/x",
                ("https://example.com/x",),
            ),
        ),
        subject=Descriptor(OCI_MANIFEST, Digest(A), 7),
        annotations={"a": "b"},
    )
    assert expected == parse_document(raw, f" {DOCKER_LIST.upper()} ; charset=utf-8")


def test_a_manifest_is_read_in_full() -> None:
    parsed = document(MANIFEST)
    assert (Form.MANIFEST, ()) == (parsed.form, parsed.problems)
    assert Descriptor(OCI_CONFIG, Digest(A), 3) == parsed.config
    assert (Descriptor(LAYER, Digest(B), 0),) == parsed.layers


def test_a_config_is_read_in_full() -> None:
    parsed = config(variant="v8", **{"os.version": "1", "os.features": ["f"]})
    assert Platform("linux", "arm64", "v8", "1", ("f",)) == parsed.platform
    assert ("2026-01-02T03:04:05.678Z", 2, ()) == (
        parsed.created,
        parsed.diff_ids,
        parsed.problems,
    )


def test_a_given_digest_is_kept_and_none_is_made_of_the_bytes() -> None:
    assert Digest(B) == parse_document(b"{}", "", Digest(B)).digest
    assert digest_of(b"{}") == parse_document(b"{}", "").digest


@pytest.mark.parametrize(
    ("fields", "served", "form"),
    [
        ({"mediaType": OCI_INDEX}, OCI_MANIFEST, Form.INDEX),
        ({"mediaType": OCI_MANIFEST.upper() + "; x=y"}, OCI_INDEX, Form.MANIFEST),
        ({"mediaType": "text/plain", "manifests": []}, "", Form.INDEX),
        ({"config": {}}, DOCKER_LIST, Form.INDEX),
        ({"config": {}}, "application/json", Form.MANIFEST),
        ({"layers": []}, "", Form.MANIFEST),
        ({"manifests": []}, DOCKER_MANIFEST, Form.MANIFEST),
        ({"fsLayers": []}, "", Form.SCHEMA1),
        ({"history": [], "schemaVersion": 1}, "", Form.SCHEMA1),
        ({"history": []}, "", Form.UNREADABLE),
        ({"errors": []}, "", Form.UNREADABLE),
    ],
)
def test_the_own_type_decides_then_the_served_one_then_the_fields(
    fields: dict[str, object], served: str, form: Form
) -> None:
    assert form == document(fields, served).form


def test_an_old_artifact_manifest_is_a_manifest_without_config() -> None:
    oci_artifact = "application/vnd.oci.artifact.manifest.v1+json"
    parsed = document({"mediaType": oci_artifact, "artifactType": "a/b", "blobs": [ENTRY]})
    assert (Form.MANIFEST, "a/b", 1, ()) == (
        parsed.form,
        parsed.artifact_type,
        len(parsed.layers),
        parsed.problems,
    )


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not JSON: Expecting value at line 1"),
        (b"<html>", "not JSON: Expecting value at line 1"),
        (b"[]", "an array is not an object"),
        (b'"x"', "'x' is not an object"),
        (b'{"a": "\xff"}', "not UTF-8: byte 0xff at 7"),
        (b"[" * 100_000, "nested more than 100 deep"),
        (b'{"a":' * 100_000, "nested more than 100 deep"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "nested more than 100 deep"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "8388609 bytes are more than 8388608"),
        (b"[" + b"{}," * 200_000 + b"{}]", "more than 100000 values"),
    ],
)
def test_what_is_no_json_object_is_unreadable_and_says_why(raw: bytes, message: str) -> None:
    started = time.perf_counter()
    parsed = parse_document(raw, "")
    assert (Form.UNREADABLE, [message]) == (parsed.form, [p.message for p in parsed.problems])
    assert parsed.problems == parse_config(raw, parsed.digest).problems
    assert time.perf_counter() - started < 2


def test_a_hundred_levels_can_be_read() -> None:
    nested = b'{"a":' * 99 + b"{}" + b"}" * 99
    raw = json.dumps(INDEX).encode()[:-1] + b', "x":' + nested[5:-1] + b"}"
    assert () == parse_document(raw, "").problems


@pytest.mark.parametrize(
    ("parsed", "place"),
    [
        (document({**INDEX, "config": {}}), "config"),
        (document({**INDEX, "mediaType": OCI_MANIFEST}), "manifests"),
        (document({**MANIFEST, "fsLayers": []}), "fsLayers"),
        (document({**MANIFEST, "manifests": None}), "manifests"),
        (document({"fsLayers": [], "schemaVersion": 1, "layers": []}, ""), "fsLayers"),
        (parse_document(b'{"manifests": [], "manifests": []}', ""), "manifests"),
        (
            parse_document(b'{"manifests": [{"a b": {"c": 1, "c": 1}}]}', ""),
            "manifests[0]['a b'].c",
        ),
    ],
)
def test_fields_of_two_forms_and_repeated_keys_are_ambiguous(parsed: Document, place: str) -> None:
    assert f"ambiguous:{place}" == places(parsed)[0]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"size": True}, "size"),
        ({"size": "7"}, "size"),
        ({"size": -1}, "size"),
        ({"size": 7.0}, "size"),
        ({"size": 2**63}, "size"),
        ({"size": int("9" * 4000)}, "size"),
        ({"size": float("nan")}, "size"),
        ({"size": float("inf")}, "size"),
        ({"size": "absent"}, "size"),
        ({"size": None}, "size"),
        ({"digest": "absent"}, "digest"),
        ({"digest": 5}, "digest"),
        ({"digest": "sha256:../../etc/passwd"}, "digest"),
        ({"digest": A.upper()}, "digest"),
        ({"digest": A[:-1]}, "digest"),
        ({"digest": B + "b"}, "digest"),
        ({"digest": A + "\n"}, "digest"),
        ({"mediaType": "absent"}, "mediaType"),
        ({"mediaType": ["x"]}, "mediaType"),
        ({"mediaType": "../x"}, "mediaType"),
        ({"mediaType": OCI_MANIFEST + "; charset=utf-8"}, "mediaType"),
        ({"artifactType": "x"}, "artifactType"),
        ({"platform": "linux/amd64"}, "platform"),
        ({"platform": {"os": 1}}, "platform.os"),
        ({"platform": {"os": "x" * 256}}, "platform.os"),
        ({"platform": {"os.features": "x"}}, "platform.os.features"),
        ({"platform": {"os.features": ["x", 1]}}, "platform.os.features[1]"),
        ({"platform": {"os.features": ["x" * 256]}}, "platform.os.features"),
        ({"annotations": []}, "annotations"),
        ({"annotations": {"a": 1, "b": 2}}, "annotations.a"),
        ({"annotations": {"a": "\0"}}, "annotations.a"),
        ({"annotations": {"a": "\ud800"}}, "annotations.a"),
        ({"annotations": {"\udfff": "a"}}, "annotations"),
        ({"urls": ["//x"]}, "urls"),
        ({"data": "%"}, "data"),
        ({"data": 1}, "data"),
    ],
)
def test_a_broken_descriptor_has_one_problem_at_its_place(
    changes: dict[str, object], place: str
) -> None:
    assert [f"invalid:manifests[0].{place}"] == places(entry(**changes))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"schemaVersion": 1}, "schemaVersion"),
        ({"schemaVersion": True}, "schemaVersion"),
        ({"schemaVersion": 2.0}, "schemaVersion"),
        ({"schemaVersion": None}, "schemaVersion"),
        ({"config": None}, "config"),
        ({"config": []}, "config"),
        ({"layers": None}, "layers"),
        ({"layers": {}}, "layers"),
        ({"layers": [7]}, "layers[0]"),
        ({"subject": 7}, "subject"),
        ({"mediaType": 7}, "mediaType"),
        ({"annotations": {"a": None}}, "annotations.a"),
    ],
)
def test_a_broken_manifest_has_one_problem_at_its_place(
    changes: dict[str, object], place: str
) -> None:
    assert [f"invalid:{place}"] == places(document({**MANIFEST, **changes}, OCI_MANIFEST))


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"os": 1}, "os"),
        ({"os": "\ud834"}, "os"),
        ({"created": "yesterday"}, "created"),
        ({"created": ""}, "created"),
        ({"created": 7}, "created"),
        ({"author": 7}, "author"),
        ({"rootfs": None}, "rootfs"),
        ({"rootfs": "x"}, "rootfs"),
        ({"rootfs": {"type": "layers"}}, "rootfs.diff_ids"),
        ({"rootfs": {"type": "x", "diff_ids": []}}, "rootfs.type"),
        ({"rootfs": {"type": "layers", "diff_ids": {}}}, "rootfs.diff_ids"),
        ({"rootfs": {"type": "layers", "diff_ids": [7]}}, "rootfs.diff_ids[0]"),
        ({"config": []}, "config"),
        ({"config": {"Env": ["foo"]}}, "config.Env"),
        ({"config": {"Cmd": "sh"}}, "config.Cmd"),
        ({"config": {"User": 0}}, "config.User"),
        ({"config": {"ArgsEscaped": "x"}}, "config.ArgsEscaped"),
        ({"config": {"Volumes": {"/x": 1}}}, "config.Volumes['/x']"),
        ({"config": {"Labels": {"x": 1}}}, "config.Labels.x"),
        ({"history": "x"}, "history"),
        ({"history": ["x"]}, "history[0]"),
        ({"history": [{"empty_layer": 1}]}, "history[0].empty_layer"),
    ],
)
def test_a_broken_config_has_one_problem_at_its_place(changes: dict[str, Any], place: str) -> None:
    assert [f"invalid:{place}"] == places(config(**changes))


def test_an_absent_platform_of_a_config_is_no_problem_of_the_document() -> None:
    parsed = config(os=None, architecture=None)
    assert (Platform(), ()) == (parsed.platform, parsed.problems)


def test_what_does_not_count_says_so_in_the_config() -> None:
    unusable = config(rootfs={"type": "layers", "diff_ids": {}}, created="yesterday")
    assert (None, "") == (unusable.diff_ids, unusable.created)


def test_platforms_tell_absent_from_empty() -> None:
    values: tuple[object, ...] = ("absent", None, [], {})
    platforms = [entry(platform=value).entries[0].platform for value in values]
    assert [None, None, None, Platform()] == platforms


def test_null_in_an_optional_field_counts_as_absent() -> None:
    nothing = dict.fromkeys(("annotations", "platform", "urls", "data", "artifactType"))
    assert () == entry(**nothing).problems
    assert () == document({**MANIFEST, "subject": None, "annotations": None}).problems


def test_annotations_of_an_otherwise_short_descriptor_are_read() -> None:
    assert {"a": "b"} == entry(size="absent", annotations={"a": "b"}).entries[0].annotations


def test_a_digest_of_an_unregistered_algorithm_is_no_problem_but_cannot_be_used() -> None:
    parsed = entry(digest="multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDe")
    assert ((), None) == (parsed.problems, parsed.entries[0].digest)


def test_unusable_strings_never_reach_the_view() -> None:
    parsed = entry(
        platform={"os": "li\0nux", "architecture": "\udc80"}, annotations={"\ud800": "x"}
    )
    (read,) = parsed.entries
    assert Platform("li\ufffdnux", "\ufffd") == read.platform
    assert {"\ufffd": "x"} == read.annotations
    assert "\ufffd" in document({"manifests": []}, "text/\udcff").served_type.replace("?", "\ufffd")


def test_a_pair_of_surrogates_is_a_character_like_any_other() -> None:
    parsed = entry(annotations={"a": "\U0001f600", "b": "\\ud800", "c": "&&"})
    assert ({"a": "\U0001f600", "b": "\\ud800", "c": "&&"}, ()) == (
        parsed.entries[0].annotations,
        parsed.problems,
    )


def test_the_first_thousand_entries_are_kept_and_the_rest_is_said() -> None:
    parsed = document({**INDEX, "manifests": [ENTRY] * 10_000})
    message = "10000 entries are more than 1000; the rest unread"
    assert (Problem(ProblemKind.INVALID, "manifests", message),) == parsed.problems
    assert MAX_ENTRIES == len(parsed.entries)


def test_twenty_problems_are_kept_and_the_last_says_how_many_more() -> None:
    parsed = document({**INDEX, "manifests": [7] * 30, "layers": []})
    assert 20 == len(parsed.problems)
    assert Problem(ProblemKind.INVALID, "", "and 12 more problems") == parsed.problems[-1]
    assert ProblemKind.AMBIGUOUS == parsed.problems[0].kind


def test_messages_are_bounded_single_lines_with_the_actual_values() -> None:
    hostile = "\x1b[31m\n\u202e" + "x" * 10_000
    fields = {**ENTRY, "mediaType": hostile, "digest": hostile, "urls": [hostile], hostile: "\0"}
    parsed = document({**INDEX, "manifests": [fields], "annotations": {hostile: 1}})
    assert 5 == len(parsed.problems)
    for problem in parsed.problems:
        text = problem.where + problem.message
        assert len(problem.where) <= 200
        assert len(problem.message) <= 500
        assert not {"\x1b", "\n", "\u202e"} & set(text)
    assert "\\x1b[31m\\n\\u202exxx" in parsed.problems[1].message


def test_a_layout_file_has_its_one_version() -> None:
    assert () == parse_layout(b'{"imageLayoutVersion": "1.0.0"}')
    assert ["null is not '1.0.0'"] == [problem.message for problem in parse_layout(b"{}")]
    assert 1 == len(parse_layout(b"\0"))


WORST: dict[str, object] = {
    "labels": {"config": {"Labels": {str(number): 1 for number in range(48_000)}}},
    "digests": {"rootfs": {"type": "layers", "diff_ids": ["x"] * 96_000}},
    "surrogates": {"manifests": [], "x": {f"\ud800{number}": {} for number in range(48_000)}},
    "long strings": {"manifests": [{"mediaType": "x" * 8000, "digest": "y" * 8000}] * 500},
    "annotations": {"manifests": [], "annotations": {str(n): 1 for n in range(96_000)}},
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_documents_within_the_bounds_take_no_time(name: str) -> None:
    raw = json.dumps(WORST[name]).encode()
    started = time.process_time()
    parsed = parse_document(raw, "")
    taken = time.process_time() - started
    started = time.process_time()
    read = parse_config(raw, parsed.digest)
    taken = max(taken, time.process_time() - started)
    print(f"{name}: {len(raw)} bytes, {taken * 1000:.0f} ms")
    assert 0 < len(parsed.problems + read.problems) <= 40
    assert taken < 2


HOSTILE: tuple[object, ...] = (
    None, True, -1, 0, 2**63, 1e400, float("nan"), "", "\0", "\ud800", "x" * 300, A, B, "../../x",
    [], {}, [[]], {"a": {}}, OCI_INDEX, DOCKER_CONFIG, "linux", ["x", 1], {"os": None},
)  # fmt: skip


def mutated(random_: random.Random, value: Any, depth: int = 0) -> Any:
    if depth > 4 or random_.random() < 0.08:
        return random_.choice(HOSTILE)
    if isinstance(value, dict):
        changed = {k: mutated(random_, v, depth + 1) for k, v in value.items()}
        if random_.random() < 0.2:
            keys = ["manifests", "config", "layers", "fsLayers", "platform", "annotations", "\0"]
            changed[random_.choice(keys)] = random_.choice(HOSTILE)
        if changed and random_.random() < 0.2:
            changed.pop(random_.choice(list(changed)))
        return changed
    if isinstance(value, list):
        return [mutated(random_, v, depth + 1) for v in value] * random_.randrange(3)
    return value


def damaged(random_: random.Random, raw: bytes) -> bytes:
    data = bytearray(raw)
    for _ in range(random_.randrange(1, 6)):
        at = random_.randrange(len(data) + 1)
        insert = (b'"', b"{", b"[", b"\\ud800", b"\xff", b"NaN", b",", b"9" * 5000, b"", b"\0")
        data[at : at + random_.randrange(4)] = random_.choice(insert)
    return bytes(data)


def test_random_and_mutated_documents_raise_nothing(count: Callable[[int], int]) -> None:
    random_, forms, slowest = random.Random(2641), dict.fromkeys(Form, 0), 0.0
    rich = [
        {**ENTRY, "platform": {"os": "linux", "architecture": "arm"}, "annotations": {"a": "b"}}
    ]
    for number in range(count(5000)):
        start = random_.choice([{**INDEX, "manifests": rich * 3}, MANIFEST, CONFIG])
        raw = json.dumps(mutated(random_, start)).encode()
        if number % 3 == 0:
            raw = damaged(random_, raw)
        elif number % 50 == 1:
            raw = random_.randbytes(random_.randrange(2000))
        started = time.process_time()
        parsed = parse_document(raw, random_.choice(["", OCI_INDEX, OCI_MANIFEST, "\udcff"]))
        read = parse_config(raw, parsed.digest)
        slowest = max(slowest, time.process_time() - started)
        forms[parsed.form] += 1
        assert (parsed, read) == (
            parse_document(raw, parsed.served_type, parsed.digest),
            parse_config(raw, parsed.digest),
        )
        assert_storable(parsed, read)
    print(f"{sum(forms.values())} documents: {forms}, slowest {slowest * 1000:.1f} ms")
    assert all(forms[form] for form in (Form.INDEX, Form.MANIFEST, Form.UNREADABLE))
    assert slowest < 2


def assert_storable(parsed: Document, read: ImageConfig) -> None:
    """A database takes every string: UTF-8 without NUL."""
    descriptors = [*parsed.entries, *parsed.layers, parsed.config, parsed.subject]
    texts = [parsed.media_type, parsed.artifact_type, parsed.served_type, read.created]
    for descriptor in descriptors:
        if descriptor is not None:
            texts += [descriptor.media_type, descriptor.artifact_type, *descriptor.urls]
            texts += [*descriptor.annotations, *descriptor.annotations.values()]
    platforms = [d.platform for d in parsed.entries] + [read.platform]
    for platform in platforms:
        if platform is not None:
            texts += [platform.os, platform.architecture, platform.variant, platform.os_version]
            texts += platform.os_features
    for problem in parsed.problems + read.problems:
        texts += [problem.where, problem.message]
    assert "\0" not in "".join(texts)
    "".join(texts).encode()
