"""Platform words inside the names of repositories and tags, like `app-ppc64le` or `arm64v8/app`.

A word counts only where it stands whole between `-`, `_`, `.`, `/` and the ends: `charm` and
`alarm` hold none. Nothing here decides whether a word means a platform: `go-arm-emulator` and
`amd64-microcode-docs` do hold words, and it takes their siblings to see that these are products.

Sources: the architecture names of Go, Debian, `uname -m`, Docker's per-architecture namespaces
and the .NET runtime identifiers; target triples as GCC and Rust write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

import msgspec

from mfl_lint.core.platform import Platform

# A repository has at most 255 characters and a tag 128: nothing longer is a name.
_LONGEST: Final = 512


class PlatformWord(msgspec.Struct, frozen=True):
    """A platform word in a name: `name[start:end] == text`.

    `platform` is canonical, with a variant where the word says one. Its os is the one before
    the word (`windows-amd64`), windows where another word names an edition of it
    (`nanoserver-amd64`), else linux: only what the word itself says can be contradicted.
    `stem` is the name without the word and without one of the separators that join it.
    """

    text: str
    platform: Platform
    start: int
    end: int
    stem: str

    def fits(self, platform: Platform) -> bool:
        """Say whether an image of this platform may bear the word.

        An os counts only where it is part of the word, a variant only where both say one. Some
        words are used for more than their canonical platform: x86 for both widths.
        """
        parts = _SEPARATOR.split(self.text.lower(), maxsplit=1)
        given, own = platform.normalized(), self.platform.normalized()
        if parts[0] in _SYSTEMS and given.os != own.os:
            return False
        if (given.architecture, given.variant) in _ALSO.get(parts[-1], ()):
            return True
        says_variant = self.platform.variant and platform.variant
        return given.architecture == own.architecture and (
            not says_variant or given.variant == own.variant
        )


def platform_words(name: str) -> tuple[PlatformWord, ...]:
    """Return the platform words of a repository's name or a tag, from left to right.

    What is too long to be a name has none.
    """
    return _platform_words(name) if len(name) <= _LONGEST else ()


def has_foreign_word(name: str) -> bool:
    """Say whether the name may speak of another platform than the image's own.

    Either it holds a target triple (`x86_64-linux-gnu`), or a word for tools that work on
    foreign platforms: cross, toolchain, qemu, binfmt, sdk, sysroot.
    """
    return len(name) <= _LONGEST and _has_foreign_word(name)


@lru_cache(maxsize=16384)
def _platform_words(name: str) -> tuple[PlatformWord, ...]:
    matches = tuple(_WORD.finditer(name))
    if not matches:
        return ()
    system = "windows" if _WINDOWS_EDITION.search(name) else "linux"
    return tuple(_word(name, match, system) for match in matches)


@lru_cache(maxsize=16384)
def _has_foreign_word(name: str) -> bool:
    return _FOREIGN.search(name) is not None


def _word(name: str, match: re.Match[str], default_system: str) -> PlatformWord:
    os, architecture = match["os"], match["architecture"]
    system = _SYSTEMS[os.lower()] if os else default_system
    word = _SEPARATOR.sub("-", architecture.lower())
    canonical = _ARCHITECTURES.get(word) or _LEVELS[word]
    return PlatformWord(
        text=match[0],
        platform=Platform(system, *canonical),
        start=match.start(),
        end=match.end(),
        stem=_stem(name, match.start(), match.end()),
    )


def _stem(name: str, start: int, end: int) -> str:
    """Leave out the word with the separator before it, but never split a path component off."""
    opens_component = start == 0 or name[start - 1] == "/"
    if opens_component and end < len(name):
        return name[:start] + name[end + 1 :]
    return name[: max(start - 1, 0)] + name[end:]


def _alternatives(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return "|".join(_pattern(word) for word in longest_first)


def _pattern(word: str) -> str:
    """Let a dash stand for any joint; a number beside a dot is a version's part, no word."""
    return rf"(?<!\.){word}(?!\.)" if word.isdigit() else word.replace("-", "[-_/]")


def _table(rows: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    table = {}
    for platform, words in rows.items():
        architecture, _, variant = platform.partition("/")
        table.update(dict.fromkeys(words.split(), (architecture, variant)))
    return table


_SEPARATOR: Final = re.compile(r"[-_./]")

_SYSTEMS: Final = {
    "linux": "linux",
    "windows": "windows",
    "win": "windows",
    "darwin": "darwin",
    "macos": "darwin",
    "osx": "darwin",
    "freebsd": "freebsd",
}

_ARCHITECTURES: Final = _table(
    {
        "386": "386 i386 i486 i586 i686 ia32 x86-32",
        "amd64": "amd64 x86-64 x64 x86",
        "amd64/v1": "amd64v1",
        "amd64/v2": "amd64v2",
        "amd64/v3": "amd64v3",
        "amd64/v4": "amd64v4",
        "arm": "arm arm32",
        "arm/v5": "armv5 armv5l armv5te armv5tel arm32v5",
        "arm/v6": "armel armv6 armv6l armv6hf arm32v6",
        "arm/v7": "armhf armv7 armv7a armv7l armv7hf arm32v7",
        "arm/v8": "armv8l arm32v8",
        "arm64": "arm64 aarch64 armv8",
        "arm64/v8": "arm64v8",
        "loong64": "loong64 loongarch64",
        "mips": "mips",
        "mipsle": "mipsle mipsel",
        "mips64": "mips64",
        "mips64le": "mips64le mips64el",
        "ppc64": "ppc64 powerpc64",
        "ppc64le": "ppc64le ppc64el powerpc64le",
        "riscv64": "riscv64 riscv64gc",
        "s390x": "s390x",
    }
)

# Written as `linux/arm/v7`. Without an os before it, `v7` may be the release.
_LEVELS: Final = _table(
    {
        "amd64/v1": "amd64-v1",
        "amd64/v2": "amd64-v2",
        "amd64/v3": "amd64-v3",
        "amd64/v4": "amd64-v4",
        "arm/v5": "arm-v5",
        "arm/v6": "arm-v6",
        "arm/v7": "arm-v7",
        "arm/v8": "arm-v8",
        "arm64/v8": "arm64-v8",
    }
)

# What else bears the word: Alpine's armhf is v6, Debian's armel v5.
_ALSO: Final = {
    "x86": {("386", "")},
    "armhf": {("arm", "v6")},
    "armel": {("arm", "v5")},
    "armv8": {("arm", "v8")},
}

_BEGINS: Final = r"(?<![^-_./])"
_ENDS: Final = r"(?![^-_./])"

_WORD: Final = re.compile(
    rf"{_BEGINS}(?:(?P<os>{_alternatives(_SYSTEMS)})[-_./])?(?P<architecture>"
    rf"(?(os)(?:{_alternatives(_LEVELS)}){_ENDS}(?!\.[0-9])|(?<=[-_./])arm[-_]v[567]\Z)"
    rf"|{_alternatives(_ARCHITECTURES)}){_ENDS}",
    re.IGNORECASE | re.ASCII,
)

_WINDOWS_EDITION: Final = re.compile(
    rf"{_BEGINS}(?:windows|nanoserver|servercore)", re.IGNORECASE | re.ASCII
)

_FOREIGN: Final = re.compile(
    rf"{_BEGINS}(?:cross|toolchain|qemu|binfmt|sdk|sysroot){_ENDS}"
    r"|(?<=[a-z0-9][-_])(?:"
    r"linux[-_](?:gnu|musl|android|uclibc)[a-z0-9]*"
    r"|(?:unknown|pc)[-_](?:linux|windows|freebsd|netbsd|openbsd|none|elf|uefi)"
    r"|apple[-_](?:darwin|ios)|w64[-_]mingw32|none[-_](?:elf|eabi[a-z]*)"
    rf"){_ENDS}",
    re.IGNORECASE | re.ASCII,
)
