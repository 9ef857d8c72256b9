"""The fixes that a scan prints, run by a shell with a real docker client, and scanned again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.builders import DOCKER, Built, attestation, image, index
from tests.e2e.commands import Done, MflLint, bare_environment, run
from tests.servers import DockerRegistry, push

# Docker's own media types: older clients read no others.
AMD64: Final = image("linux", "amd64", flavour=DOCKER)
OTHER: Final = image("linux", "amd64", flavour=DOCKER, name="other")
ARM64: Final = image("linux", "arm64", flavour=DOCKER)
ARM: Final = image("linux", "arm", "v7", flavour=DOCKER)
GONE: Final = image("linux", "s390x", flavour=DOCKER)
WINDOWS: Final = image("windows", "amd64", os_version="10.0.20348.1", flavour=DOCKER)


def listing(*entries: Built, **second: Any) -> Built:
    """Return a list whose second entry says something else."""
    return index(*entries, flavour=DOCKER, annotate={1: second} if second else None)


BROKEN: Final = {
    "MFL101": listing(AMD64, ARM64, platform="linux/s390x"),
    "MFL102": listing(AMD64, ARM64, platform=None),
    "MFL103": listing(ARM64, AMD64, platform="linux/x86_64"),
    "MFL104": listing(AMD64, ARM, platform="linux/arm"),
    "MFL105": listing(AMD64, OTHER, ARM64),
    "MFL107": listing(AMD64, WINDOWS, platform={"os": "windows", "architecture": "amd64"}),
    "MFL109": listing(AMD64, attestation(OTHER, flavour=DOCKER)),
    "MFL201": listing(AMD64, GONE),
}

# What engines then do is found as well.
BESIDE: Final = {
    "MFL102": ["MFL110"],
    "MFL103": ["MFL110"],
    "MFL104": ["MFL110"],
    "MFL105": ["MFL112"],
}


class Fixer:
    """A user with a docker client, a registry, and a folder with the drafts of lists."""

    def __init__(self, registry: DockerRegistry, docker: str, mfl_lint: MflLint) -> None:
        self.host = registry.host
        self._docker = docker
        self._mfl_lint = mfl_lint
        self._env = bare_environment(mfl_lint.folder / "fixer")

    async def find(self, name: str) -> dict[str, dict[str, str]]:
        """Return the findings of a scan by their rules; all targets have to be seen."""
        done = await self._mfl_lint.scan("--all-tags", f"{self.host}/{name}")
        assert {"verified"} == {target["state"] for target in done.json["targets"]}
        return {found["rule"]: found for found in done.json["findings"]}

    async def paste(self, fix: str) -> None:
        """Run a fix in a shell to its good end."""
        done = await self._run("/bin/sh", "-e", "-c", fix)
        assert 0 == done.code, f"{fix}\n{done.err}"

    async def draft(self, name: str, part: str) -> None:
        """Begin a list and leave it."""
        names = (f"{self.host}/{name}", f"{self.host}/{part}")
        done = await self._run(self._docker, "manifest", "create", "--insecure", *names)
        assert 0 == done.code, done.err

    def drafts(self) -> list[str]:
        """Return the lists that were begun and not pushed."""
        folder = Path(self._env["HOME"], ".docker", "manifests")
        return [path.name for path in folder.iterdir()] if folder.exists() else []

    async def _run(self, *command: str) -> Done:
        return await run(*command, env=self._env, cwd=self._mfl_lint.folder)


@pytest.fixture
def fixer(shared_docker_registry: DockerRegistry, docker: str, mfl_lint: MflLint) -> Fixer:
    """Return a user who runs what a scan prints."""
    return Fixer(shared_docker_registry, docker, mfl_lint)


async def delete(host: str, repository: str, built: Built) -> None:
    url = f"http://{host}/v2/{repository}/manifests/{built.digest}"
    async with aiohttp.ClientSession() as client, client.delete(url) as answer:
        assert 202 == answer.status


def list_way(fix: str) -> str:
    """Return the first of a fix's ways that makes a list, whether it is a comment or not."""
    lines = (line.removeprefix("#   ") for line in fix.splitlines())
    return next(line for line in lines if line.startswith("docker manifest "))


@pytest.mark.parametrize("rule", BROKEN)
async def test_the_printed_fix_ends_the_finding_and_begins_no_error(
    fixer: Fixer, rule: str
) -> None:
    name = f"fixes/{rule.lower()}"
    await push(fixer.host, name, BROKEN[rule], "v1")
    if rule == "MFL201":
        await delete(fixer.host, name, GONE)
    before = await fixer.find(name)
    assert [rule, *BESIDE.get(rule, ())] == list(before)
    fix = before[rule]["fix"]
    await fixer.paste(list_way(fix) if rule == "MFL201" else fix)
    after = await fixer.find(name)
    assert rule not in after
    assert [] == [found for found in after.values() if found["severity"] == "error"]
    assert [] == fixer.drafts()


async def test_the_printed_fix_puts_tags_with_platforms_into_one_list(fixer: Fixer) -> None:
    name = "fixes/mfl303"
    await push(fixer.host, name, AMD64, "v1-amd64")
    await push(fixer.host, name, ARM64, "v1-arm64")
    before = await fixer.find(name)
    assert {"MFL303": "warning"} == {rule: found["severity"] for rule, found in before.items()}
    await fixer.paste(before["MFL303"]["fix"])
    after = await fixer.find(name)
    assert {"MFL303": "info"} == {rule: found["severity"] for rule, found in after.items()}
    assert "v1 is an index that offers " in after["MFL303"]["message"]


@pytest.mark.parametrize("times", [1, 2])
async def test_a_fix_takes_nothing_from_the_draft_of_an_earlier_try(
    fixer: Fixer, times: int
) -> None:
    name = f"fixes/draft{times}"
    for _ in range(times):
        await push(fixer.host, name, BROKEN["MFL105"], "v1")
        await fixer.draft(f"{name}:v1", f"{name}@{AMD64.digest}")
        await fixer.paste((await fixer.find(name))["MFL105"]["fix"])
        assert {} == await fixer.find(name)
        assert [] == fixer.drafts()


async def test_a_list_that_has_the_right_platform_already_does_not_get_it_twice(
    fixer: Fixer,
) -> None:
    name = "fixes/twin"
    await push(fixer.host, name, listing(AMD64, OTHER, ARM64, platform="linux/s390x"), "v1")
    fix = (await fixer.find(name))["MFL101"]["fix"]
    assert "docker buildx build " == fix.splitlines()[1][:20]
    await fixer.paste(list_way(fix))
    assert {} == await fixer.find(name)
