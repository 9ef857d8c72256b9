"""What manifest-tool refuses is refused, and what it takes is taken; each row of the corpus."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from mfl_lint.core.errors import ReferenceInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.inputs.list_spec import from_template
from mfl_lint.mend.annotating import Said, annotated
from tests.builders import DOCKER, image
from tests.e2e.commands import MflLint
from tests.servers import DockerRegistry, push

CORPUS: Final = Path(__file__).parent.parent / "corpus" / "docker_manifest_semantics.json"
ROWS: Final[dict[str, Any]] = json.loads(CORPUS.read_text())["manifest_tool"]
TARGET: Final = "image: {host}/tool/list:v1\n"
ONE: Final = "manifests:\n- image: {host}/tool/one:v1\n"

# The file (None: none is written), further arguments, the exit code, and what is said.
CASES: Final[dict[str, tuple[str | None, Sequence[str], int, str]]] = {
    "annotations with docker type": (
        TARGET + "annotations: {a: b}\n" + ONE,
        [],
        2,
        "a Docker list has no annotations: --oci makes an OCI index",
    ),
    "missing source": (
        TARGET + "manifests:\n- image: {host}/tool/nosuch:v1\n",
        [],
        3,
        "spec.yaml:3: no such manifest: {host}/tool/nosuch:v1",
    ),
    "all skipped": (
        TARGET + "manifests:\n- image: {host}/tool/nosuch:v1\n",
        ["--ignore-missing"],
        2,
        "every image is missing: there is no list to be pushed",
    ),
    "duplicate platform": (
        TARGET + ONE + "- image: {host}/tool/other:v1\n",
        [],
        1,
        "error MFL105 duplicate-platform: linux/amd64 is listed twice",
    ),
    "bad pair": (
        TARGET + ONE + "  platform: {{os: linux, architecture: foo}}\n",
        [],
        2,
        "spec.yaml:3: ",
    ),
    "other registry": (
        "image: localhost:{port}/tool/list:v1\n" + ONE,
        [],
        1,
        "--copy",
    ),
    "platforms item without slash": (
        None,
        ["--template", "a-ARCH:v1", "--target", "b:v1", "--platforms", "linux"],
        2,
        "it names no architecture; write for example linux/amd64",
    ),
    "empty YAML": ("", [], 2, "spec.yaml: it is not one YAML mapping with image and manifests"),
    "file missing": (None, ["nosuch.yaml"], 2, "nosuch.yaml: No such file or directory"),
}


def test_every_refusal_of_the_corpus_is_tried() -> None:
    assert {row["when"] for row in ROWS["errors"]} == set(CASES)


@pytest.mark.parametrize("when", CASES)
async def test_what_is_wrong_is_refused_and_said_where(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, when: str
) -> None:
    registry = shared_docker_registry
    await push(registry.host, "tool/one", image("linux", "amd64", flavour=DOCKER), "v1")
    await push(registry.host, "tool/other", image("linux", "amd64", flavour=DOCKER, name="x"), "v1")
    text, arguments, code, said = CASES[when]
    filled = {"host": registry.host, "port": registry.port}
    if text is not None:
        # Braces stand for themselves where nothing is filled in.
        plain = text.replace("{a: b}", "{{a: b}}").format(**filled)
        (mfl_lint.folder / "spec.yaml").write_text(plain)
        arguments = ["spec.yaml", *arguments]
    done = await mfl_lint("manifest", "apply", *arguments)
    assert code == done.code, done.err
    assert said.format(**filled) in done.err


@pytest.mark.parametrize("text", ROWS["valid_combination_tests"]["ok"])
def test_what_manifest_tool_takes_for_a_platform_is_taken(text: str) -> None:
    (entry,) = from_template("app-ARCHVARIANT:v1", [text], "app:v1").entries
    said = Said(entry.platform.os, entry.platform.architecture, entry.platform.variant)
    found, _ = annotated(Platform(), said)
    assert text.split("/")[:2] == [found.os, found.architecture]


@pytest.mark.parametrize("text", ROWS["valid_combination_tests"]["bad"])
def test_what_manifest_tool_takes_for_no_platform_is_refused(text: str) -> None:
    with pytest.raises(ReferenceInvalid):
        named(text)


def named(text: str) -> Platform:
    """Return the platform that an entry of a template gets."""
    (entry,) = from_template("app-ARCH:v1", [text], "app:v1").entries
    return annotated(Platform(), Said(entry.platform.os, entry.platform.architecture))[0]


def test_a_template_is_filled_in_as_the_corpus_says() -> None:
    spec = from_template("foo/bar-ARCHVARIANT:v1", ["linux/arm/v5", "linux/amd64"], "foo/bar:v1")
    assert ["foo/bar-armv5:v1", "foo/bar-amd64:v1"] == [x.image.familiar for x in spec.entries]
