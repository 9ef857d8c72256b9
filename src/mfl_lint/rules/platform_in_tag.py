"""The tag says which platform its image is for.

`v1-arm64` and `latest-armhf` are one version under several tags, and no index groups them; where
one does, it is information only. A tag whose siblings differ only by the platform word is
certain; a lone one is possible, and the message says so.

Why: a host that pulls the wrong tag ends in `exec format error`, and whoever pulls `v1` finds
nothing or the image of whoever pushed last. One tag with an index picks the right image by
itself.

Fix: group them under one tag: `docker manifest create app:v1 app:v1-amd64 app:v1-arm64`, `docker
manifest push --purge app:v1`. Or build it so from the start: `docker buildx build --platform
linux/amd64,linux/arm64 -t app:v1 --push .`.

Source: Docker documentation, "Multi-platform images"; OCI image-spec 1.1 image-index.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.digest import Digest
from mfl_lint.core.names import PlatformWord, platform_words
from mfl_lint.core.policy import Severity
from mfl_lint.core.relatives import NamedPlatform, relatives
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, TagSummary, rule
from mfl_lint.rules._commands import Fix, group, merge, quoted
from mfl_lint.rules._names import beside, named, offers


@rule("MFL303", Severity.WARNING, Scope.TAG, needs=(Needs.SIBLINGS,))
def platform_in_tag(case: TagCase) -> Iterator[Fault]:
    """Judge a tag's name."""
    tag = case.reference.tag or ""
    words = platform_words(tag)
    if not words:
        return
    tags = case.siblings.tags
    names = tuple(summary.tag for summary in tags or ())
    known = [relatives(word, tag, names) for word in reversed(words)]
    found = next((one for one in known if one.certain), known[0])
    index = _grouping(found.word, tag, case.root.entry.digest, tags or ())
    message = f"{found.word.text} in the tag names a platform"
    if index is not None:
        message += f"; {index.tag} is an index that offers {found.word.platform}"
        use = f"# use {{name}}:{quoted(index.tag)} everywhere"
        yield Fault(message, (use,), Severity.INFO)
        return
    yield Fault(_explained(message, found, tags is not None), _fix(case, found))


def _grouping(
    word: PlatformWord, tag: str, digest: Digest | None, tags: tuple[TagSummary, ...]
) -> TagSummary | None:
    """Return the index that groups the tag: its stem's, or one that lists its very digest."""
    indexes = [one for one in tags if one.is_index and one.tag != tag]
    for one in indexes:
        if one.tag == (word.stem or "latest") and offers(one, word):
            return one
    listing = (one for one in indexes if digest is not None and digest in one.children)
    return min(listing, key=lambda one: one.tag, default=None)


def _explained(message: str, found: NamedPlatform, looked: bool) -> str:
    if found.others:
        return f"{message}, like {beside(found.others)}"
    if found.stem_exists:
        return f"{message}, beside {found.word.stem}"
    reason = "no other tag differs only by it" if looked else "the tags beside it were not seen"
    return f"possible: {message}; {reason}"


def _fix(case: TagCase, found: NamedPlatform) -> Fix:
    """Return what groups the tags. A lone one may be no platform: nothing is to be run then."""
    tag, stem = case.reference.tag or "", found.word.stem or "latest"
    target = f"{{name}}:{quoted(stem)}"
    known = {one.tag: one for one in case.siblings.tags or ()}
    first: tuple[str, ...] = ()
    if not found.others:
        plain = known.get(stem)
        if plain is None or not plain.platforms or offers(plain, found.word):
            return (f"# if {found.word.text} is a platform, push all as one list, {target}",)
        first = (stem,)
    tags = named((*first, tag, *found.others))
    lists = {name for name, one in known.items() if one.is_index}
    make = merge if case.root.is_index or lists.intersection(tags) else group
    return (make(target, [f"{{name}}:{quoted(one)}" for one in tags]),)
