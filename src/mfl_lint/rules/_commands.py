"""Lines for fixes. What a registry said is quoted, in comments too: a fix is pasted into a shell.

An interactive zsh takes a comment for a command, `#`, that it does not find. So comments hold
nothing that would run after that (`;`, `||`, a lone `'`, parentheses); `&&` does not.

`{reference}`, `{name}` and `{insecure}` are filled in per tag, when a fault becomes a finding.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from mfl_lint.core.digest import Digest
from mfl_lint.core.doubles import doubles, preferred
from mfl_lint.core.observation import Kind, Node
from mfl_lint.core.platform import Platform
from mfl_lint.core.right_platform import Right, right_platform
from mfl_lint.core.rule import commented
from mfl_lint.rules._evidence import is_absent, is_listed

# A command that names more entries than this helps nobody who reads it.
_MAX_NAMED: Final = 32
_RUNNABLE: Final = frozenset({Kind.IMAGE, Kind.UNDECIDED})
_LEFT_OUT: Final = {
    Kind.ATTESTATION: "attestations",
    Kind.ARTIFACT: "artifacts",
    Kind.BLOB: "artifacts",
    Kind.INDEX: "inner lists",
}
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


def group(target: str, parts: Sequence[str], annotate: str = "") -> str:
    """Return the line that makes a list of images, from nothing, and pushes it.

    `docker manifest create` reads each platform from the image's config. Where the user's disk
    has a draft of the list, it refuses, or keeps its entries (`--amend`); `docker manifest rm`
    throws the draft away, and fails where there is none. So the line makes sure of one first.
    """
    create = "docker manifest create {insecure}"
    steps = (
        f"{create}--amend {target} {parts[0]}",
        f"docker manifest rm {target}",
        f"{create}{target} {' '.join(parts)}",
        annotate,
        f"docker manifest push {{insecure}}--purge {target}",
    )
    return " && ".join(step for step in steps if step)


def _left_out(index: Node, without: Node | None = None) -> Fix:
    """Return a comment on what a list that is made anew from its images has no more."""
    kept = [child for child in index.children[: 2 * _MAX_NAMED] if child is not without]
    lost = {_LEFT_OUT[child.kind]: None for child in kept if child.kind in _LEFT_OUT}
    rebuilt = lost.keys() <= {"attestations"}
    noted = any(child.entry.annotations for child in kept if child.kind in _RUNNABLE)
    if any(child.kind in _RUNNABLE and is_absent(child) for child in kept):
        lost["missing images"] = None
    if noted or (index.document is not None and index.document.annotations):
        lost["annotations"] = None
    if not lost:
        return ()
    more = ", a rebuild keeps them" if rebuilt else ""
    return (f"# this leaves out the {' and '.join(lost)} of the list{more}",)


def flatten(index: Node) -> Fix:
    """Return the command that makes one list of an index's images and of its inner lists."""
    return _command(merge("{reference}", _named(index, _RUNNABLE | {Kind.INDEX})))


def merge(target: str, parts: Sequence[str]) -> str:
    """Return the command that makes one list of images and of what lists hold."""
    return f"docker buildx imagetools create -t {target} {' '.join(parts)}"


def _named(
    index: Node,
    kinds: frozenset[Kind],
    without: Node | None = None,
    keep: Node | None = None,
) -> list[str]:
    """Return the entries of these kinds that are there by their digests, each once."""
    digests = (child.entry.digest for child in _kept(index, without, keep) if child.kind in kinds)
    names = [f"{{name}}@{digest}" for digest in dict.fromkeys(islice(digests, _MAX_NAMED + 1))]
    if len(names) > _MAX_NAMED:
        names = [names[0], _OPEN]
    return names or [_OPEN]


def _kept(index: Node, without: Node | None, keep: Node | None) -> Iterator[Node]:
    """Yield the entries that a list made anew has: all that are there, no image twice.

    So that the fix of one fault brings nothing back that the fix of another one took away.
    """
    dropped = [without]
    for group in doubles(index.children[: 2 * _MAX_NAMED]):
        stays = next((node for node in group if node is keep), preferred(group)[0])
        dropped += [node for node in group if node.entry.digest != stays.entry.digest]
    for child in index.children:
        gone = any(child is node for node in dropped)
        if child.entry.digest and not gone and not is_absent(child):
            yield child


def annotate(index: Node, node: Node, platform: Platform) -> Fix:
    """Return the line that writes `platform` on the node's entry and pushes the list.

    Where the list has another image for the platform, the entry has to go instead.
    """
    if is_listed(index, node, platform):
        twin = f"to keep the other image for {quoted(str(platform))} only"
        again = ("to build all of them again", rebuild(index, node, platform))
        return ways((twin, recreate(index, without=node)), again)
    names = _named(index, _RUNNABLE, None, node)
    steps = _annotations(index, None, node, platform)
    return _left_out(index) + _command(group("{reference}", names, steps))


def _annotations(
    index: Node, without: Node | None, keep: Node | None, platform: Platform | None = None
) -> str:
    """Return the steps that write what is known of each entry and docker does not read itself.

    Docker reads every platform from the image's config, so that what is right in the list and
    not there would be lost: a variant, or what another finding's fix has written. `platform` is
    that of `keep`.
    """
    steps = []
    # Of a list that is too long to be named whole, what is asked about is all that helps.
    alone = [keep] if keep is not None else []
    whole = len(index.children) <= 2 * _MAX_NAMED
    for child in _kept(index, without, keep) if whole else alone:
        known = platform if platform is not None and child is keep else _known(child)
        if known is not None:
            digest = child.entry.digest or "DIGEST"
            steps.append(
                f"docker manifest annotate {_flags(known)} {{reference}} {{name}}@{digest}"
            )
    return " && ".join(steps)


def _flags(platform: Platform) -> str:
    flags = (
        ("--os", platform.os),
        ("--arch", platform.architecture),
        ("--variant", platform.variant),
        ("--os-version", platform.os_version),
    )
    return " ".join(f"{flag} {quoted(value)}" for flag, value in flags if value)


def _known(node: Node) -> Platform | None:
    """Return the platform of an entry where it is certain and the image's config says another."""
    if node.kind is not Kind.IMAGE or node.config is None:
        return None
    found = right_platform(node)
    if not isinstance(found, Right) or found.platform == node.config.platform:
        return None
    same = found.platform.normalized() == node.config.platform.normalized()
    silent = found.platform.architecture == "arm" and not node.config.platform.variant
    return found.platform if silent or not same else None


def recreate(index: Node, *, without: Node | None = None, keep: Node | None = None) -> Fix:
    """Return the line that makes the list anew from its images and pushes it.

    Of several images for one platform it takes `keep`, else the one that a plan keeps.
    """
    names = _named(index, _RUNNABLE, without, keep)
    steps = _annotations(index, without, keep)
    return _left_out(index, without) + _command(group("{reference}", names, steps))


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
