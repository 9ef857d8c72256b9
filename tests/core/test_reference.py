"""References: the whole corpus, the error texts, and properties over generated ones."""

import json
import re
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.digest import Digest, digest_of, is_digest
from mfl_lint.core.errors import ReferenceInvalid
from mfl_lint.core.reference import Reference, is_registry, is_repository, is_tag

Row = dict[str, Any]
CORPUS = json.loads((Path(__file__).parents[1] / "corpus" / "references.json").read_text())
SHA256 = "sha256:" + "ab" * 32

SHORT_DIGEST = "37 hexadecimal digits are no sha256: nothing could be verified against it"
SHA512_UNREGISTERED = (
    "the table's own test binary lacks sha512; the library with sha512 answers as we do"
)
FAMILIAR_IS_AN_ID = "what is printed has to be a name again: 64 hexadecimal digits alone are none"
NO_CLASSES = "our globs have no character classes, so none can be malformed"

# (function, input) of the rows that are answered differently on purpose, and why.
DIFFERENT = {
    ("with_tag", "test.com:8000/foo", "sha256:1234567890098765432112345667890098765"): SHORT_DIGEST,
    ("with_digest", "test.com/foo", "sha256:1234567890098765432112345667890098765"): SHORT_DIGEST,
    ("with_digest", "foo", "sha256:1234567890098765432112345667890098765"): SHORT_DIGEST,
    (
        "with_digest",
        "test.com:8000/foo",
        "sha256:1234567890098765432112345667890098765",
    ): SHORT_DIGEST,
    ("parse", "validname@sha512:" + "f" * 128, None): SHA512_UNREGISTERED,
    (
        "normalized",
        "docker.io/1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a",
        None,
    ): FAMILIAR_IS_AN_ID,
}

# How our message says what the library's error says.
MESSAGES = {
    "invalid checksum digest length": "is not a sha256 or sha512 digest",
    "invalid reference format": "",
    "repository name must be canonical": "",
    "repository name must be lowercase": "must be lower case",
    "repository name must have at least one component": "names no repository",
    "repository name must not be more than 255 characters": "at most 255 characters",
    "unsupported digest algorithm": "is not a sha256 or sha512 digest",
}


def described(reference: Reference) -> Row:
    """Return what the corpus may say of a reference, in its words."""
    return {
        "valid": True,
        "string": str(reference),
        "domain": reference.registry,
        "path": reference.repository,
        "name": reference.name,
        "tag": reference.tag or "",
        "digest": reference.digest or "",
        "familiar": reference.familiar,
        "familiar_name": Reference(reference.registry, reference.repository).familiar,
        "tag_name_only": str(reference.with_default_tag()),
        "is_name_only": reference.with_default_tag() is not reference,
    }


def grammar_only(text: str) -> Row:
    """Read `text` without Docker's defaults: the first component may be any registry."""
    first, slash, rest = text.partition("/")
    domain, rest = (first, rest) if slash and is_registry(first) else ("", text)
    found = described(Reference.parse(f"registry.test/{rest}"))
    name = "/".join(part for part in (domain, found["path"]) if part)
    placed = {
        key: found[key].replace(f"registry.test/{found['path']}", name, 1)
        for key in ("name", "string", "familiar", "familiar_name", "tag_name_only")
    }
    if domain == "docker.io":
        del placed["familiar"], placed["familiar_name"], found["familiar"], found["familiar_name"]
    return {**found, **placed, "domain": domain}


def normalized(row: Row) -> Row:
    return described(Reference.parse(row["input"]))


def without_defaults(row: Row) -> Row:
    return grammar_only(row["input"])


def any_reference(row: Row) -> Row:
    for digest in (row["input"], f"sha256:{row['input']}"):
        if is_digest(digest):
            return {
                "valid": True,
                "string": digest,
                "digest": digest,
                "familiar": digest,
                "digest_only": True,
            }
    return normalized(row)


def docker_reference(row: Row) -> Row:
    reference = Reference.parse(row["input"]).with_default_tag()
    tag = None if reference.digest else reference.tag
    return described(Reference(reference.registry, reference.repository, tag, reference.digest))


def canonical_only(row: Row) -> Row:
    reference = Reference.parse(row["input"])
    if str(reference) != row["input"]:
        raise ReferenceInvalid("not canonical")
    return described(reference)


def name_only(row: Row) -> Row:
    found = grammar_only(row["input"])
    if found["tag"] or found["digest"]:
        raise ReferenceInvalid("more than a name")
    return found


def with_tag_and_digest(row: Row) -> Row:
    tag = f":{row['tag']}" if row.get("tag") else ""
    digest = f"@{row['digest']}" if row.get("digest") else ""
    return grammar_only(f"{row['input']}{tag}{digest}")


def matched(says: Callable[[str], bool]) -> Callable[[Row], Row]:
    return lambda row: {"match": says(row["input"])}


def matched_parts(answer: Callable[[Row], Row]) -> Callable[[Row], Row]:
    def parts(row: Row) -> Row:
        try:
            return {**answer(row), "match": True}
        except ReferenceInvalid:
            return {"match": False}

    return parts


ANSWERS: dict[str, Callable[[Row], Row]] = {
    "normalized": normalized,
    "parse": without_defaults,
    "any": any_reference,
    "docker_ref": docker_reference,
    "parse_named": canonical_only,
    "with_name": name_only,
    "with_tag": with_tag_and_digest,
    "with_digest": with_tag_and_digest,
    "regexp_domain": matched(is_registry),
    "regexp_name": matched_parts(name_only),
    "regexp_reference": matched_parts(without_defaults),
    "regexp_identifier": matched(lambda text: is_digest(f"sha256:{text}")),
}


def complaints(row: Row) -> list[str]:
    """Return how our answer differs from what the row asserts and what was observed."""
    expected = {**row.get("observed", {}), **row["asserted"]}
    error = expected.pop("error", None)
    try:
        answer = ANSWERS[row["function"]](row)
    except ReferenceInvalid as invalid:
        if expected.get("valid", True):
            return [f"invalid: {invalid}"]
        fragment = MESSAGES.get(error, "")
        return [] if fragment in str(invalid) else [f"{error!r} is not said by {invalid}"]
    return [
        f"{key}: {value!r} is not {answer[key]!r}"
        for key, value in expected.items()
        if key in answer and answer[key] != value
    ]


def key_of(row: Row) -> tuple[str, str, str | None]:
    return row["function"], row["input"], row.get("digest")


def test_every_row_of_the_grammar_is_answered_alike_or_differs_for_a_listed_reason(
    record_property: Callable[[str, object], None],
) -> None:
    wrong = [
        (key_of(row), complaints(row)) for row in CORPUS["cases"] if key_of(row) not in DIFFERENT
    ]
    assert [entry for entry in wrong if entry[1]] == []
    counts = Counter(row["function"] for row in CORPUS["cases"])
    differing = Counter(row["function"] for row in CORPUS["cases"] if key_of(row) in DIFFERENT)
    record_property("references.cases", f"{sum(counts.values())} rows, {differing} differ")
    print(f"references.json cases: {dict(counts)}; differing on purpose: {dict(differing)}")
    assert counts == {
        "normalized": 107,
        "parse": 52,
        "any": 14,
        "docker_ref": 11,
        "parse_named": 8,
        "with_name": 13,
        "with_tag": 6,
        "with_digest": 5,
        "regexp_domain": 30,
        "regexp_name": 63,
        "regexp_reference": 12,
        "regexp_identifier": 5,
    }
    assert differing == {"with_digest": 4, "with_tag": 1, "parse": 1, "normalized": 1}


@pytest.mark.parametrize("key", DIFFERENT, ids=lambda key: f"{key[0]} {key[1][:30]}")
def test_a_row_that_is_listed_as_different_really_differs(key: tuple[str, str, str | None]) -> None:
    rows = [row for row in CORPUS["cases"] if key_of(row) == key]
    assert rows
    assert all(complaints(row) for row in rows)


def test_rows_about_other_libraries_are_counted_and_not_run() -> None:
    # They are those libraries' own habits: a `docker:` prefix, another default registry or
    # tag, schemes, addresses of hosts; Docker's grammar is the only one that mfl-lint reads.
    assert sum(CORPUS["not_copied"].values()) == 117
    assert len(CORPUS["not_copied"]) == 14
    assert not any("distribution/reference" in library for library in CORPUS["not_copied"])


def familiar_matches(reference: Reference, pattern: str) -> bool:
    """Match component by component: a star does not cross a slash."""
    names = (reference.familiar, Reference(reference.registry, reference.repository).familiar)
    wanted = pattern.split("/")
    return any(
        len(wanted) == len(parts) and all(map(fnmatchcase, parts, wanted))
        for parts in (name.split("/") for name in names)
    )


def test_the_familiar_form_is_what_patterns_are_matched_with() -> None:
    rows = CORPUS["familiar_match"]
    run = [row for row in rows if "match" in row]
    for row in run:
        reference = Reference.parse(row["reference"])
        assert row["match"] == familiar_matches(reference, row["pattern"]), row
    different = {row["pattern"]: NO_CLASSES for row in rows if row.get("error")}
    assert different == {"[-x]": NO_CLASSES}
    assert not familiar_matches(Reference.parse("foo"), "[-x]")
    assert (len(run), len(rows)) == (9, 10)


def sort_key(text: str) -> tuple[int, str]:
    try:
        reference = Reference.parse(text)
    except ReferenceInvalid:
        return 5, text
    if is_digest(text):
        return 4, text
    ranks = {(True, True): 0, (True, False): 1, (False, True): 2, (False, False): 3}
    return ranks[reference.tag is not None, reference.digest is not None], str(reference)


def test_references_sort_by_what_they_pin_and_then_by_their_canonical_form() -> None:
    for row in CORPUS["sort"]:
        assert row["expected"] == sorted(row["unsorted"], key=sort_key)
    assert len(CORPUS["sort"]) == 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it names no repository"),
        ("docker.io/", "it names no repository"),
        ("a" * 64, "64 hexadecimal digits are an image's id, not its name"),
        ("ghcr.io/Team/App", "the repository 'Team/App' must be lower case"),
        ("foo_bar.com/app", "'foo_bar.com' is not a registry's host[:port]"),
        ("https://ghcr.io/app", "'https:' is not a registry's host[:port]"),
        ("app:-v1", "'-v1' is not a tag"),
        ("app:", "'' is not a tag"),
        ("app:" + "v" * 129, f"{'v' * 100!r} is not a tag"),
        ("app@", "'' is not a sha256 or sha512 digest"),
        ("app@sha384:" + "a" * 96, f"{'sha384:' + 'a' * 93!r} is not a sha256 or sha512 digest"),
        ("app@sha256:" + "A" * 64, f"{'sha256:' + 'A' * 64!r} is not a sha256 or sha512 digest"),
        ("app name", "'library/app name' is not a repository's name"),
        ("app\n", "'library/app\\n' is not a repository's name"),
        ("a/" + "b" * 254, "a repository's name has at most 255 characters"),
    ],
)
def test_the_error_says_what_is_wrong_in_which_input(text: str, reason: str) -> None:
    with pytest.raises(ReferenceInvalid) as caught:
        Reference.parse(text)
    assert f"not a reference: {text[:100]!r}: {reason}" == str(caught.value)


@pytest.mark.parametrize(
    ("text", "target", "tagged"),
    [
        ("app", "latest", "docker.io/library/app:latest"),
        ("app:v1", "v1", "docker.io/library/app:v1"),
        (f"app@{SHA256}", SHA256, f"docker.io/library/app@{SHA256}"),
        (f"app:v1@{SHA256}", SHA256, f"docker.io/library/app:v1@{SHA256}"),
    ],
)
def test_latest_stands_in_only_where_neither_tag_nor_digest_is(
    text: str, target: str, tagged: str
) -> None:
    reference = Reference.parse(text)
    assert target == reference.target
    assert tagged == str(reference.with_default_tag())
    assert text == reference.familiar


@pytest.mark.parametrize("repository", ["a.b/c", "localhost/c", "library/" + "a" * 64])
def test_a_short_form_that_would_mean_something_else_is_not_used(repository: str) -> None:
    reference = Reference.parse(f"docker.io/{repository}")
    assert f"docker.io/{repository}" == reference.familiar


@pytest.mark.parametrize(
    ("says", "text", "expected"),
    [
        (is_tag, "v" * 128, True),
        (is_tag, "v" * 129, False),
        (is_tag, "..", False),
        (is_tag, "v1\n", False),
        (is_tag, "v1/../x", False),
        (is_tag, "١", False),
        (is_repository, "a/b__c/d---e", True),
        (is_repository, "a/../b", False),
        (is_repository, "a\n", False),
        (is_repository, "a?b", False),
        (is_repository, "a" * 255, True),
        (is_repository, "a" * 256, False),
        (is_registry, "[::1]:5000", True),
        (is_registry, "user@host", False),
        (is_registry, "host/path", False),
        (is_registry, "a" * 260, False),
    ],
)
def test_a_part_is_checked_in_full_before_it_goes_into_a_url(
    says: Callable[[str], bool], text: str, expected: bool
) -> None:
    assert expected == says(text)


@pytest.mark.parametrize("unit", ["a", "a-", "-", "a/", "a.", ":", "@", "a:", "_", "A", "[:"])
def test_half_a_megabyte_of_garbage_is_refused_at_once(unit: str) -> None:
    # Quadratic matching would take hours here, not a moment.
    text = unit * (500_000 // len(unit)) + "!"
    with pytest.raises(ReferenceInvalid) as caught:
        Reference.parse(text)
    assert len(str(caught.value)) < 500
    assert not is_registry(text)


ALPHANUMERIC = "abcxyz019"
WORDS = st.text(ALPHANUMERIC, min_size=1, max_size=6)
JOINTS = st.sampled_from([".", "_", "__", "-", "---", "/"])
REPOSITORIES = st.tuples(st.lists(st.tuples(WORDS, JOINTS), max_size=6), WORDS).map(
    lambda parts: "".join(word + joint for word, joint in parts[0]) + parts[1]
)
REGISTRIES = st.sampled_from(
    ["docker.io", "index.docker.io", "localhost", "ghcr.io", "host:5000", "[::1]:5000", "Host"]
)
TAGS = st.one_of(
    st.none(),
    st.builds(
        str.__add__,
        st.sampled_from("aZ0_"),
        st.text(ALPHANUMERIC + "ABC_.-", max_size=127),
    ),
)
DIGESTS = st.one_of(st.none(), st.binary().map(digest_of))


@given(REGISTRIES, REPOSITORIES, TAGS, DIGESTS)
def test_what_is_printed_parses_to_the_same(
    registry: str, repository: str, tag: str | None, digest: Digest | None
) -> None:
    reference = Reference.parse(str(Reference(registry, repository, tag, digest)))
    assert reference == Reference.parse(str(reference))
    assert reference == Reference.parse(reference.familiar)
    assert (tag, digest) == (reference.tag, reference.digest)
    assert is_repository(reference.repository)


GARBAGE = st.one_of(
    st.text(), st.text("aA0./:@_-[]%~ \n", max_size=80), st.text("ab./:@sha256", max_size=80)
)


@given(GARBAGE)
def test_garbage_is_invalid_or_a_reference_that_holds_nothing_odd(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except ReferenceInvalid:
        return
    assert re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", reference.registry)
    assert is_repository(reference.repository)
    assert reference.tag is None or is_tag(reference.tag)
    assert reference.digest is None or is_digest(reference.digest)
    assert reference == Reference.parse(str(reference))


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("LOCALHOST:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.8.7", True),
        ("[::1]:5000", True),
        ("[::1]", True),
        ("10.0.0.1:5000", False),
        ("[::2]:5000", False),
        ("127.0.0.1.example", False),
        ("localhost.example", False),
        ("docker.io", False),
        ("oci:folder", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_with_any_port(registry: str, expected: bool) -> None:
    assert expected == Reference(registry, "app", "v1").is_loopback
