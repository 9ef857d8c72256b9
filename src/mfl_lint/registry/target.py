"""What a user names to be looked at: a reference, a namespace, a layout, an archive, a file.

target  = "-"                            a document on the standard input
        | "file:" path                   a document in a file
        | "oci:" directory [":" tag]     an OCI layout
        | "oci-archive:" file [":" tag]  a tar of an OCI layout
        | registry "/" glob              the repositories that match, `*` and `?`
        | reference                      as `docker pull` takes it
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from mfl_lint.core.errors import ReferenceInvalid
from mfl_lint.core.reference import Reference, is_tag

_GLOB: Final = re.compile(r"[a-z0-9*?][a-z0-9._*?-]*(?:/[a-z0-9*?][a-z0-9._*?-]*)*")
_MAX_GLOB: Final = 255
# skopeo's names for what is on a machine; no image is called so.
_ELSEWHERE: Final = frozenset({"containers-storage", "docker-archive", "docker-daemon"})


class ReferenceTarget(msgspec.Struct, frozen=True):
    """One reference in a registry; without a tag and a digest it means `latest`."""

    reference: Reference


class NamespaceTarget(msgspec.Struct, frozen=True):
    """All repositories of a registry that the glob `pattern` matches."""

    registry: str
    pattern: str


class LayoutTarget(msgspec.Struct, frozen=True):
    """An OCI layout in a directory; without a tag all of its entries."""

    path: Path
    tag: str | None = None


class ArchiveTarget(msgspec.Struct, frozen=True):
    """An OCI layout in a tar or tar.gz file; without a tag all of its entries."""

    path: Path
    tag: str | None = None


class FileTarget(msgspec.Struct, frozen=True):
    """One document in a file."""

    path: Path


class StdinTarget(msgspec.Struct, frozen=True):
    """One document on the standard input."""


Target = ReferenceTarget | NamespaceTarget | LayoutTarget | ArchiveTarget | FileTarget | StdinTarget


def parse_target(text: str) -> Target:
    """Return what `text` names. Raises ReferenceInvalid with a line that says what to write.

    A path may hold colons: what follows the last one is a tag only if it could be one and
    nothing exists under the whole name.
    """
    if "\0" in text:
        raise ReferenceInvalid("a target cannot hold a NUL character")
    if text == "-":
        return StdinTarget()
    transport, colon, rest = text.partition(":")
    if colon and transport in _TRANSPORTS:
        if not rest:
            raise ReferenceInvalid(f"{text!r} names no file: write {transport}:PATH")
        return _TRANSPORTS[transport](rest)
    if advice := _advice(text):
        raise ReferenceInvalid(f"not a target: {text[:100]!r}: {advice}")
    if "*" in text or "?" in text:
        return _parse_namespace(text)
    return ReferenceTarget(Reference.parse(text))


def _advice(text: str) -> str:
    """Return what to write in place of what other tools take, "" where it is none of that."""
    transport, colon, _ = text.partition(":")
    if colon and transport in _ELSEWHERE:
        return f"make a layout of it: skopeo copy {text[:100]} oci:DIR:TAG"
    if "://" in text:
        return f"write it without scheme: {text.partition('://')[2][:100]}"
    if text.startswith(("/", "./", "../", "~")):
        return (
            "it looks like a path: write oci:DIR for a layout, oci-archive:FILE for its archive, "
            "file:FILE for a document"
        )
    return ""


def find_target(text: str) -> Target:
    """Return what `text` names; of what is on the disk, ReferenceInvalid if it cannot be opened.

    What it holds is not looked at: a damaged layout or archive is no mistake of who names it.
    """
    target = parse_target(text)
    if isinstance(target, LayoutTarget | ArchiveTarget | FileTarget):
        why = _hindrance(target.path, is_folder=isinstance(target, LayoutTarget))
        if why:
            raise ReferenceInvalid(f"{target.path}: {why}")
    return target


def _hindrance(path: Path, *, is_folder: bool) -> str:
    """Return why a path cannot be opened as what it was named for, "" where it can."""
    try:
        mode = path.stat().st_mode
        if is_folder and not stat.S_ISDIR(mode):
            return "it is no directory: write oci-archive:FILE or file:FILE"
        if not is_folder and stat.S_ISDIR(mode):
            return "it is a directory: write oci:DIR"
        if not (is_folder or stat.S_ISREG(mode)):
            return "it is no regular file"
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return error.strerror or "it cannot be opened"
    return ""


def _parse_layout(rest: str) -> Target:
    return LayoutTarget(*_split_tag(rest, Path.is_dir))


def _parse_archive(rest: str) -> Target:
    return ArchiveTarget(*_split_tag(rest, Path.exists))


def _parse_file(rest: str) -> Target:
    return FileTarget(Path(rest))


_TRANSPORTS: Final[dict[str, Callable[[str], Target]]] = {
    "oci": _parse_layout,
    "oci-archive": _parse_archive,
    "file": _parse_file,
}


def _split_tag(rest: str, exists: Callable[[Path], bool]) -> tuple[Path, str | None]:
    path, colon, tag = rest.rpartition(":")
    if not colon or not path or not is_tag(tag) or exists(Path(rest)):
        return Path(rest), None
    return Path(path), tag


def _parse_namespace(text: str) -> NamespaceTarget:
    # The host is told apart from a namespace of Docker Hub as it is in a reference.
    first, slash, rest = text.partition("/")
    if not slash:
        raise ReferenceInvalid(
            f"not a target: {text[:100]!r}: a glob needs its registry or namespace: write "
            "REGISTRY/NAMESPACE/*"
        )
    named = Reference.parse(f"{first}/a/b") if _is_plain(first) else None
    if named is not None and named.repository == "a/b":
        registry, pattern = named.registry, rest
    else:
        registry, pattern = "docker.io", text
    is_host = "." in first and not _is_plain(first)
    if is_host or len(pattern) > _MAX_GLOB or not _GLOB.fullmatch(pattern):
        raise ReferenceInvalid(
            f"not a target: {text[:100]!r}: globs take the names of repositories, not of tags or "
            "hosts: write REGISTRY/NAMESPACE/*"
        )
    return NamespaceTarget(registry, pattern)


def _is_plain(component: str) -> bool:
    return "*" not in component and "?" not in component
