"""The quick reading says what the detailed one says, or nothing."""

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from mfl_lint.core.config_document import read_whole_config
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_ENTRIES,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
)
from mfl_lint.core.parse import detailed_config, detailed_document, parse_config
from mfl_lint.core.regular import regular_document

A = f"sha256:{'a' * 64}"
CONFIG = {"mediaType": OCI_CONFIG, "digest": A, "size": 7}
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": A, "size": 9}
ENTRY = {
    "mediaType": OCI_MANIFEST,
    "digest": A,
    "size": 5,
    "platform": {"architecture": "arm", "os": "linux", "variant": "v7", "os.features": ["x"]},
    "annotations": {"a": "b"},
}
INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [ENTRY, ENTRY]}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": OCI_MANIFEST,
    "config": CONFIG,
    "layers": [LAYER, LAYER],
    "annotations": {"org.opencontainers.image.created": "2026-03-01T12:00:00Z"},
}
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1.0, 2**63, "", "x", "é", 'a"b', "a\\b", "\0", [], {}, [None],
)  # fmt: skip


def both(raw: bytes, served: str) -> tuple[Any, Any]:
    digest = digest_of(raw)
    return regular_document(raw, digest, served), detailed_document(raw, digest, served)


@pytest.mark.parametrize(
    ("document", "served"),
    [
        (INDEX, OCI_INDEX),
        (MANIFEST, OCI_MANIFEST),
        ({**INDEX, "mediaType": DOCKER_LIST}, DOCKER_LIST),
        ({**MANIFEST, "mediaType": DOCKER_MANIFEST, "annotations": {}}, DOCKER_MANIFEST),
    ],
)
def test_usual_documents_are_read_quickly_and_alike(document: dict[str, Any], served: str) -> None:
    dense = json.dumps(document, separators=(",", ":"))
    for text in (dense, json.dumps(document, indent=3, ensure_ascii=False)):
        quick, detailed = both(text.encode(), served)
        assert detailed == quick


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(INDEX).replace('"size": 5', '"size": 5, "size": 5', 1),
        json.dumps(INDEX).replace('"os": "linux"', '"os": "linux", "os": "windows"', 1),
        json.dumps(INDEX).replace('"a": "b"', '"a": "b", "a": "c"', 1),
        json.dumps(INDEX)[:-1] + ', "manifests": []}',
        json.dumps({**INDEX, "annotations": None}),
        json.dumps({**INDEX, "subject": CONFIG}),
        json.dumps({**INDEX, "artifactType": "a/b"}),
        json.dumps({**INDEX, "config": CONFIG}),
        json.dumps({**INDEX, "manifests": []}),
        json.dumps({**INDEX, "manifests": [ENTRY] * (MAX_ENTRIES + 1)}),
        json.dumps({**INDEX, "manifests": [{**ENTRY, "digest": A.upper()}]}),
        json.dumps({**INDEX, "manifests": [{**ENTRY, "digest": f"{A[7:]}sha256:"}]}),
        json.dumps({**INDEX, "manifests": [{**ENTRY, "digest": f"sha256:{'a' * 63}G"}]}),
        json.dumps(
            {**INDEX, "manifests": [{**ENTRY, "digest": f"sha256:{'a' * 63}é"}]}, ensure_ascii=False
        ),
        json.dumps({**INDEX, "manifests": [{**ENTRY, "urls": ["http://a"]}]}),
        json.dumps({**INDEX, "manifests": [{**ENTRY, "artifactType": ""}]}),
        json.dumps({**INDEX, "manifests": [{**ENTRY, "mediaType": "none"}]}),
        json.dumps({**INDEX, "annotations": {"a": "\u00e9\\"}}),
        json.dumps({**INDEX, "mediaType": DOCKER_LIST}),
        json.dumps({**INDEX, "schemaVersion": 1}),
    ],
)
def test_anything_else_is_left_to_the_detailed_reading(text: str) -> None:
    assert regular_document(text.encode(), digest_of(text.encode()), OCI_INDEX) is None


def changed(chance: random.Random, value: Any) -> Any:
    if chance.random() < 0.05:
        return chance.choice(ODD)
    if isinstance(value, dict):
        kept = {k: changed(chance, v) for k, v in value.items() if chance.random() > 0.03}
        if chance.random() < 0.05:
            kept[chance.choice(("subject", "urls", "data", "os", "a", "x"))] = chance.choice(ODD)
        return kept
    return [changed(chance, one) for one in value] if isinstance(value, list) else value


IMAGE = {
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "created": "2026-03-01T12:00:00.5Z",
    "author": "somebody",
    "config": {
        "User": "1000",
        "Env": ["PATH=/bin", "A="],
        "Entrypoint": ["/app"],
        "Cmd": [],
        "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}},
        "WorkingDir": "/",
        "Labels": {"a": "b"},
        "StopSignal": "SIGTERM",
        "ArgsEscaped": False,
    },
    "rootfs": {"type": "layers", "diff_ids": [A, A]},
    "history": [{"created": "x", "created_by": "RUN", "comment": "c", "empty_layer": True}],
}


def test_a_usual_config_is_read_quickly_and_alike() -> None:
    for text in (json.dumps(IMAGE, separators=(",", ":")), json.dumps(IMAGE, indent=3)):
        assert read_whole_config(text.encode()) is not None
        digest = digest_of(text.encode())
        assert detailed_config(text.encode(), digest) == parse_config(text.encode(), digest)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(IMAGE).replace('"os": "linux"', '"os": "linux", "os": "linux"'),
        json.dumps(IMAGE).replace('"a": "b"', '"a": "b", "a": "b"'),
        json.dumps(IMAGE).replace('"80/tcp": {}', '"80/tcp": {"x": 1, "x": 1}'),
        json.dumps(IMAGE).replace('"/data": {}', f'"/data": {{"x": {"[" * 101}{"]" * 101}}}'),
        json.dumps({**IMAGE, "created": "yesterday"}),
        json.dumps({**IMAGE, "config": {"Env": ["A=", "B"]}}),
        json.dumps({**IMAGE, "rootfs": {"type": "layers", "diff_ids": [A, f"sha512:{'a' * 64}"]}}),
        json.dumps({**IMAGE, "docker_version": "1"}),
        json.dumps({**IMAGE, "variant": None}),
        json.dumps({**IMAGE, "config": {"Healthcheck": {}}}),
        json.dumps({**IMAGE, "rootfs": {"type": "layers", "diff_ids": [A], "x": 1}}),
    ],
)
def test_any_other_config_is_left_to_the_detailed_reading(text: str) -> None:
    assert read_whole_config(text.encode()) is None


def test_changed_documents_are_read_alike_or_not_at_all(
    count: Callable[[int], int], seed: int
) -> None:
    chance, quickly, tries = random.Random(seed), 0, count(20_000)
    for _ in range(tries):
        start, served = chance.choice([(INDEX, OCI_INDEX), (MANIFEST, OCI_MANIFEST)])
        between = chance.choice([None, (",", ":")])
        value = changed(chance, start)
        text = json.dumps(value, ensure_ascii=chance.random() < 0.5, separators=between)
        if chance.random() < 0.2:
            at = chance.randrange(len(text))
            text = text[:at] + chance.choice(('"', ",", "{", " ", "\\", "1")) + text[at:]
        quick, detailed = both(text.encode("utf-8", "replace"), served)
        quickly += quick is not None
        assert quick in (None, detailed)
        image = json.dumps(changed(chance, IMAGE), separators=between).encode()
        assert detailed_config(image, Digest(A)) == parse_config(image, Digest(A))
    print(f"{tries} documents, {quickly} of them read quickly")
    assert 0 < quickly < tries
