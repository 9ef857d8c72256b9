"""Platform words in names: which are found, what they say, what remains without them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core import names
from mfl_lint.core.names import has_foreign_word, platform_words
from mfl_lint.core.platform import KNOWN_PAIRS, Platform

FOUND = [
    ("my-app-ppc64le", "ppc64le", "linux/ppc64le", "my-app"),
    ("ppc64le/my-app", "ppc64le", "linux/ppc64le", "my-app"),
    ("awesome_company/mycool-app-s390x", "s390x", "linux/s390x", "awesome_company/mycool-app"),
    ("app_arm64", "arm64", "linux/arm64", "app"),
    ("arm32v7-app", "arm32v7", "linux/arm/v7", "app"),
    ("arm64v8/app", "arm64v8", "linux/arm64/v8", "app"),
    ("i386/app", "i386", "linux/386", "app"),
    ("org/arm64/app", "arm64", "linux/arm64", "org/app"),
    ("org/arm64-app", "arm64", "linux/arm64", "org/app"),
    ("org/app-arm64/base", "arm64", "linux/arm64", "org/app/base"),
    ("org/arm64", "arm64", "linux/arm64", "org"),
    ("v1-arm64", "arm64", "linux/arm64", "v1"),
    ("latest-armhf", "armhf", "linux/arm/v7", "latest"),
    ("1.2.3-armel", "armel", "linux/arm/v6", "1.2.3"),
    ("v1.0.armv6", "armv6", "linux/arm/v6", "v1.0"),
    ("v1-armv7l", "armv7l", "linux/arm/v7", "v1"),
    ("v1-armv8", "armv8", "linux/arm64", "v1"),
    ("v1-linux-arm64-alpine", "linux-arm64", "linux/arm64", "v1-alpine"),
    ("linux/arm64", "linux/arm64", "linux/arm64", ""),
    ("app-linux_amd64", "linux_amd64", "linux/amd64", "app"),
    ("v1-linux-arm-v7", "linux-arm-v7", "linux/arm/v7", "v1"),
    ("linux-arm64-v8", "linux-arm64-v8", "linux/arm64/v8", ""),
    ("v1-arm-v6", "arm-v6", "linux/arm/v6", "v1"),
    ("app-windows-amd64", "windows-amd64", "windows/amd64", "app"),
    ("app-win-x64", "win-x64", "windows/amd64", "app"),
    ("app-osx-arm64", "osx-arm64", "darwin/arm64", "app"),
    ("nanoserver-ltsc2022-amd64", "amd64", "windows/amd64", "nanoserver-ltsc2022"),
    ("windowsservercore-amd64", "amd64", "windows/amd64", "windowsservercore"),
    ("app-x86_64", "x86_64", "linux/amd64", "app"),
    ("app-x86-64", "x86-64", "linux/amd64", "app"),
    ("x86_64-app", "x86_64", "linux/amd64", "app"),
    ("app-x86", "x86", "linux/amd64", "app"),
    ("app-X64", "X64", "linux/amd64", "app"),
    ("app-386", "386", "linux/386", "app"),
    ("app-i686", "i686", "linux/386", "app"),
    ("app-AArch64", "AArch64", "linux/arm64", "app"),
    ("app-ppc64el", "ppc64el", "linux/ppc64le", "app"),
    ("app-powerpc64le", "powerpc64le", "linux/ppc64le", "app"),
    ("app-riscv64", "riscv64", "linux/riscv64", "app"),
    ("app-loongarch64", "loongarch64", "linux/loong64", "app"),
    ("app-mipsel", "mipsel", "linux/mipsle", "app"),
    ("app-mips64le", "mips64le", "linux/mips64le", "app"),
    ("app-amd64v3", "amd64v3", "linux/amd64/v3", "app"),
    ("amd64", "amd64", "linux/amd64", ""),
    # The release v7 is not the variant v7, and v7.1 never is.
    ("arm-v7", "arm", "linux/arm", "v7"),
    ("linux-arm-v7.1", "linux-arm", "linux/arm", "v7.1"),
    # Products: the word does stand there, and only their siblings show that it is a product's.
    ("go-arm-emulator", "arm", "linux/arm", "go-emulator"),
    ("amd64-microcode-docs", "amd64", "linux/amd64", "microcode-docs"),
]


@pytest.mark.parametrize(("name", "text", "platform", "stem"), FOUND)
def test_a_word_is_found_with_its_platform_and_what_remains(
    name: str, text: str, platform: str, stem: str
) -> None:
    [word] = platform_words(name)
    assert (text, platform, stem) == (word.text, str(word.platform), word.stem)
    assert text == name[word.start : word.end]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "charm",
        "alarm",
        "farm-house",
        "swarm/agent",
        "armada",
        "x86box",
        "amd64s",
        "v1.386.0",
        "2024.386",
        "linux",
        "app-linux-alpine",
        "arm+64",
        "ſ390x",
        "arm64é",
        "armv77",
        "a" * 600 + "-arm64",
    ],
)
def test_what_only_looks_like_a_word_is_none(name: str) -> None:
    assert platform_words(name) == ()


def test_each_of_several_words_is_found_with_its_own_stem() -> None:
    found = [(word.text, word.stem) for word in platform_words("arm64/app-amd64-386")]
    assert found == [
        ("arm64", "app-amd64-386"),
        ("amd64", "arm64/app-386"),
        ("386", "arm64/app-amd64"),
    ]


def test_siblings_that_differ_by_the_word_alone_have_one_stem() -> None:
    tags = [
        "v1-x86_64",
        "v1-linux-arm64",
        "v1-arm32v7",
        "v1-linux-arm-v6",
        "v1.s390x",
        "ppc64le_v1",
    ]
    assert {word.stem for tag in tags for word in platform_words(tag)} == {"v1"}


@pytest.mark.parametrize(
    ("name", "platform", "expected"),
    [
        ("app-arm64", Platform("linux", "aarch64", "v8"), True),
        ("app-arm64", Platform("linux", "arm64", "v9"), True),
        ("app-arm64", Platform("linux", "amd64"), False),
        ("app-arm64", Platform("windows", "arm64"), True),
        ("app-linux-arm64", Platform("windows", "arm64"), False),
        ("app-arm64v8", Platform("linux", "arm64"), True),
        ("app-x86", Platform("linux", "386"), True),
        ("app-x86", Platform("linux", "amd64"), True),
        ("app-linux-x86", Platform("linux", "386"), True),
        ("app-x86_64", Platform("linux", "386"), False),
        ("app-i386", Platform("linux", "amd64"), False),
        ("app-arm", Platform("linux", "arm", "v5"), True),
        ("app-armv6", Platform("linux", "arm", "v7"), False),
        ("app-armv6", Platform("linux", "arm"), True),
        ("app-armhf", Platform("linux", "arm", "v6"), True),
        ("app-armhf", Platform("linux", "arm", "v5"), False),
        ("app-armhf", Platform("linux", "arm64"), False),
        ("app-armel", Platform("linux", "arm", "v5"), True),
        ("app-armv8", Platform("linux", "arm", "v8"), True),
    ],
)
def test_a_word_fits_an_image_or_contradicts_it(
    name: str, platform: Platform, expected: bool
) -> None:
    [word] = platform_words(name)
    assert expected == word.fits(platform)


@pytest.mark.parametrize(
    "name",
    [
        "x86_64-linux-gnu",
        "rust-aarch64-unknown-linux-musl",
        "gcc_x86_64-pc-windows-msvc",
        "arm-linux-gnueabihf",
        "arm-none-eabi",
        "x86_64-w64-mingw32",
        "osxcross/x86_64-apple-darwin",
        "cross-arm64",
        "org/toolchain/arm64",
        "QEMU-arm",
        "binfmt",
        "dotnet/sdk",
        "sysroot_arm64",
    ],
)
def test_a_triple_or_a_word_of_foreign_tools_is_seen(name: str) -> None:
    assert has_foreign_word(name)


@pytest.mark.parametrize(
    "name",
    ["", "crossword", "across", "sdks", "app-linux-arm64", "linux-gnu", "v1-arm64", "pc-engine"],
)
def test_an_ordinary_name_holds_no_foreign_word(name: str) -> None:
    assert not has_foreign_word(name)


def test_the_canonical_architectures_are_all_words() -> None:
    # wasm is none: an image for it is rarely one of several, and the word is a product's.
    for architecture in {architecture for _, architecture in KNOWN_PAIRS} - {"wasm"}:
        [word] = platform_words(f"app-{architecture}")
        assert Platform("linux", architecture) == word.platform


@pytest.mark.parametrize("alias", ["aarch64", "x86_64", "x86-64", "i386", "armhf", "armel"])
def test_an_alias_says_what_it_says_in_a_platform(alias: str) -> None:
    [word] = platform_words(f"app-{alias}")
    assert Platform("linux", alias).normalized() == word.platform.normalized()


PIECES = st.sampled_from(
    ["arm", "arm64", "x86", "64", "linux", "windows", "v7", "386", "app", "1", "a", "gnu", "sdk"]
)


@given(st.lists(st.tuples(PIECES, st.sampled_from("-_./")), max_size=12), PIECES)
def test_words_stand_whole_apart_and_in_order(pieces: list[tuple[str, str]], last: str) -> None:
    name = "".join(piece + separator for piece, separator in pieces) + last
    at = 0
    for word in platform_words(name):
        assert at <= word.start < word.end <= len(name)
        assert word.text == name[word.start : word.end]
        assert word.start == 0 or name[word.start - 1] in "-_./"
        assert word.end == len(name) or name[word.end] in "-_./"
        joint = 0 if word.text == name else 1
        assert len(name) - len(word.text) - joint == len(word.stem)
        assert word.fits(word.platform)
        at = word.end + 1


@given(st.text())
def test_any_text_is_answered(name: str) -> None:
    assert all(word.text in name for word in platform_words(name))
    assert has_foreign_word(name) in (True, False)


@pytest.mark.parametrize("unit", ["-", "a", "a-", "linux-", "linux-gnu", "linux_", "arm-", "x86_"])
def test_the_patterns_are_linear_in_the_name(unit: str) -> None:
    # A megabyte, past the bound on names: quadratic matching would take hours, not a moment.
    text = unit * (1_000_000 // len(unit)) + "!"
    assert sum(1 for _ in names._WORD.finditer(text)) <= len(text)
    assert all(match.end() <= len(text) for match in names._FOREIGN.finditer(text))
