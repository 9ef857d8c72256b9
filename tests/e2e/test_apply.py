"""`mfl-lint manifest apply` on a real docker-registry."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mfl_lint.core.digest import digest_of
from tests.builders import attestation, image, index
from tests.e2e.commands import MflLint
from tests.e2e.test_fix import check_story, raw, seeded
from tests.servers import DockerRegistry, push

WORDS = ("x86", "s390x", "ppc64le", "armhf")


def written(folder: Path, host: str, name: str, more: str = "") -> Path:
    """Write the description of the one list that the story's four repositories become."""
    entries = "".join(f"  - image: {host}/{name}-{word}:v1\n" for word in WORDS)
    path = folder / "spec.yaml"
    path.write_text(f"image: {host}/{name}:v1\n{more}manifests:\n{entries}")
    return path


async def test_four_repositories_become_one_list_as_a_file_describes_it(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, docker: str, skopeo: str
) -> None:
    registry = shared_docker_registry
    name = await seeded(registry, "applied")
    spec = written(mfl_lint.folder, registry.host, name, "tags: [latest]\n")
    shown = await mfl_lint("manifest", "apply", spec, "--dry-run")
    assert 0 == shown.code, shown.err
    done = await mfl_lint("manifest", "apply", spec)
    assert 0 == done.code, done.err
    bytes_there = await raw(registry, name, "v1")
    assert shown.out.encode() == bytes_there == await raw(registry, name, "latest")
    assert digest_of(bytes_there) == done.out.strip()
    assert f"would push {digest_of(bytes_there)} ({len(bytes_there)} bytes" in shown.err
    await check_story(registry, mfl_lint, name, docker, skopeo)


async def test_a_template_makes_the_same_list_as_a_file(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    host = shared_docker_registry.host
    for arch, variant in (("amd64", ""), ("arm", "v7")):
        built = image("linux", arch, variant, name="template")
        await push(host, f"templates/app-{arch}{variant}", built, "v1")
    spec = mfl_lint.folder / "spec.yaml"
    spec.write_text(
        f"image: {host}/templates/app:v1\nmanifests:\n"
        f"- image: {host}/templates/app-amd64:v1\n- image: {host}/templates/app-armv7:v1\n"
    )
    by_file = await mfl_lint("manifest", "apply", spec, "--dry-run")
    by_template = await mfl_lint(
        "manifest",
        "apply",
        *("--template", f"{host}/templates/app-ARCHVARIANT:v1"),
        *("--platforms", "linux/amd64,linux/arm/v7", "--target", f"{host}/templates/app:v1"),
    )
    assert (0, 0) == (by_file.code, by_template.code), by_file.err + by_template.err
    pushed = await raw(shared_docker_registry, "templates/app", "v1")
    assert by_file.out.encode() == pushed


async def test_a_list_as_a_source_gives_its_entries_and_attestations_come_last(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    host = shared_docker_registry.host
    amd64, arm64 = image("linux", "amd64", name="inner"), image("linux", "arm64", name="inner")
    await push(host, "sources/app-amd64", index(amd64, attestation(amd64)), "v1")
    await push(host, "sources/app-arm64", arm64, "v1")
    spec = mfl_lint.folder / "spec.yaml"
    spec.write_text(
        f"image: {host}/sources/app\nannotations: {{a: b}}\nmanifests:\n"
        f"- image: {host}/sources/app-amd64:v1\n- image: {host}/sources/app-arm64:v1\n"
    )
    done = await mfl_lint("manifest", "apply", spec)
    assert 0 == done.code, done.err
    made = json.loads(await raw(shared_docker_registry, "sources/app", done.out.strip()))
    assert [amd64.digest, arm64.digest, attestation(amd64).digest] == [
        entry["digest"] for entry in made["manifests"]
    ]
    assert {"a": "b"} == made["annotations"]


@pytest.mark.parametrize(
    ("more", "arguments", "code", "said"),
    [
        (
            "manifest: x\n",
            [],
            2,
            "spec.yaml:2: there is no key 'manifest'; did you mean manif",
        ),
        ("", [], 3, "no such manifest"),
        ("", ["--ignore-missing"], 2, "every image is missing"),
        ("", ["--target", "x"], 2, "a SPEC.yaml says all of it"),
    ],
)
async def test_what_cannot_be_applied_is_one_line_that_names_the_place(
    shared_docker_registry: DockerRegistry,
    mfl_lint: MflLint,
    more: str,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    spec = written(mfl_lint.folder, shared_docker_registry.host, "not-there/app", more)
    done = await mfl_lint("manifest", "apply", spec, *arguments)
    assert code == done.code, done.err
    last = done.err.splitlines()[-1]
    assert said in last
    if code == 3:
        assert f"{spec}:3" in last


async def test_what_is_missing_is_left_out_where_that_is_asked_for(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    host = shared_docker_registry.host
    await push(host, "partly/app-x86", image("linux", "amd64", name="partly"), "v1")
    spec = written(mfl_lint.folder, host, "partly/app")
    done = await mfl_lint("manifest", "apply", spec, "--ignore-missing")
    assert 0 == done.code, done.err
    assert 3 == done.err.count("left out: ")
    made = json.loads(await raw(shared_docker_registry, "partly/app", "v1"))
    assert ["amd64"] == [entry["platform"]["architecture"] for entry in made["manifests"]]


async def test_a_platform_that_the_image_contradicts_is_refused_unless_forced(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    host = shared_docker_registry.host
    await push(host, "lies/app-x86", image("linux", "amd64", name="lies"), "v1")
    spec = mfl_lint.folder / "spec.yaml"
    spec.write_text(
        f"image: {host}/lies/app:v1\nmanifests:\n- image: {host}/lies/app-x86:v1\n"
        "  platform: {os: linux, architecture: aarch64}\n"
    )
    refused = await mfl_lint("manifest", "apply", spec)
    assert 1 == refused.code
    assert "error MFL101 platform-contradicts-config" in refused.err
    assert "linux/aarch64 is written linux/arm64" in refused.err
    forced = await mfl_lint("manifest", "apply", spec, "--force")
    assert 0 == forced.code, forced.err
