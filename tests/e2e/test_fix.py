"""`mfl-lint fix` on a real docker-registry: planned, pushed, read by others, clean afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.demo.images import Sample, samples
from tests.builders import DOCKER, Built, attestation, image, index
from tests.e2e.commands import MflLint, bare_environment, run
from tests.programs import elf
from tests.servers import DockerRegistry, push

ENGINES: Final = ("docker", "docker-classic", "containerd", "podman", "first-match")
SEED: Final = {
    "x86": ("amd64", ""),
    "s390x": ("s390x", ""),
    "ppc64le": ("ppc64le", ""),
    "armhf": ("arm", "v7"),
}
MENDABLE: Final = {
    "broken/no-platform": 1,
    "broken/misspelt": 2,
    "broken/arm-without-variant": 1,
    "broken/duplicate-platform": 1,
    "broken/orphan-attestation": 1,
    "broken/dangling": 1,
    "broken/wrong-size": 1,
    "broken/wrong-media-type": 1,
    "windows/no-os-version": 1,
}
SAMPLES: Final = {sample.repository: sample for sample in samples()}


async def place(registry: DockerRegistry, folder: str, sample: Sample) -> str:
    """Push one of the demo's repositories and return its name."""
    name = f"{folder}/{sample.repository}"
    await push(registry.host, name, sample.built, *sample.tags)
    for digest in sample.gone:
        url = f"http://{registry.host}/v2/{name}/manifests/{digest}"
        async with aiohttp.ClientSession() as client, client.delete(url) as answer:
            assert 202 == answer.status
    return f"{registry.host}/{name}"


async def raw(registry: DockerRegistry, name: str, target: str) -> bytes:
    """Return a manifest's bytes as the registry has them."""
    url = f"http://{registry.host}/v2/{name}/manifests/{target}"
    kinds = "application/vnd.oci.image.index.v1+json"
    accept = f"{kinds}, application/vnd.docker.distribution.manifest.list.v2+json"
    async with (
        aiohttp.ClientSession(headers={"Accept": accept}) as client,
        client.get(url) as answer,
    ):
        assert 200 == answer.status
        return await answer.read()


async def findings(mfl_lint: MflLint, *targets: str) -> dict[str, str]:
    """Return the severities that a scan finds by rule, without what is only information."""
    done = await mfl_lint.scan(*targets)
    assert {"verified"} == {target["state"] for target in done.json["targets"]}
    found = {one["rule"]: one["severity"] for one in done.json["findings"]}
    return {rule: severity for rule, severity in found.items() if severity != "info"}


async def seeded(registry: DockerRegistry, folder: str) -> str:
    """Push the four repositories of the story and return the name that they should have."""
    for word, (arch, variant) in SEED.items():
        built = image("linux", arch, variant, flavour=DOCKER, name=folder)
        await push(registry.host, f"{folder}/my-cool-app-{word}", built, "latest", "v1")
    return f"{folder}/my-cool-app"


async def judge_by_others(
    registry: DockerRegistry, name: str, folder: Path, docker: str, skopeo: str
) -> list[str]:
    """Return the platforms that docker reads in the list; skopeo has to copy all of it."""
    env = bare_environment(folder / "others")
    where = f"{registry.host}/{name}:v1"
    read = await run(docker, "manifest", "inspect", "--insecure", where, env=env, cwd=folder)
    assert 0 == read.code, read.err
    layout = f"oci:{folder / 'copied'}:it"
    policy = ("--insecure-policy", "copy", "--all", "--src-tls-verify=false")
    copied = await run(skopeo, *policy, f"docker://{where}", layout, env=env, cwd=folder)
    assert 0 == copied.code, copied.err
    listed = [one["platform"] for one in read.json["manifests"]]
    return sorted(f"{one['architecture']}{one.get('variant', '')}" for one in listed)


async def check_story(
    registry: DockerRegistry, mfl_lint: MflLint, name: str, docker: str, skopeo: str
) -> None:
    """Check that the one list is what the four repositories were meant to be."""
    assert ["amd64", "armv7", "ppc64le", "s390x"] == await judge_by_others(
        registry, name, mfl_lint.folder, docker, skopeo
    )
    assert {} == await findings(mfl_lint, f"{registry.host}/{name}:v1")
    entries = json.loads(await raw(registry, name, "v1"))["manifests"]
    for arch in ("amd64", "s390x", "ppc64le", "arm"):
        platform = "linux/arm/v7" if arch == "arm" else f"linux/{arch}"
        done = await mfl_lint(
            "select", f"{registry.host}/{name}:v1", "--platform", platform, "--json"
        )
        taken = {one["engine"]: one["selected"]["digest"] for one in done.json["engines"]}
        meant = next(x["digest"] for x in entries if x["platform"]["architecture"] == arch)
        assert dict.fromkeys(ENGINES, meant) == taken


@pytest.mark.parametrize(
    ("folder", "asked"), [("story-1", "my-cool-app-ppc64le"), ("story-2", "my-cool-app")]
)
async def test_four_repositories_become_the_one_list_that_everybody_reads(
    shared_docker_registry: DockerRegistry,
    mfl_lint: MflLint,
    docker: str,
    skopeo: str,
    folder: str,
    asked: str,
) -> None:
    registry = shared_docker_registry
    name = await seeded(registry, folder)
    reference = f"{registry.host}/{folder}/{asked}:v1"
    planned = await mfl_lint("fix", reference, "--format", "json")
    assert (1, "") == (planned.code, planned.err)
    (plan,) = planned.json["plans"]
    assert (f"{registry.host}/{name}:v1", None, []) == (
        plan["target"],
        plan["before"],
        plan["refused"],
    )
    assert ["MFL301"] * 4 == [one["rule"] for one in plan["fixed"]]
    done = await mfl_lint("fix", reference, "--push", "--format", "json")
    assert (0, "") == (done.code, done.err)
    assert digest_of(await raw(registry, name, "v1")) == done.json["plans"][0]["after"]
    await check_story(registry, mfl_lint, name, docker, skopeo)
    again = await mfl_lint("fix", reference)
    assert (0, "Nothing to mend.") == (again.code, again.out.splitlines()[-1])


@pytest.mark.parametrize("repository", MENDABLE)
async def test_what_can_be_mended_is_mended_and_nothing_else_is_touched(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, repository: str
) -> None:
    sample = SAMPLES[repository]
    where = await place(shared_docker_registry, "mended", sample)
    broken = set(await findings(mfl_lint, where)) & set(sample.expected)
    assert broken
    done = await mfl_lint("fix", where, "--push", "--format", "json")
    (plan,) = done.json["plans"]
    assert (0, "", []) == (done.code, done.err, plan["still"])
    assert broken <= {one["rule"] for one in plan["fixed"]}
    assert not set(await findings(mfl_lint, where)) - set(sample.names) - {"MFL301"}
    old = json.loads(sample.built.raw)["manifests"]
    new = json.loads(await raw(shared_docker_registry, f"mended/{repository}", "latest"))
    meant = [entry for entry in plan["entries"] if entry["status"] != "kept"]
    assert MENDABLE[repository] == len(meant)
    for entry in plan["entries"]:
        if entry["status"] == "kept":
            assert old[entry["before"]] == new["manifests"][entry["after"]]
    assert len(old) - len([x for x in meant if x["status"] == "dropped"]) == len(new["manifests"])


async def test_all_faults_of_one_list_go_at_once_and_attestations_stay(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    amd64, arm64 = image("linux", "amd64", name="all"), image("linux", "arm64", name="all")
    wrong = image("linux", "s390x", files={"app/hello": elf("s390x")})
    built = index(
        amd64,
        arm64,
        wrong,
        attestation(amd64),
        attestation(image("linux", "riscv64")),
        annotate={
            0: {"platform": "linux/x86_64"},
            1: {"platform": None},
            2: {"platform": "linux/ppc64le"},
        },
    )
    await push(shared_docker_registry.host, "at-once/app", built, "v1")
    where = f"{shared_docker_registry.host}/at-once/app:v1"
    done = await mfl_lint("fix", where, "--push", "--format", "json")
    (plan,) = done.json["plans"]
    assert (0, "") == (done.code, done.err)
    assert {"MFL101", "MFL102", "MFL103", "MFL109"} <= {one["rule"] for one in plan["fixed"]}
    meant = index(amd64, arm64, wrong, attestation(amd64))
    assert json.loads(meant.raw) == json.loads(
        await raw(shared_docker_registry, "at-once/app", "v1")
    )
    assert {} == await findings(mfl_lint, where)


@pytest.mark.parametrize("tool", ["docker manifest", "mfl-lint manifest"])
async def test_the_commands_that_the_plan_prints_make_the_same_list(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, docker: str, tool: str
) -> None:
    one, other = (image("linux", arch, flavour=DOCKER) for arch in ("amd64", "arm64"))
    third = image("linux", "arm", "v6", flavour=DOCKER)
    wrong: dict[int, dict[str, Any]] = {
        0: {"platform": "linux/x86_64"},
        1: {"platform": None},
        2: {"platform": "linux/arm"},
    }
    built = index(one, other, third, flavour=DOCKER, annotate=wrong)
    name = f"commands/{tool.partition(' ')[0]}"
    await push(shared_docker_registry.host, name, built, "v1")
    where = f"{shared_docker_registry.host}/{name}:v1"
    (plan,) = (await mfl_lint("fix", where, "--format", "json")).json["plans"]
    await paste(mfl_lint, plan, tool)
    made = json.loads(await raw(shared_docker_registry, name, "v1"))["manifests"]
    assert _by_digest(json.loads(plan["index"])["manifests"]) == _by_digest(made)
    assert {} == await findings(mfl_lint, where)


@pytest.mark.parametrize("tool", ["docker manifest", "mfl-lint manifest"])
async def test_the_commands_for_names_with_platforms_make_the_same_list(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, docker: str, tool: str
) -> None:
    name = await seeded(shared_docker_registry, f"pasted-{tool.partition(' ')[0]}")
    asked = f"{shared_docker_registry.host}/{name}:v1"
    (plan,) = (await mfl_lint("fix", asked, "--format", "json")).json["plans"]
    await paste(mfl_lint, plan, tool)
    made = json.loads(await raw(shared_docker_registry, name, "v1"))["manifests"]
    assert _by_digest(json.loads(plan["index"])["manifests"]) == _by_digest(made)


@pytest.mark.parametrize("repository", ["broken/dangling", "broken/duplicate-platform"])
async def test_our_own_commands_drop_what_the_plan_drops(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, repository: str
) -> None:
    where = await place(shared_docker_registry, "dropped", SAMPLES[repository])
    (plan,) = (await mfl_lint("fix", where, "--format", "json")).json["plans"]
    await paste(mfl_lint, plan, "mfl-lint manifest")
    made = await raw(shared_docker_registry, f"dropped/{repository}", "latest")
    assert plan["index"].encode() == made


async def paste(mfl_lint: MflLint, plan: dict[str, Any], tool: str) -> None:
    """Run what the plan prints for a tool in a shell, to its good end."""
    (line,) = next(way["lines"] for way in plan["commands"] if way["tool"] == tool)
    env = bare_environment(mfl_lint.folder / "pasted")
    env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
    done = await run("/bin/sh", "-e", "-c", line, env=env, cwd=mfl_lint.folder)
    assert 0 == done.code, done.err


def _by_digest(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {entry["digest"]: entry["platform"] for entry in entries}


async def test_a_dead_entry_is_pointed_at_the_image_of_a_tag_beside_it(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    registry, name = shared_docker_registry, "repointed/app"
    amd64, gone = image("linux", "amd64", name="kept"), image("linux", "arm64", name="gone")
    await push(registry.host, name, index(amd64, gone), "v1")
    again = image("linux", "arm64", name="again")
    await push(registry.host, name, again, "v1-arm64")
    await push(registry.host, name, amd64, "v1-amd64")
    url = f"http://{registry.host}/v2/{name}/manifests/{gone.digest}"
    async with aiohttp.ClientSession() as client, client.delete(url) as answer:
        assert 202 == answer.status
    done = await mfl_lint("fix", f"{registry.host}/{name}:v1", "--push")
    assert 0 == done.code, done.out + done.err
    assert json.loads(index(amd64, again).raw) == json.loads(await raw(registry, name, "v1"))


async def test_a_plan_goes_to_another_tag_and_the_old_one_stays(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    where = await place(shared_docker_registry, "other-tag", SAMPLES["broken/misspelt"])
    done = await mfl_lint("fix", where, "--push", "--to", "mended", "--format", "json")
    assert (0, "") == (done.code, done.err)
    name = "other-tag/broken/misspelt"
    assert SAMPLES["broken/misspelt"].built.raw == await raw(shared_docker_registry, name, "latest")
    assert {} == await findings(mfl_lint, f"{shared_docker_registry.host}/{name}:mended")


async def test_what_needs_a_build_is_said_and_nothing_is_pushed(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    where = await place(shared_docker_registry, "builds", SAMPLES["broken/wrong-annotation"])
    done = await mfl_lint("fix", where, "--push")
    assert 1 == done.code
    assert "! rebuild MFL101 linux/arm64" in done.out
    assert "1 finding needs a build." == done.out.splitlines()[-1]
    name = "builds/broken/wrong-annotation"
    kept = await raw(shared_docker_registry, name, "latest")
    assert SAMPLES["broken/wrong-annotation"].built.raw == kept


async def test_what_hangs_on_the_old_digest_is_named(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    sample = SAMPLES["broken/misspelt"]
    where = await place(shared_docker_registry, "signed", sample)
    tag = f"{sample.built.digest.replace(':', '-')}.sig"
    signature: Built = image("linux", "amd64", name="signature")
    await push(shared_docker_registry.host, "signed/broken/misspelt", signature, tag)
    done = await mfl_lint("fix", where, "--format", "json")
    (loss,) = done.json["plans"][0]["losses"]
    assert f"the signature {where}:{tag} is of {sample.built.digest}" in loss


async def test_each_step_is_asked_about_and_what_is_declined_stays(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint
) -> None:
    where = await place(shared_docker_registry, "asked", SAMPLES["broken/misspelt"])
    terminal, stdin = pty.openpty()
    os.write(terminal, b"n\ny\ny\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mfl_lint", "fix", where, "--push", "--interactive"),
        env=mfl_lint.env,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    os.close(stdin)
    os.close(terminal)
    assert 1 == process.returncode, err
    assert b"its step was left out" in out
    assert b"write linux/amd64 on entry 0" in err
    entries = json.loads(await raw(shared_docker_registry, "asked/broken/misspelt", "latest"))
    assert ["x86_64", "arm64"] == [x["platform"]["architecture"] for x in entries["manifests"]]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["{host}/nothing/here:v1"], 3, "could not look: {host}/nothing/here:v1: absent"),
        (["127.0.0.1:9/x"], 3, "could not look: 127.0.0.1:9/x:latest: unreachable"),
        (["Not A Reference"], 2, "not a reference"),
        (["a", "b", "--to", "x"], 2, "--to TAG is for one reference"),
        (["a", "--interactive"], 2, "--interactive asks on a terminal"),
        ([], 2, "Missing argument"),
    ],
)
async def test_what_cannot_be_done_is_one_line_and_its_exit_code(
    shared_docker_registry: DockerRegistry,
    mfl_lint: MflLint,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    host = shared_docker_registry.host
    done = await mfl_lint("fix", *(one.format(host=host) for one in arguments))
    assert (code, 1) == (done.code, len(done.err.splitlines())), done.err
    assert said.format(host=host) in done.err
