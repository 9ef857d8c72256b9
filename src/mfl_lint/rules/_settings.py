"""How an image is started, in one spelling, so that two images can be compared."""

from __future__ import annotations

from collections.abc import Mapping

from mfl_lint.core.runtime import Runtime

Settings = Mapping[str, tuple[str, ...]]


def settings_of(runtime: Runtime) -> Settings:
    """Return what is compared, by its name, in one spelling."""
    user = runtime.user or ""
    ports = (port if "/" in port else f"{port}/tcp" for port in runtime.exposed_ports or ())
    folder = (runtime.working_dir or "").rstrip("/")
    return {
        "entrypoint": runtime.entrypoint or (),
        "command": runtime.cmd or (),
        "user": () if user in ("", "root", "0", "0:0", "root:root") else (user,),
        "variables": tuple(sorted({one.partition("=")[0] for one in runtime.env or ()})),
        "ports": tuple(sorted(ports)),
        "volumes": tuple(sorted(runtime.volumes or ())),
        "directory": (folder,) if folder else (),
    }
