"""One docker-registry with a good and a broken image of each kind, for tests that only look."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import image, index
from tests.e2e.commands import MflLint
from tests.e2e.filling import Filling
from tests.servers import DockerRegistry

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")


@pytest.fixture(scope="session")
def filled_registry(
    tmp_path_factory: pytest.TempPathFactory,
    skopeo: str,
    docker: str,
) -> Iterator[DockerRegistry]:
    """Return a docker-registry that skopeo and `docker manifest` filled."""
    folder = tmp_path_factory.mktemp("filled")
    with DockerRegistry(folder) as registry:
        asyncio.run(_fill(Filling(registry, folder, skopeo, docker)))
        yield registry


async def _fill(filling: Filling) -> None:
    await filling.copy(index(AMD64, ARM64), "good/app:v1")
    await filling.copy(AMD64, "lone/app:v1", docker_types=True)
    await filling.copy(image("linux", "ppc64le"), "mycool-app-ppc64le:v1", docker_types=True)
    await filling.copy(image("linux", "ppc64le"), "ppc64le/x:v1", docker_types=True)
    await filling.copy(ARM64, "tagged/app:v1-arm64", docker_types=True)
    await filling.copy(index(AMD64, ARM64), "gone/app:v1")
    await filling.delete("gone/app", ARM64.digest)
    for number, arch in ((1, "amd64"), (2, "arm64"), (3, "amd64")):
        built = image("linux", arch, name=f"build {number}")
        await filling.copy(built, f"parts/app:build{number}", docker_types=True)
    await filling.make_list("parts/app:good", "parts/app:build1", "parts/app:build2")
    await filling.make_list(
        "parts/app:wrong",
        "parts/app:build1",
        "parts/app:build3",
        annotate={"parts/app:build3": ["--os", "linux", "--arch", "arm64"]},
    )


@pytest.fixture
def mfl_lint(tmp_path: Path) -> MflLint:
    """Return the command line with an empty home and working directory."""
    folder = tmp_path / "user"
    folder.mkdir()
    return MflLint(folder)
