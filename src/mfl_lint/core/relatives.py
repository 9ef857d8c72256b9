"""Names that differ only by a platform word: `app-arm64` and `app-amd64`, and `app` beside them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from mfl_lint.core.names import PlatformWord, platform_words
from mfl_lint.core.reference import DEFAULT_REGISTRY, OFFICIAL


class NamedPlatform(msgspec.Struct, frozen=True):
    """A platform word that was taken for one. `others` are the names that differ only by it."""

    word: PlatformWord
    others: tuple[str, ...]
    stem_exists: bool

    @property
    def certain(self) -> bool:
        """Say whether a name beside it shows that the word means a platform."""
        return bool(self.others) or self.stem_exists


@lru_cache(maxsize=8)
def _by_stem(names: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Return for each stem the names that are it with one platform word more."""
    found: dict[str, dict[str, None]] = {}
    for name in names:
        for word in platform_words(name):
            found.setdefault(word.stem, {})[name] = None
    return {stem: tuple(sorted(members)) for stem, members in found.items()}


@lru_cache(maxsize=8)
def as_set(names: tuple[str, ...]) -> frozenset[str]:
    """Return the names to look one up in."""
    return frozenset(names)


def relatives(word: PlatformWord, name: str, names: tuple[str, ...]) -> NamedPlatform:
    """Return the word with the names that differ from `name` only by it."""
    others = tuple(
        other
        for other in _by_stem(names).get(word.stem, ())
        if other != name and any(_swaps(word, one) for one in platform_words(other))
    )
    return NamedPlatform(word, others, bool(word.stem) and word.stem in as_set(names))


def _swaps(word: PlatformWord, other: PlatformWord) -> bool:
    return other.stem == word.stem and other.start == word.start and other.text != word.text


def stem_repository(registry: str, stem: str) -> str:
    """Return the repository that a stem names: on Docker Hub `nginx` is `library/nginx`."""
    return f"{OFFICIAL}{stem}" if registry == DEFAULT_REGISTRY and "/" not in stem else stem


class Family(msgspec.Struct, frozen=True):
    """Names that differ from `stem` by one platform word each, with the word of each."""

    stem: str
    members: Mapping[str, PlatformWord]


def family(name: str, names: tuple[str, ...]) -> Family | None:
    """Return the names that are one thing under several platforms' names, `name` among them.

    `name` holds a platform word itself, or is what they are without one. None where no other
    name shows that the word means a platform.
    """
    words = platform_words(name)
    for word in reversed(words):
        found = relatives(word, name, names)
        if found.certain:
            members = {name: word} | {other: _swapped(word, other) for other in found.others}
            return Family(word.stem, dict(sorted(members.items())))
    stem = name.removeprefix(OFFICIAL)
    known = {} if words else {one: _word_of(stem, one) for one in _by_stem(names).get(stem, ())}
    return Family(stem, known) if known else None


def _swapped(word: PlatformWord, other: str) -> PlatformWord:
    return next(one for one in platform_words(other) if _swaps(word, one))


def _word_of(stem: str, name: str) -> PlatformWord:
    return next(one for one in platform_words(name) if one.stem == stem)
