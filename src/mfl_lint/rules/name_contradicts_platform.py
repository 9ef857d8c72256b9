"""The name says one platform, the image's config another.

It is a warning, and an error where the siblings, names that differ only by the platform word,
hold what their names say. Names that speak of other platforms on purpose are left alone: target
triples (`x86_64-linux-gnu`), `cross`, `toolchain`, `qemu`, `binfmt`, `sdk`, `sysroot`. So are
products with a platform in their name (`go-arm-emulator`), unless siblings have another word there.

Why: `docker run app-arm64` on an arm64 machine ends in `exec format error`, although everything
about the name is right. Usually the pipeline built on an amd64 machine and only changed the tag.

Fix: build the image for the platform that it is named after: `docker buildx build --platform
linux/arm64 -t REFERENCE --push .`; `mfl-lint inspect REFERENCE` shows what the config says.

Source: OCI image-spec 1.1 config.md, "architecture", "os", "variant".
"""

from __future__ import annotations

from collections.abc import Iterator

from mfl_lint.core.names import PlatformWord, has_foreign_word, platform_words
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Fault, Needs, Scope, TagCase, TagSummary, rule
from mfl_lint.rules._commands import build, listed
from mfl_lint.rules._evidence import config_platforms
from mfl_lint.rules._names import fits_any, means_platform, offers


@rule("MFL304", Severity.WARNING, Scope.TAG, needs=(Needs.CONFIGS, Needs.SIBLINGS))
def name_contradicts_platform(case: TagCase) -> Iterator[Fault]:
    """Judge a tag's images against the platform words of its name."""
    repository, tag = case.reference.repository, case.reference.tag or ""
    in_tag, in_repository = platform_words(tag), platform_words(repository)
    words = (*in_tag, *in_repository)
    if not words or has_foreign_word(repository) or has_foreign_word(tag):
        return
    built: list[Platform] = []
    for platform in config_platforms(case.root):
        if fits_any(words, platform):
            return
        built.append(platform)
    meant = [one for one in in_repository if means_platform(repository, one, case.siblings)]
    if not built or not (meant or in_tag):
        return
    word = meant[-1] if meant else in_tag[0]
    siblings = [one for near in in_tag for one in _tags(near, tag, case.siblings.tags or ())]
    siblings += [one for near in meant for one in _repositories(near, case, tag)]
    agree = bool(siblings) and all(siblings)
    yield Fault(
        f"{word.text} in the name says {word.platform}, the config says {listed(built)}"
        + ("; the names beside it keep their word" if agree else ""),
        build((word.platform,)),
        Severity.ERROR if agree else Severity.WARNING,
    )


def _tags(word: PlatformWord, tag: str, tags: tuple[TagSummary, ...]) -> Iterator[bool]:
    """Yield for each known tag that differs only by its word whether it offers what it says."""
    for summary in tags:
        if summary.tag != tag and summary.platforms:
            for other in platform_words(summary.tag):
                if other.stem == word.stem and other.start == word.start:
                    yield offers(summary, other)


def _repositories(word: PlatformWord, case: TagCase, tag: str) -> Iterator[bool]:
    """Yield for each known repository that differs only by its word whether it keeps it."""
    for name, summaries in case.siblings.others.items():
        if name == case.reference.repository:
            continue
        for other in platform_words(name):
            if other.stem == word.stem and other.start == word.start:
                same = [one for one in summaries if one.tag == tag and one.platforms]
                yield from (offers(one, other) for one in same)
