"""A user with a registry and drafts, for the tests of `mfl-lint manifest`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mfl_lint.core.digest import Digest
from tests.builders import DOCKER, Built, image, place
from tests.cli.conftest import Command, Ran
from tests.fault_registry import FaultRegistry

AMD64, ARM64, S390X, PPC = (
    image("linux", arch, flavour=DOCKER) for arch in ("amd64", "arm64", "s390x", "ppc64le")
)
ARM = image("linux", "arm", "v7", flavour=DOCKER)
OCI_AMD64, OCI_ARM64 = image("linux", "amd64"), image("linux", "arm64")
LIST = "multi:v1"


class World:
    """Runs `mfl-lint manifest`; names are those of the registry unless they hold a slash host."""

    def __init__(self, registry: FaultRegistry, command: Command) -> None:
        self.registry = registry
        self.host = registry.host
        self.state = Path.home() / ".local" / "state" / "mfl-lint"
        self._command = command

    def __call__(self, *arguments: str) -> Ran:
        """Run a subcommand; an argument that begins with `@` is a name in the registry."""
        return self._command("manifest", *map(self.name, arguments))

    def good(self, *arguments: str) -> Ran:
        """Run a subcommand to its good end."""
        ran = self(*arguments)
        assert 0 == ran.code, ran.err
        return ran

    def name(self, argument: str) -> str:
        """Return an argument with the registry's host in the place of `@`."""
        return f"{self.host}/{argument[1:]}" if argument.startswith("@") else argument

    def place(self, name: str, built: Built) -> None:
        """Push something to `repository:tag`."""
        repository, _, tag = name.partition(":")
        place(self.registry.demo, repository, built, tag)

    def parts(self) -> None:
        """Let images for amd64, arm64 and arm lie in repositories of their own."""
        for name, built in (("app-amd64", AMD64), ("app-arm64", ARM64), ("app-arm", ARM)):
            self.place(f"{name}:v1", built)

    def made(self, *names: str) -> None:
        """Make the draft `multi:v1` of images, of amd64 and arm64 where none is named."""
        self.parts()
        self.good("create", f"@{LIST}", *(names or ("@app-amd64:v1", "@app-arm64:v1")))

    def shown(self, *arguments: str) -> Any:
        """Return what `inspect` prints, as JSON."""
        return json.loads(self.good("inspect", *arguments).out)

    def platforms(self, name: str = f"@{LIST}") -> list[dict[str, Any]]:
        """Return the platforms of a draft or list."""
        return [entry["platform"] for entry in self.shown(name)["manifests"]]

    def drafts(self) -> list[str]:
        """Return the names of the drafts."""
        told = json.loads(self.good("list", "--json").out)
        return [one["reference"].partition("/")[2] for one in told["drafts"]]

    def stored(self, name: str) -> Any:
        """Return what the registry has under `repository:tag`, as JSON."""
        repository, _, tag = name.partition(":")
        stored = self.registry.demo.manifest(repository, tag)
        return json.loads(stored.raw) if stored else None

    def digest(self, name: str) -> Digest | None:
        """Return what `repository:tag` points at."""
        repository, _, tag = name.partition(":")
        stored = self.registry.demo.manifest(repository, tag)
        return stored.digest if stored else None
