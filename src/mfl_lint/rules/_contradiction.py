"""What an entry's platform and its image's config say that cannot both be true."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity


def contradiction(said: Platform, config: Platform) -> tuple[str, Severity] | None:
    """Return what differs and how bad it is; what one side leaves out contradicts nothing."""
    normal, built = said.normalized(), config.normalized()
    if normal.os and built.os and normal.os != built.os:
        return "another operating system", Severity.ERROR
    if not (normal.architecture and built.architecture):
        return None
    if normal.architecture != built.architecture:
        return "another architecture", Severity.ERROR
    builds = {_build(said), _build(config)} - {""}
    if normal.os == "windows" and len(builds) > 1:
        return f"Windows {said.os_version} against {config.os_version}", Severity.ERROR
    if normal.variant and said.variant and not config.variant:
        return "the config names no variant", Severity.INFO
    if normal.variant == built.variant:
        return None
    if normal.architecture == "arm" and not said.variant and said.architecture.lower() == "arm":
        return None
    return "another variant", Severity.WARNING


def _build(platform: Platform) -> str:
    """Return a Windows build: the third part of os.version."""
    parts = platform.os_version.split(".")
    return parts[2] if len(parts) > 2 else ""


def never_offered(root: Node) -> Collection[Platform]:
    """Return the platforms, as normal, that only entries promise whose images contradict them."""
    sound = {platform for platform, is_false in _promised(root) if not is_false}
    return {platform for platform, is_false in _promised(root) if is_false} - sound


def _promised(root: Node) -> Iterator[tuple[Platform, bool]]:
    for node in root.walk():
        said = node.entry.platform
        if said is None or node.kind not in (Kind.IMAGE, Kind.UNDECIDED):
            continue
        found = contradiction(said, node.config.platform) if node.config is not None else None
        is_false = found is not None and found[1] is not Severity.INFO
        yield said.normalized(), is_false
