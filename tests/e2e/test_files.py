"""Files that deploy and build images, against a real registry: each reference with its line."""

from __future__ import annotations

import pytest

from tests.builders import image, index
from tests.e2e.commands import Done, MflLint
from tests.servers import DockerRegistry, push

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
COMPOSE = """\
x-app: &app
  image: ${{REGISTRY:-{host}}}/{team}/app:v1
services:
  web:
    <<: *app
    platform: linux/arm64
  db:
    image: "{host}/{team}/db:${{DB_TAG}}"
  lost:
    image: {host}/{team}/lost:${{NOWHERE}}
"""
KUBERNETES = """\
# Source: chart/templates/web.yaml
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      nodeSelector:
        kubernetes.io/arch: arm64
      initContainers:
        - image: {host}/{team}/init:v1
      containers:
        - name: web
          image: {host}/{team}/app:v1
---
apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - image: {host}/{team}/db:v1
"""
DOCKERFILE = """\
ARG REGISTRY={host}/{team}
ARG BASE_TAG=v1
ARG NOWHERE
FROM --platform=$BUILDPLATFORM ${{REGISTRY}}/app:${{BASE_TAG}} AS build
RUN --mount=type=bind,from={host}/{team}/init:v1,target=/x \\
    make
FROM ${{REGISTRY}}/db:${{OTHER:-v1}} AS data
COPY --from=build /a /a
FROM ${{REGISTRY}}/lost:${{NOWHERE}}
COPY --from=1 /b /b
COPY --from={host}/{team}/app:v1 /c /c
"""


@pytest.fixture
async def team(shared_docker_registry: DockerRegistry) -> str:
    """Return the namespace of four images in a real registry."""
    for name in ("app", "db", "init"):
        await push(shared_docker_registry.host, f"files/{name}", GOOD, "v1")
    return "files"


def _found(done: Done, team: str) -> dict[str, list[int]]:
    """Return the lines of each image that was looked at."""
    targets = done.json["targets"]
    assert {"verified"} == {target["state"] for target in targets}
    return {
        target["reference"].partition(f"/{team}/")[2]: [x["line"] for x in target["places"]]
        for target in targets
    }


async def test_a_compose_file(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, team: str
) -> None:
    text = COMPOSE.format(host=shared_docker_registry.host, team=team)
    (mfl_lint.folder / "compose.yaml").write_text(text)
    (mfl_lint.folder / ".env").write_text("DB_TAG=v1\n")
    done = await mfl_lint.scan("-f", "compose.yaml")
    assert (3, {"app:v1": [2], "db:v1": [8]}) == (done.code, _found(done, team))
    assert [("compose.yaml", 10)] == [(x["file"], x["line"]) for x in done.json["unresolved"]]
    assert "NOWHERE is not set" in done.json["unresolved"][0]["why"]
    mfl_lint.env["NOWHERE"] = "v1"
    await push(shared_docker_registry.host, f"{team}/lost", GOOD, "v1")
    assert 0 == (await mfl_lint.scan("-f", "compose.yaml")).code


async def test_a_deployment_and_a_cron_job(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, team: str
) -> None:
    text = KUBERNETES.format(host=shared_docker_registry.host, team=team)
    (mfl_lint.folder / "k8s.yaml").write_text(text)
    done = await mfl_lint.scan("-f", "k8s.yaml")
    lines = {"init:v1": [10], "app:v1": [13], "db:v1": [23]}
    assert (0, lines) == (done.code, _found(done, team))


async def test_a_dockerfile_of_three_stages(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, team: str
) -> None:
    text = DOCKERFILE.format(host=shared_docker_registry.host, team=team)
    (mfl_lint.folder / "Dockerfile").write_text(text)
    done = await mfl_lint.scan("-f", "Dockerfile")
    lines = {"app:v1": [4, 11], "init:v1": [5], "db:v1": [7]}
    assert (3, lines) == (done.code, _found(done, team))
    assert [("${REGISTRY}/lost:${NOWHERE}", 9)] == [
        (x["text"], x["line"]) for x in done.json["unresolved"]
    ]
    given = await mfl_lint.scan("-f", "Dockerfile", "--build-arg", "NOWHERE=v1")
    assert () == tuple(given.json["unresolved"])


async def test_a_deployment_waits_for_what_it_needs(
    shared_docker_registry: DockerRegistry, mfl_lint: MflLint, team: str
) -> None:
    text = KUBERNETES.format(host=shared_docker_registry.host, team=team)
    (mfl_lint.folder / "k8s.yaml").write_text(text)
    done = await mfl_lint("ready", "-f", "k8s.yaml", "--platform", "linux/amd64", "--json")
    assert [("linux/arm64", True), ("linux/arm64", True), ("linux/amd64", True)] == [
        (check["platform"], check["ready"]) for check in done.json["checks"]
    ]
    assert (0, True) == (done.code, done.json["ready"])
    absent = f"{shared_docker_registry.host}/{team}/app:v1"
    assert 1 == (await mfl_lint("ready", absent, "--platform", "linux/s390x")).code
