"""A Windows image does not say for which build of Windows it is, or fits no host of yours.

An entry for windows without os.version is a warning. If the configuration lists the builds of
your hosts (`windows_builds`), each build for which no entry fits is an error. A host runs images
of its own build; from 20348 (Server 2022) on also those between the last long-term build before
its own and its own.

Why: Windows containers share the kernel's build with their host. Without os.version an engine
takes the first windows entry, and the container stops with `The container operating system does
not match the host operating system`; without a fitting entry the pull fails with `no matching
manifest for windows/amd64 10.0.20348`.

Fix: `docker manifest create REFERENCE NAME@DIGEST…` takes os.version from the image's config;
`docker manifest annotate --os windows --arch amd64 --os-version 10.0.20348.2402 REFERENCE
NAME@DIGEST` sets it by hand; then `docker manifest push --purge REFERENCE`. For a missing build,
build the image on a base of that build and add it.

Source: OCI image-spec 1.1 image-index.md "os.version"; containerd/platforms (windows builds).
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.errors import NotObserved
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, NodeCase, Scope, rule
from mfl_lint.core.selection.windows import parse_version, runs_build
from mfl_lint.rules._commands import Fix, quoted, rebuild, recreate, short
from mfl_lint.rules._evidence import is_unseen


@rule("MFL107", Severity.WARNING, Scope.INDEX, needs=(Needs.INDEX,))
def windows_without_os_version(case: NodeCase) -> Iterator[Fault]:
    """Judge the windows entries of an index."""
    entries = [child for child in case.children if child.normal.os == "windows"]
    images = [child for child in entries if child.node.kind is Kind.IMAGE]
    for child in images:
        if not child.normal.os_version:
            yield Fault(
                f"the windows entry of {short(child.node.entry.digest)} has no os.version",
                _fix(case.node, child.node),
                node=child.node,
            )
    if any(is_unseen(child.node) for child in entries):
        raise NotObserved("a windows entry was not seen")
    if not images:
        return
    versions = [child.normal.os_version for child in images]
    for host in case.policy.windows_builds:
        if not any(_fits(host, version) for version in versions):
            offered = ", ".join(sorted(set(versions))[:10])
            yield Fault(
                f"no windows entry runs on build {host}; there are {offered}",
                (f"# build the image for Windows {quoted(host)} and add it to the list",),
                Severity.ERROR,
                subject=f"windows {host}",
            )


def _fix(index: Node, node: Node) -> Fix:
    """Return a list made anew, which takes os.version from the config, if that has one."""
    silent = node.config is not None and not node.config.platform.os_version
    return rebuild(index, node) if silent else recreate(index)


def _fits(host: str, version: str) -> bool:
    """Say whether a host of that build runs an image of that os.version ("" = taken by all)."""
    return not version or (parse_version(host) is not None and runs_build(host, version))
