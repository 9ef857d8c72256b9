"""Lists are made, pushed and changed on a real registry, and real clients judge them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.manifest import DOCKER_LIST, OCI_INDEX
from tests.builders import attestation, image, index
from tests.e2e.commands import Done, MflLint, bare_environment, run
from tests.e2e.filling import Filling
from tests.servers import DockerRegistry

PLATFORMS: Final = ("linux/amd64", "linux/arm/v7", "linux/ppc64le", "linux/s390x")
ASKED: Final = ("linux/amd64", "linux/s390x", "linux/ppc64le", "linux/arm")
IMAGES: Final = {text: image(*text.split("/")) for text in PLATFORMS}
ACCEPT: Final = f"{DOCKER_LIST}, {OCI_INDEX}"


class Story:
    """A user with our command, docker and skopeo, and images in a repository each."""

    def __init__(
        self, registry: DockerRegistry, mfl_lint: MflLint, skopeo: str, docker: str
    ) -> None:
        self.host = registry.host
        self.mfl_lint = mfl_lint
        self.filling = Filling(registry, mfl_lint.folder, skopeo, docker)
        self._skopeo, self._docker = skopeo, docker
        self._env = bare_environment(mfl_lint.folder / "reader")

    async def manifest(self, *arguments: str) -> Done:
        """Run `mfl-lint manifest` to its good end; `@` stands for the registry."""
        named = [f"{self.host}/{one[1:]}" if one.startswith("@") else one for one in arguments]
        done = await self.mfl_lint("manifest", *named)
        assert 0 == done.code, done.err
        return done

    async def raw(self, name: str) -> bytes:
        """Return what the registry has under `repository:tag`."""
        repository, _, tag = name.partition(":")
        url = f"http://{self.host}/v2/{repository}/manifests/{tag}"
        headers = {"Accept": ACCEPT}
        async with aiohttp.ClientSession() as client, client.get(url, headers=headers) as answer:
            assert 200 == answer.status
            return await answer.read()

    async def read_by_clients(self, name: str) -> list[str]:
        """Return the platforms that docker sees, after skopeo copied all of it."""
        where = f"{self.host}/{name}"
        done = await run(
            self._docker, "manifest", "inspect", "--insecure", where,
            env=self._env, cwd=self.mfl_lint.folder,
        )  # fmt: skip
        assert 0 == done.code, done.err
        target = self.mfl_lint.folder / name.replace("/", "-").replace(":", "-")
        copied = await run(
            self._skopeo, "--insecure-policy", "copy", "--all", "--src-tls-verify=false",
            f"docker://{where}", f"oci:{target}:it", env=self._env, cwd=self.mfl_lint.folder,
        )  # fmt: skip
        assert 0 == copied.code, copied.err
        raw = await run(
            self._skopeo, "inspect", "--raw", "--tls-verify=false", f"docker://{where}",
            env=self._env, cwd=self.mfl_lint.folder,
        )  # fmt: skip
        assert await self.raw(name) == raw.out.encode()
        return [_platform(entry["platform"]) for entry in done.json["manifests"]]

    async def demand_clean(self, name: str) -> None:
        """Demand that a scan of the list finds nothing that is wrong."""
        done = await self.mfl_lint.scan(f"{self.host}/{name}")
        assert 0 == done.json["summary"]["error"] == done.json["summary"]["unknown"]
        rules = {rule for rule, _, _ in done.findings}
        # On arm64 docker takes the arm image, podman none: no mistake of the list.
        assert rules <= {"MFL110"}, done.findings

    async def selected(self, name: str) -> dict[str, set[str | None]]:
        """Return what all engines take, by the platform that is asked for."""
        found = {}
        for platform in ASKED:
            done = await self.mfl_lint(
                "select", f"{self.host}/{name}", "--platform", platform, "--json"
            )
            taken = [one["selected"] for one in done.json["engines"]]
            found[platform] = {one and one["digest"] for one in taken}
        return found


def _platform(fields: dict[str, Any]) -> str:
    return "/".join(fields[key] for key in ("os", "architecture", "variant") if key in fields)


@pytest.fixture(scope="session")
def parts(
    shared_docker_registry: DockerRegistry,
    tmp_path_factory: pytest.TempPathFactory,
    skopeo: str,
    docker: str,
) -> DockerRegistry:
    """Return a registry with an image for each platform, of docker's types and of OCI's."""
    folder = tmp_path_factory.mktemp("parts")
    filling = Filling(shared_docker_registry, folder, skopeo, docker)

    async def fill() -> None:
        for text, built in IMAGES.items():
            await filling.copy(built, _part(text), docker_types=True)
            await filling.copy(built, _part(text, oci=True))

    asyncio.run(fill())
    return shared_docker_registry


@pytest.fixture
def story(parts: DockerRegistry, mfl_lint: MflLint, skopeo: str, docker: str) -> Story:
    """Return the user of the seed story; the images are there."""
    return Story(parts, mfl_lint, skopeo, docker)


def _part(text: str, *, oci: bool = False) -> str:
    kind = "-oci" if oci else ""
    return f"awesome/mycool-app-{text.split('/')[1]}{kind}:v1"


@pytest.mark.parametrize("oci", [False, True], ids=["docker", "oci"])
async def test_images_of_many_repositories_become_one_name(story: Story, oci: bool) -> None:
    name = f"awesome/mycool-app:{'oci' if oci else 'docker'}"
    parts = [f"@{_part(text, oci=oci)}" for text in PLATFORMS]
    await story.manifest("create", f"@{name}", *parts)
    await story.manifest("annotate", f"@{name}", parts[1], "--arch", "arm", "--variant", "v7")
    done = await story.manifest("push", "--purge", f"@{name}")
    raw = await story.raw(name)
    assert f"{digest_of(raw)}\n" == done.out
    assert (OCI_INDEX if oci else DOCKER_LIST) == json.loads(raw)["mediaType"]
    assert list(PLATFORMS) == await story.read_by_clients(name)
    await story.demand_clean(name)
    entries = json.loads(raw)["manifests"]
    by_platform = {_platform(entry["platform"]): entry["digest"] for entry in entries}
    selected = await story.selected(name)
    for platform in ASKED[:3]:
        assert {by_platform[platform]} == selected[platform]
    # first-match compares every field that is asked for, and no variant is.
    arm = selected["linux/arm"]
    assert arm <= {by_platform["linux/arm/v7"], None}
    assert by_platform["linux/arm/v7"] in arm


async def test_the_digest_is_that_of_docker_manifest_push(story: Story) -> None:
    parts = [_part(text) for text in PLATFORMS]
    await story.filling.make_list("same/docker:v1", *parts)
    await story.manifest("create", "@same/ours:v1", *(f"@{part}" for part in parts))
    await story.manifest("push", "@same/ours:v1")
    assert await story.raw("same/docker:v1") == await story.raw("same/ours:v1")


async def test_a_list_as_any_tool_wrote_it_has_its_digest_again(story: Story) -> None:
    parts = [_part(text) for text in PLATFORMS[:3]]
    await story.filling.make_list("round/by-docker:v1", *parts)
    oci = list(IMAGES.values())[:2]
    await story.filling.copy(index(*oci, attestation(oci[0])), "round/by-skopeo:v1")
    rewritten = index(*oci)
    await story.filling.copy(rewritten, "round/by-skopeo-docker:v1", docker_types=True)
    await story.manifest("create", "@round/by-us:v1", *(f"@{part}" for part in parts))
    await story.manifest("push", "@round/by-us:v1")
    for name in ("by-docker:v1", "by-skopeo:v1", "by-skopeo-docker:v1", "by-us:v1"):
        before = await story.raw(f"round/{name}")
        await story.manifest("append", f"@round/{name}", f"@{_part(PLATFORMS[3])}")
        grown = json.loads(await story.raw(f"round/{name}"))
        assert len(json.loads(before)["manifests"]) + 1 == len(grown["manifests"])
        await story.manifest("remove", f"@round/{name}", PLATFORMS[3])
        assert before == await story.raw(f"round/{name}"), name


async def test_a_list_as_buildx_writes_it_has_its_digest_again(story: Story) -> None:
    raw = _as_buildx_writes()
    host = story.host
    for built in list(IMAGES.values())[:2]:
        await story.filling.copy(built, f"buildx/app:{built.digest[7:15]}")
    url = f"http://{host}/v2/buildx/app/manifests/v1"
    headers = {"Content-Type": OCI_INDEX}
    async with aiohttp.ClientSession() as client:
        answer = await client.put(url, data=raw, headers=headers)
        assert 201 == answer.status, await answer.text()
    await story.manifest("append", "@buildx/app:v1", f"@{_part(PLATFORMS[3])}")
    await story.manifest("remove", "@buildx/app:v1", PLATFORMS[3])
    assert raw == await story.raw("buildx/app:v1")


def _as_buildx_writes() -> bytes:
    built = list(IMAGES.values())[:2]
    fields = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [one.descriptor() for one in built],
    }
    return json.dumps(fields, indent=2).encode()


async def test_lists_are_merged_with_their_attestations(story: Story) -> None:
    amd64, arm = IMAGES["linux/amd64"], IMAGES["linux/arm/v7"]
    await story.filling.copy(index(amd64, attestation(amd64)), "merge/amd64:v1")
    await story.filling.copy(index(arm, attestation(arm)), "merge/arm:v1")
    await story.manifest("merge", "@merge/app:v1", "@merge/amd64:v1", "@merge/arm:v1")
    entries = json.loads(await story.raw("merge/app:v1"))["manifests"]
    expected = ["linux/amd64", "linux/arm/v7", "unknown/unknown", "unknown/unknown"]
    assert expected == [_platform(entry["platform"]) for entry in entries]
    await story.demand_clean("merge/app:v1")


async def test_what_a_tag_pointed_at_is_restored_by_the_command_that_was_printed(
    story: Story,
) -> None:
    parts = [f"@{_part(text)}" for text in PLATFORMS]
    await story.manifest("create", "@restore/app:v1", *parts[:2])
    await story.manifest("push", "--purge", "@restore/app:v1")
    before = await story.raw("restore/app:v1")
    await story.manifest("create", "@restore/app:v1", *parts[2:])
    done = await story.manifest("push", "--purge", "@restore/app:v1")
    assert before != await story.raw("restore/app:v1")
    restore = done.err.partition("to restore that: mfl-lint ")[2].split()[:3]
    assert 0 == (await story.mfl_lint(*restore)).code
    assert before == await story.raw("restore/app:v1")
    ends = [json.loads(line) for line in _journal(story.mfl_lint).read_text().splitlines()]
    assert ["begun", "end"] * 3 == [one["event"] for one in ends]


def _journal(mfl_lint: MflLint) -> Path:
    return mfl_lint.home / ".local" / "state" / "mfl-lint" / "pushes.jsonl"
