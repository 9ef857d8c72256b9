"""Fill a registry as people do: skopeo from OCI layouts, `docker manifest` for lists."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from tests.builders import Built, write_layout
from tests.e2e.commands import Done, bare_environment, run
from tests.servers import DockerRegistry


class Filling:
    """Pushes to one registry with the real tools; `folder` holds what these need."""

    def __init__(self, registry: DockerRegistry, folder: Path, skopeo: str, docker: str) -> None:
        self.registry = registry
        self._folder = folder
        self._skopeo = skopeo
        self._docker = docker
        self._layouts = 0
        self._env = bare_environment(folder / "home", DOCKER_CONFIG=str(folder / "docker"))
        (folder / "docker").mkdir(exist_ok=True)

    async def copy(self, built: Built, name: str, *, docker_types: bool = False) -> None:
        """Copy something built to `repository:tag` with skopeo, all of its platforms."""
        self._layouts += 1
        layout = write_layout(self._folder / f"layout-{self._layouts}", {"it": built})
        kind = ["--format", "v2s2"] if docker_types else ["--preserve-digests"]
        login = self.registry.credentials
        who = ["--dest-creds", ":".join(login)] if login else []
        await self._done(
            self._skopeo,
            "--insecure-policy",
            "copy",
            "--all",
            *kind,
            *who,
            "--dest-tls-verify=false",
            f"oci:{layout}:it",
            f"docker://{self.registry.host}/{name}",
        )

    async def manifest(self, *arguments: str) -> Done:
        """Run a `docker manifest` command to its good end."""
        return await self._done(self._docker, "manifest", *arguments)

    async def make_list(
        self, name: str, *images: str, annotate: dict[str, list[str]] | None = None
    ) -> None:
        """Make a manifest list of images that are in the registry, annotate it and push it."""
        host = self.registry.host
        wanted = [f"{host}/{image}" for image in images]
        await self.manifest("create", "--insecure", f"{host}/{name}", *wanted)
        for image, options in (annotate or {}).items():
            await self.manifest("annotate", f"{host}/{name}", f"{host}/{image}", *options)
        await self.manifest("push", "--insecure", f"{host}/{name}")

    async def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest by its digest."""
        url = f"http://{self.registry.host}/v2/{repository}/manifests/{digest}"
        async with aiohttp.ClientSession() as client, client.delete(url) as answer:
            assert 202 == answer.status

    async def _done(self, *command: str) -> Done:
        done = await run(*command, env=self._env, cwd=self._folder)
        assert 0 == done.code, f"{command}: {done.err}"
        return done
