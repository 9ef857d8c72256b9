"""Platform words in names, and what the names beside them tell about their meaning.

A word with siblings that differ only by it is certain. A lone one is possible, unless it looks
like part of a product's name: inside a component (`go-arm-emulator`), or before several other
words (`amd64-microcode-docs`) where the siblings were looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from mfl_lint.core.names import PlatformWord, platform_words
from mfl_lint.core.platform import Platform
from mfl_lint.core.relatives import NamedPlatform, as_set, relatives, stem_repository
from mfl_lint.core.rule import NameCase, Siblings, TagSummary

_JOINTS: Final = "-_."
_MAX_NAMED: Final = 12


def in_repository(case: NameCase, *, namespace: bool) -> NamedPlatform | None:
    """Return the platform word in the last component of a repository's name, or before it."""
    name = case.reference.repository
    slash = name.rfind("/")
    words = [word for word in platform_words(name) if (word.end <= slash) is namespace]
    if not words:
        return None
    names = case.siblings.repositories
    known = [_with_official(case, word, names or ()) for word in reversed(words)]
    for one in known:
        if _is_certain(name, one):
            return one
    plausible = (one for one in known if _is_plausible(name, one.word, names is not None))
    return next(plausible, None)


def means_platform(name: str, word: PlatformWord, siblings: Siblings) -> bool:
    """Say whether a word of a repository's name speaks of its images, not of what they do."""
    found = relatives(word, name, tuple(siblings.others))
    return _is_certain(name, found) or _is_plausible(name, word, looked=True)


def _is_certain(name: str, found: NamedPlatform) -> bool:
    return bool(found.others) or (found.stem_exists and _place(name, found.word) != "inside")


def _with_official(case: NameCase, word: PlatformWord, names: tuple[str, ...]) -> NamedPlatform:
    found = relatives(word, case.reference.repository, names)
    official = stem_repository(case.reference.registry, word.stem)
    if found.stem_exists or official not in as_set(names):
        return found
    return msgspec.structs.replace(found, stem_exists=True)


def _place(name: str, word: PlatformWord) -> str:
    """Return where the word stands in its path component: whole, last, first or inside."""
    opens = word.start == 0 or name[word.start - 1] == "/"
    closes = word.end == len(name) or name[word.end] == "/"
    if opens and closes:
        return "whole"
    return "last" if closes else "first" if opens else "inside"


def _is_plausible(name: str, word: PlatformWord, looked: bool) -> bool:
    """Say whether a lone word may mean the image's platform."""
    place = _place(name, word)
    if place != "first":
        return place != "inside"
    is_namespace = "/" in name[word.end :]
    rest = name[word.end + 1 :]
    several = any(joint in rest for joint in _JOINTS)
    return not is_namespace and not (several and looked)


def grouping(word: PlatformWord, tags: Iterable[TagSummary]) -> TagSummary | None:
    """Return an index among the tags that offers the word's platform."""
    for tag in tags:
        if tag.is_index and offers(tag, word):
            return tag
    return None


def offers(tag: TagSummary, word: PlatformWord) -> bool:
    """Say whether the tag is known to offer the word's platform."""
    return any(word.fits(platform) for platform in tag.platforms or ())


def beside(names: Iterable[str]) -> str:
    """Return names as a message shows them, four at most."""
    names = list(names)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def named(names: Iterable[str]) -> list[str]:
    """Return names for a command, not more than somebody reads."""
    return list(names)[:_MAX_NAMED]


def fits_any(words: Iterable[PlatformWord], platform: Platform) -> bool:
    """Say whether one of the words is true of the platform."""
    return any(word.fits(platform) for word in words)
