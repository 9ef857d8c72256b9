"""A plan as commands of other tools, each only where it can say all of it.

Every tool is told the whole list as it will be. What a tool cannot say is said instead: docker
loses annotations and attestations, crane writes no other platform than the config's.
Source: docker/cli `manifest`; docker/buildx `imagetools create`, whose sources may be descriptors
in JSON; regclient `regctl index`; go-containerregistry `crane index append`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from mfl_lint.core.index_fields import descriptor_fields, platform_fields
from mfl_lint.core.manifest import DOCKER_LIST, DOCKER_MANIFEST
from mfl_lint.core.observation import Kind
from mfl_lint.core.plan import Part, Plan
from mfl_lint.core.platform import Platform
from mfl_lint.core.spelling import is_canonical
from mfl_lint.core.steps import Repoint, SetMediaType
from mfl_lint.rules._commands import group

_MAX_ENTRIES: Final = 100
_MAX_TAG: Final = 128
# What `docker manifest annotate` and `push` accept, whatever the variant.
_DOCKER_PAIRS: Final = frozenset(
    f"{os}/{name}"
    for os, names in {
        "darwin": "386 amd64 arm arm64",
        "dragonfly": "386 amd64",
        "freebsd": "386 amd64 arm",
        "linux": "386 amd64 arm arm64 ppc64le mips64 mips64le riscv64 s390x",
        "netbsd": "386 amd64 arm",
        "openbsd": "386 amd64 arm",
        "plan9": "386 amd64",
        "solaris": "amd64",
        "windows": "386 amd64",
    }.items()
    for name in names.split()
)


class Way(msgspec.Struct, frozen=True):
    """One tool's commands, as lines for a POSIX shell; none where `why_not` says why."""

    tool: str
    lines: tuple[str, ...] = ()
    why_not: str = ""


class _CannotError(Exception):
    """A tool cannot say it; the text is why."""


def ways(plan: Plan, *, insecure: bool = False) -> tuple[Way, ...]:
    """Return the plan in the words of every tool; `insecure`: the registry speaks plain HTTP."""
    insecure = insecure or plan.target.is_loopback
    return tuple(_way(tool, say, plan, insecure) for tool, say in _TOOLS.items())


def _way(tool: str, say: Callable[[Plan, bool], Iterator[str]], plan: Plan, insecure: bool) -> Way:
    try:
        if plan.target.tag is None:
            raise _CannotError("there is no tag to be pushed: --to names one")
        if len(plan.parts) > _MAX_ENTRIES:
            raise _CannotError(f"the list has more than {_MAX_ENTRIES} entries")
        return Way(tool, tuple(say(plan, insecure)))
    except _CannotError as error:
        return Way(tool, (), str(error))


def _mfl_lint_manifest(plan: Plan, insecure: bool) -> Iterator[str]:
    """Yield one line: what goes is dropped first, then what is wrong is annotated and pushed."""
    flag = "--insecure " if insecure and not plan.target.is_loopback else ""
    target = shlex.quote(str(plan.target))
    changed = [part for part in plan.parts if _is_changed(plan, part)]
    if any(isinstance(mend.step, Repoint | SetMediaType) for mend in plan.mends):
        raise _CannotError("only `mfl-lint fix --push` writes sizes and media types")
    drops = {part.entry.digest for part, _ in plan.dropped}
    if drops & {part.entry.digest for part in plan.parts}:
        raise _CannotError("it drops every entry of a digest, not one of two")
    own = "mfl-lint manifest"
    steps = []
    if drops:
        named = " ".join(shlex.quote(one or "") for one in sorted(drops, key=str))
        steps.append(f"{own} remove {flag}{target} {named}")
    if any(part.before is None for part in plan.parts):
        sources = [shlex.quote(str(part.source)) for part in plan.parts if part.before is None]
        verb = "merge" if plan.before else "create"
        _demand_plain_images(plan)
        steps.append(f"{own} {verb} {flag}{target} {' '.join(sources)}")
        changed = [part for part in plan.parts if not _says_config(part)]
        if not plan.before:
            steps += [_own_annotate(target, part) for part in changed]
            steps.append(f"{own} push {flag}--purge {target}")
    elif changed:
        steps.append(f"{own} create {flag}--flatten {target} {target}")
        steps += [_own_annotate(target, part) for part in changed]
        steps.append(f"{own} push {flag}--purge {target}")
    yield " && ".join(steps)


def _is_changed(plan: Plan, part: Part) -> bool:
    return part.before is not None and plan.before[part.before].entry != part.entry


def _own_annotate(target: str, part: Part) -> str:
    platform = part.entry.platform or Platform()
    flags = [
        f"--os {shlex.quote(platform.os)}",
        f"--arch {shlex.quote(platform.architecture)}",
        f"--variant {shlex.quote(platform.variant)}",
    ]
    flags += [f"--os-version {shlex.quote(platform.os_version)}"] if platform.os_version else []
    named = shlex.quote(str(part.source))
    return f"mfl-lint manifest annotate {' '.join(flags)} {target} {named}"


def _docker_manifest(plan: Plan, insecure: bool) -> Iterator[str]:
    """Yield one line: a list from nothing, its wrong platforms annotated, pushed."""
    _demand_plain_images(plan)
    _demand_one_registry(plan)
    types = {part.entry.media_type == DOCKER_MANIFEST for part in plan.parts}
    if types != {plan.media_type == DOCKER_LIST}:
        raise _CannotError("it decides by the images whether the list is Docker's or OCI's")
    target = shlex.quote(str(plan.target))
    notes = [line for part in plan.parts for line in _docker_annotate(target, part)]
    names = [shlex.quote(str(part.source)) for part in plan.parts]
    line = group(target, names, " && ".join(notes))
    yield line.replace("{insecure}", "--insecure " if insecure else "")


def _docker_annotate(target: str, part: Part) -> Iterator[str]:
    """Yield what has to be said of an entry that its image's config does not say."""
    platform, built = part.entry.platform or Platform(), part.built or Platform()
    if f"{platform.os}/{platform.architecture}" not in _DOCKER_PAIRS:
        raise _CannotError(f"it refuses {platform.os}/{platform.architecture}")
    if _is_written(platform, built):
        return
    if built.variant and not platform.variant:
        raise _CannotError(f"it cannot take the variant {built.variant} away")
    if built.os_version and not platform.os_version:
        raise _CannotError("it cannot take an os.version away")
    flags = (
        ("--os", platform.os),
        ("--arch", platform.architecture),
        ("--variant", platform.variant),
        ("--os-version", platform.os_version),
        ("--os-features", ",".join(platform.os_features)),
    )
    said = " ".join(f"{flag} {shlex.quote(value)}" for flag, value in flags if value)
    yield f"docker manifest annotate {said} {target} {shlex.quote(str(part.source))}"


def _imagetools(plan: Plan, insecure: bool) -> Iterator[str]:
    """Yield one line with each entry as a descriptor in JSON."""
    if insecure and not plan.target.is_loopback:
        raise _CannotError("it speaks plain HTTP only where the builder is configured for it")
    if any(part.source.name != plan.target.name for part in plan.parts):
        _demand_plain_images(plan)
        _demand_configs(plan)
        sources = [str(part.source) for part in plan.parts]
    else:
        sources = [json.dumps(descriptor_fields(part.entry)) for part in plan.parts]
    if len({part.entry.digest for part in plan.parts}) < len(plan.parts):
        raise _CannotError("it lists no image twice")
    notes = [f"--annotation {shlex.quote(f'index:{k}={v}')}" for k, v in _annotations(plan).items()]
    words = [*notes, f"-t {shlex.quote(str(plan.target))}", *map(shlex.quote, sources)]
    yield f"docker buildx imagetools create {' '.join(words)}"


def _regctl(plan: Plan, insecure: bool) -> Iterator[str]:
    """Yield one line where the configs say all, else a list that is made beside the tag."""
    if insecure:
        yield f"regctl registry set --tls disabled {shlex.quote(plan.target.registry)}"
    annotations = _annotations(plan)
    notes = [f"--annotation {shlex.quote(f'{k}={v}')}" for k, v in annotations.items()]
    create = " ".join(["regctl index create", *notes, f"--media-type {plan.media_type}"])
    if all(part.kind is Kind.IMAGE and _says_config(part) for part in plan.parts):
        refs = " ".join(f"--ref {shlex.quote(str(part.source))}" for part in plan.parts)
        yield f"{create} {refs} {shlex.quote(str(plan.target))}"
        return
    aside = f"{plan.target.name}:{(plan.target.tag or '')[: _MAX_TAG - 7]}-mended"
    quoted = shlex.quote(aside)
    steps = [f"{create} {quoted}", *(_regctl_add(part, quoted) for part in plan.parts)]
    steps.append(f"regctl image copy {quoted} {shlex.quote(str(plan.target))}")
    steps.append(f"regctl tag delete {quoted}")
    yield " && ".join(steps)


def _regctl_add(part: Part, target: str) -> str:
    platform = part.entry.platform
    if platform is None or platform.os_features:
        raise _CannotError("it writes a platform on every entry, and no os.features")
    said = f"{platform}:{platform.os_version}" if platform.os_version else str(platform)
    notes = part.entry.annotations.items()
    words = [f"--desc-annotation {shlex.quote(f'{k}={v}')}" for k, v in notes]
    words.append(f"--desc-platform {shlex.quote(said)}")
    return " ".join(["regctl index add", *words, f"--ref {shlex.quote(str(part.source))}", target])


def _crane(plan: Plan, insecure: bool) -> Iterator[str]:
    """Yield one line that takes every platform from the configs."""
    _demand_plain_images(plan)
    _demand_configs(plan)
    words = ["crane"] + (["--insecure"] if insecure else []) + ["index append"]
    words += ["--docker-empty-base"] if plan.media_type == DOCKER_LIST else []
    words += [f"-m {shlex.quote(str(part.source))}" for part in plan.parts]
    yield " ".join([*words, f"-t {shlex.quote(str(plan.target))}"])


def _demand_plain_images(plan: Plan) -> None:
    """Raise _CannotError where the list holds more than images and their platforms."""
    for kind in (part.kind for part in plan.parts):
        if kind is not Kind.IMAGE:
            what = {Kind.ATTESTATION: "attestations", Kind.INDEX: "inner lists"}
            raise _CannotError(f"it would lose the list's {what.get(kind, 'other entries')}")
    document = plan.after.root.document if plan.after.root is not None else None
    if any(part.entry.annotations for part in plan.parts) or _annotations(plan):
        raise _CannotError("it would lose the list's annotations")
    if document is not None and (document.subject is not None or document.artifact_type):
        raise _CannotError("it would lose the list's subject or artifactType")


def _demand_one_registry(plan: Plan) -> None:
    if any(part.source.registry != plan.target.registry for part in plan.parts):
        raise _CannotError("it takes no image from another registry")


def _demand_configs(plan: Plan) -> None:
    for part in plan.parts:
        if not _says_config(part):
            raise _CannotError(f"it writes what the config of {part.entry.platform} says, no other")


def _says_config(part: Part) -> bool:
    """Say whether an entry says no more and no less than what its image's config says."""
    plain = part.entry.platform is not None and not part.entry.annotations
    return plain and _is_written(part.entry.platform or Platform(), part.built or Platform())


def _is_written(platform: Platform, built: Platform) -> bool:
    """Say whether copying the config's words gives the platform."""
    normal = built.normalized()
    bare = normal.architecture == "arm" and not built.variant
    same = platform_fields(platform.normalized()) == platform_fields(normal)
    return same and is_canonical(built, normal) and not bare


def _annotations(plan: Plan) -> dict[str, str]:
    root = plan.after.root
    return dict(root.document.annotations) if root is not None and root.document is not None else {}


_TOOLS: Final[dict[str, Callable[[Plan, bool], Iterator[str]]]] = {
    "mfl-lint manifest": _mfl_lint_manifest,
    "docker manifest": _docker_manifest,
    "docker buildx imagetools": _imagetools,
    "regctl": _regctl,
    "crane": _crane,
}
