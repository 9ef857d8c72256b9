"""Platforms: the corpus of containerd's own tables, what meets what, and properties."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.errors import PlatformInvalid
from mfl_lint.core.platform import CANONICAL_VARIANTS, KNOWN_PAIRS, Platform, meets, spellings

Row = dict[str, Any]
CORPUS = json.loads((Path(__file__).parents[1] / "corpus" / "platforms.json").read_text())

NOT_FROM_THE_HOST = "never filled in from the host: an os or an architecture alone is refused"

# The specifiers with one part that containerd completes from the host it runs on.
DIFFERENT = dict.fromkeys(
    [
        "AMD64",
        "Aarch64",
        "aarch64",
        "arm",
        "arm64",
        "armel",
        "armhf",
        "i386",
        "linux",
        "linux(+gpu)",
        "linux(+gpu+simd)",
        "linux(+unsorted+erofs)",
        "macOS",
        "s390x",
        "windows",
        "windows()",
        "windows(10.0.17763%2Bbuild.42)",
        "windows(10.0.17763%2Bbuild.42+win32k)",
        "windows(10.0.17763)",
        "windows(10.0.17763+win32k)",
        "windows(50%25done)",
        "x86-64",
        "x86_64",
    ],
    NOT_FROM_THE_HOST,
)

# Why the other tables are counted and not run.
PUSHING = "what a daemon pushes of the children that it has; nothing is chosen for a host"
OTHER = "another library's habits"
DATA = "names that other tables refer to, or words of the specification; nothing to answer"
NOT_RUN = {
    "cpu_variant_from_arch_containerd": NOT_FROM_THE_HOST,
    "parse_regclient": OTHER,
    "format_regclient": OTHER,
    "compare_regclient": OTHER,
    "format_ggcr": OTHER,
    "parse_invalid_ggcr": OTHER,
    "match_oras": OTHER,
    "push_selection_moby": PUSHING,
    "known_os_containerd": DATA,
    "known_arch_containerd": DATA,
    "known_arch_regclient": OTHER,
    "image_spec_variants": DATA,
    "parse_observed_both.regclient": OTHER,
}


def platform_of(row: Row) -> Platform:
    return Platform(
        row.get("os", ""),
        row.get("architecture", ""),
        row.get("variant", ""),
        row.get("os.version", ""),
        tuple(row.get("os.features", ())),
    )


def answer(text: str) -> Row:
    platform = Platform.parse(text)
    return {
        "format": str(platform),
        "format_all": platform.full,
        "platform": platform,
        "normalized": platform.normalized(),
    }


def observed(row: Row) -> Row:
    return {
        **row,
        "platform": platform_of(row["platform"]),
        "normalized": platform_of(row["normalized"]),
    }


def run_counts(rows: list[Row], expected: Callable[[Row], Row | None]) -> tuple[int, int]:
    """Hold each row that is not listed against our answer; return (run, differing)."""
    run = [row for row in rows if row["input"] not in DIFFERENT]
    for row in run:
        outcome = expected(row)
        if outcome is None:
            with pytest.raises(PlatformInvalid):
                Platform.parse(row["input"])
        else:
            assert outcome == answer(row["input"]), row["input"]
    return len(run), len(rows) - len(run)


def test_containerds_own_table_of_specifiers_is_answered_alike() -> None:
    rows = CORPUS["parse_containerd"]
    counts = run_counts(
        rows, lambda row: observed(row["observed_on_linux_amd64"]) if row["valid"] else None
    )
    for row in (row for row in rows if row["valid"] and row["input"] not in DIFFERENT):
        platform = Platform.parse(row["input"])
        assert platform_of(row["expected"]) == platform
        assert row["formatted"] == str(platform)
        for other in row["matches"]:
            assert platform.normalized() == platform_of(other).normalized()
    print(f"platforms.json parse_containerd: (run, differing) = {counts}")
    assert counts == (13, 19)


def test_what_containerd_was_seen_to_parse_is_parsed_alike() -> None:
    counts = run_counts(
        CORPUS["parse_observed_both"],
        lambda row: None if "error" in row["containerd"] else observed(row["containerd"]),
    )
    print(f"platforms.json parse_observed_both: (run, differing) = {counts}")
    assert counts == (34, 6)


def test_containerds_full_format_is_printed_alike() -> None:
    for row in CORPUS["format_containerd"]:
        assert row["format_all"] == platform_of(row["platform"]).full
    print(f"platforms.json format_containerd: {len(CORPUS['format_containerd'])} run")
    assert len(CORPUS["format_containerd"]) == 10


def test_what_containerd_was_seen_to_normalise_is_normalised_and_printed_alike() -> None:
    for row in CORPUS["normalize_containerd_observed"]:
        platform = platform_of(row["input"])
        assert platform_of(row["normalized"]) == platform.normalized()
        assert row["format_of_input"] == str(platform)
    print(f"platforms.json normalize: {len(CORPUS['normalize_containerd_observed'])} run")
    assert len(CORPUS["normalize_containerd_observed"]) == 143


@pytest.mark.parametrize("text", DIFFERENT)
def test_a_specifier_that_containerd_completes_from_the_host_is_refused(text: str) -> None:
    rows = [row for row in CORPUS["parse_containerd"] if row["input"] == text and row["valid"]]
    seen = [row for row in CORPUS["parse_observed_both"] if row["input"] == text]
    assert rows or [row for row in seen if "error" not in row["containerd"]]
    with pytest.raises(PlatformInvalid, match=r"write for example [a-z]+/[a-z0-9/]+$"):
        Platform.parse(text)


def test_each_table_that_is_not_run_has_a_reason_and_a_count() -> None:
    assert set(CORPUS["not_copied"]) == set(NOT_RUN)
    print(f"platforms.json not run: {CORPUS['not_copied']}")
    assert sum(CORPUS["not_copied"].values()) == 208


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("linux", "it names no architecture; write for example linux/amd64"),
        ("windows(10.0.20348)", "it names no architecture; write for example windows/amd64"),
        ("arm64", "it names no os; write for example linux/arm64"),
        ("X86_64", "it names no os; write for example linux/amd64"),
        ("armel", "it names no os; write for example linux/arm/v6"),
        ("armv7l", "it is not os/architecture[/variant]"),
        ("", "'' is no os or os(version)"),
        ("linux/", "'' is no architecture or variant"),
        ("linux/arm/v7/x", "it has more parts than os/architecture/variant"),
        ("linux/amd64\n", "'amd64\\n' is no architecture or variant"),
        ("linux/amd64,linux/arm64", "'amd64,linux' is no architecture or variant"),
        ("windows(%zz)/amd64", "'windows(%zz)' is no os or os(version)"),
        ("windows(%ff)/amd64", "its os.version or os.features are not UTF-8"),
        ("linux/" + "é" * 1000, f"{'é' * 100!r} is no architecture or variant"),
    ],
)
def test_the_error_says_what_is_wrong_and_what_to_write(text: str, reason: str) -> None:
    with pytest.raises(PlatformInvalid) as caught:
        Platform.parse(text)
    assert f"not a platform: {text[:100]!r}: {reason}" == str(caught.value)


@pytest.mark.parametrize(
    ("required", "offered", "expected"),
    [
        ("linux/amd64", Platform("linux", "amd64"), True),
        ("linux/amd64", Platform("Linux", "x86_64"), True),
        ("linux/amd64", Platform("linux", "amd64", "v3"), True),
        ("linux/amd64/v1", Platform("linux", "amd64"), True),
        ("linux/amd64/v3", Platform("linux", "amd64"), False),
        ("linux/amd64", Platform("linux", "arm64"), False),
        ("linux/amd64", Platform("windows", "amd64"), False),
        ("linux/amd64", Platform("linux", "386"), False),
        ("linux/amd64", Platform("", "amd64"), False),
        ("linux/amd64", Platform(), False),
        ("linux/arm", Platform("linux", "arm"), True),
        ("linux/arm", Platform("linux", "arm", "v5"), True),
        ("linux/arm", Platform("linux", "armel"), True),
        ("linux/arm/v7", Platform("linux", "arm"), True),
        ("linux/arm/v7", Platform("linux", "arm", "7"), True),
        ("linux/arm/v7", Platform("linux", "arm", "v6"), False),
        ("linux/armel", Platform("linux", "arm", "v7"), False),
        ("linux/i386", Platform("linux", "386", "softfloat"), True),
        ("linux/arm64", Platform("linux", "arm64", "v8"), True),
        ("linux/arm64/v8", Platform("linux", "aarch64"), True),
        ("linux/arm64/v8", Platform("linux", "arm64", "v9"), False),
        ("windows/amd64", Platform("windows", "amd64", "", "10.0.20348.1"), True),
        ("windows(10.0.20348)/amd64", Platform("windows", "amd64", "", "10.0.20348"), True),
        ("windows(10.0.20348)/amd64", Platform("windows", "amd64", "", "10.0.20348.1"), True),
        ("windows(10.0.20348)/amd64", Platform("windows", "amd64", "", "10.0.203481"), False),
        ("windows(10.0.20348)/amd64", Platform("windows", "amd64"), False),
        ("windows(+win32k)/amd64", Platform("windows", "amd64"), False),
        (
            "windows(+win32k)/amd64",
            Platform("windows", "amd64", os_features=("b", "win32k")),
            True,
        ),
    ],
)
def test_a_requirement_is_met_or_not(required: str, offered: Platform, expected: bool) -> None:
    assert expected == meets(Platform.parse(required), offered)


def test_a_requirement_that_names_or_implies_a_variant_asks_for_that_variant() -> None:
    assert meets(Platform("linux", "amd64", "v1"), Platform("linux", "amd64"))
    assert not meets(Platform("linux", "amd64", "v1"), Platform("linux", "amd64", "v3"))
    assert meets(Platform("linux", "armhf"), Platform("linux", "arm", "v7"))
    assert not meets(Platform("linux", "armhf"), Platform("linux", "arm", "v6"))


def test_nothing_said_and_unknown_are_told_apart() -> None:
    assert Platform().is_empty
    assert not Platform().is_unknown
    assert Platform("unknown", "unknown").is_unknown
    assert Platform("Unknown", "UNKNOWN").is_unknown
    assert not Platform("unknown", "amd64").is_unknown
    for said in (
        Platform("linux"),
        Platform("", "amd64"),
        Platform("", "", "v8"),
        Platform("", "", "", "1"),
        Platform("", "", "", "", ("a",)),
    ):
        assert not said.is_empty


def test_normalising_keeps_the_version_and_sorts_the_features() -> None:
    platform = Platform("Windows", "X86_64", "V1", "10.0.1", ("b", "a", "b"))
    assert Platform("windows", "amd64", "", "10.0.1", ("a", "b")) == platform.normalized()


@pytest.mark.parametrize(
    ("written", "variant"),
    [
        ("arm/5", "v5"),
        ("arm/8", "v8"),
        ("arm64/v8.0", ""),
        ("arm64/9", "v9"),
        ("arm64/9.0", "v9"),
        ("x86-64/V1", ""),
        ("armel/", "v6"),
    ],
)
def test_a_variant_is_normalised_with_its_architecture(written: str, variant: str) -> None:
    architecture, _, level = written.partition("/")
    assert variant == Platform("linux", architecture, level).normalized().variant


def test_a_platform_of_a_megabyte_is_normalised_without_being_kept() -> None:
    assert Platform("a" * 1_000_000) == Platform("A" * 1_000_000).normalized()


def test_the_known_pairs_are_those_of_go() -> None:
    assert len(KNOWN_PAIRS) == 49
    for pair in [
        ("linux", "loong64"),
        ("windows", "arm64"),
        ("wasip1", "wasm"),
        ("freebsd", "riscv64"),
    ]:
        assert pair in KNOWN_PAIRS
    assert ("linux", "x86_64") not in KNOWN_PAIRS
    assert ("darwin", "386") not in KNOWN_PAIRS


def test_canonical_names_and_variants_normalise_to_themselves_or_to_no_variant() -> None:
    for os, architecture in KNOWN_PAIRS:
        normal = Platform(os, architecture).normalized()
        assert (os, architecture) == (normal.os, normal.architecture)
        for variant in CANONICAL_VARIANTS.get(architecture, ()):
            assert Platform(os, architecture, variant).normalized().variant in ("", variant)
    assert set(CANONICAL_VARIANTS) <= {architecture for _, architecture in KNOWN_PAIRS}
    assert {"v8", "v8.1", "v9.5"} <= CANONICAL_VARIANTS["arm64"]


OPTIONS = st.text(st.characters(exclude_categories=()), min_size=1, max_size=8)
PARSED = st.builds(
    Platform,
    st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True),
    st.one_of(
        st.sampled_from(["arm", "ARM64", "aarch64", "x86_64", "i386", "armhf", "armel"]),
        st.from_regex(r"[A-Za-z0-9_.-]{1,8}", fullmatch=True),
    ),
    st.one_of(st.just(""), st.sampled_from(["v7", "7", "V8", "v1", "9.0"])),
    st.one_of(st.just(""), st.text(max_size=12)),
    st.lists(st.text(min_size=1, max_size=6), max_size=3).map(lambda items: tuple(sorted(items))),
).map(lambda written: Platform.parse(written.full))


@given(PARSED)
def test_what_is_printed_parses_to_the_same(platform: Platform) -> None:
    assert platform == Platform.parse(platform.full)
    plain = Platform(platform.os, platform.architecture, platform.variant)
    assert plain == Platform.parse(str(platform))


@given(st.builds(Platform, st.text(), st.text(), st.text(), OPTIONS, st.lists(OPTIONS).map(tuple)))
def test_whatever_an_entry_says_is_printed_and_normalised_once_and_for_all(
    platform: Platform,
) -> None:
    assert str(platform)
    assert platform.full
    normal = platform.normalized()
    assert platform.os_version == normal.os_version
    assert meets(platform, platform)


@given(
    st.sampled_from(["linux", "Linux", "macos", "darwin", "windows", ""]),
    st.sampled_from(["arm", "arm64", "aarch64", "amd64", "x86-64", "i386", "armhf", "armel", ""]),
    st.sampled_from(["", "v1", "v5", "7", "V8", "v8.0", "9", "9.0", "v9.2"]),
)
def test_normalising_twice_changes_nothing_more(os: str, architecture: str, variant: str) -> None:
    once = Platform(os, architecture, variant).normalized()
    assert once == once.normalized()


@given(st.one_of(st.text(), st.text("linuxarmv78/()+%2F. *\n", max_size=40)))
def test_garbage_is_invalid_or_a_platform_with_both_parts(text: str) -> None:
    try:
        platform = Platform.parse(text)
    except PlatformInvalid:
        return
    assert platform.os
    assert platform.architecture
    assert platform == Platform.parse(text)


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        ("linux/arm64", {("arm64", None), ("aarch64", None)}),
        ("linux/amd64/v3", {("amd64", "v3"), ("x86_64", "v3"), ("x86-64", "v3")}),
        ("linux/386", {("386", None), ("i386", None)}),
        ("linux/arm/v6", {("arm", "6"), ("arm", "v6"), ("armel", None)}),
        ("linux/s390x", {("s390x", None)}),
    ],
)
def test_all_spellings_of_what_is_required_are_known(
    required: str, expected: set[tuple[str, str | None]]
) -> None:
    assert expected == set(spellings(Platform.parse(required)))
