"""Lines for fixes. What a registry said is quoted, in comments too: a fix is pasted into a shell.

An interactive zsh takes a comment for a command, `#`, that it does not find. So comments hold
nothing that would run after that (`;`, `||`, a lone `'`, parentheses); `&&` does not.

`{reference}` and `{name}` are filled in per tag, when a fault becomes a finding.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from itertools import islice
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.rule import commented

# A command that names more entries than this helps nobody who reads it.
_MAX_NAMED: Final = 32
_RUNNABLE: Final = frozenset({Kind.IMAGE, Kind.UNDECIDED})
_OPEN: Final = "{name}@DIGEST"

Fix = tuple[str, ...]


def short(digest: Digest | None) -> str:
    """Return a digest as a message shows it."""
    return f"{digest[:19]}…" if digest else "no usable digest"


def listed(platforms: Iterable[Platform], nothing: str = "none") -> str:
    """Return platforms as a message shows them, each once, ten at most."""
    names = list(dict.fromkeys(str(platform) for platform in platforms))
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more or nothing


def quoted(text: str) -> str:
    """Return text as one word of a shell in which no placeholder is filled in."""
    return shlex.quote(text).replace("{", "{''")


def ways(*ways: tuple[str, Fix]) -> Fix:
    """Return ways out, each with when to take it; all but the first are commented out."""
    (when, first), *others = ways
    lines = [f"# {when}:", *first]
    for when, way in others:
        lines += [f"# or, {when}:", *map(commented, way)]
    return tuple(lines)


def _command(text: str) -> Fix:
    """Return a command, commented out where it does not name every image."""
    if _OPEN not in text:
        return (text,)
    return "# name each image by its digest in place of DIGEST:", commented(text)


def _create(index: Node, *, without: Node | None = None) -> str:
    """Return the command that makes the list anew from its images, but for one.

    `docker manifest create` reads each platform from the image's config.
    """
    named = _named(index, _RUNNABLE, without)
    return f"docker manifest create --amend {{reference}} {named}"


def flatten(index: Node) -> Fix:
    """Return the command that makes one list of an index's images and of its inner lists."""
    named = _named(index, _RUNNABLE | {Kind.INDEX})
    return _command(f"docker buildx imagetools create -t {{reference}} {named}")


def _named(index: Node, kinds: frozenset[Kind], without: Node | None = None) -> str:
    """Return the entries of these kinds by their digests, each once."""
    digests = (
        child.entry.digest
        for child in index.children
        if child.kind in kinds and child is not without and child.entry.digest
    )
    names = [f"{{name}}@{digest}" for digest in dict.fromkeys(islice(digests, _MAX_NAMED + 1))]
    if len(names) > _MAX_NAMED:
        names = [names[0], _OPEN]
    return " ".join(names) or _OPEN


def annotate(index: Node, node: Node, platform: Platform) -> Fix:
    """Return the line that writes `platform` on the node's entry and pushes the list."""
    flags = (
        ("--os", platform.os),
        ("--arch", platform.architecture),
        ("--variant", platform.variant),
        ("--os-version", platform.os_version),
    )
    said = " ".join(f"{flag} {quoted(value)}" for flag, value in flags if value)
    digest = node.entry.digest or "DIGEST"
    return _command(
        f"{_create(index)} && docker manifest annotate {said} {{reference}} {{name}}@{digest}"
        " && docker manifest push {reference}"
    )


def recreate(index: Node, *, without: Node | None = None) -> Fix:
    """Return the line that makes the list anew from its images and pushes it."""
    return _command(f"{_create(index, without=without)} && docker manifest push {{reference}}")


def build(platforms: Iterable[Platform], extra: str = "") -> Fix:
    """Return the command that builds for these platforms and pushes them as one list."""
    known = (one for one in platforms if one.os and one.architecture and not one.is_unknown)
    names = dict.fromkeys(quoted(str(one)) for one in known)
    targets = ",".join(names) or "linux/amd64,linux/arm64"
    return (f"docker buildx build --platform {targets}{extra} -t {{reference}} --push .",)


def rebuild(index: Node | None, node: Node, meant: Platform | None = None) -> Fix:
    """Return the command that builds the node's image again with all that its index lists.

    `meant` is the node's platform where its entry says it wrongly.
    """
    children = index.children if index is not None else (node,)
    images = [child for child in children[:_MAX_NAMED] if child.kind in _RUNNABLE]
    said = (meant if child is node and meant else child.entry.platform for child in images)
    return build(platform.normalized() for platform in said if platform is not None)
