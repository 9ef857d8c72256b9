"""Digests: what is one, and what bytes hash to."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfl_lint.core.digest import Digest, digest_of, is_digest, parse_digest, verifies
from mfl_lint.core.errors import ReferenceInvalid

SHA256 = "sha256:" + "a" * 64
SHA512 = "sha512:" + "0" * 128
NOT_DIGESTS = [
    "",
    "sha256",
    "sha256:",
    "a" * 64,
    "sha256:" + "a" * 63,
    "sha256:" + "a" * 65,
    "sha256:" + "A" * 64,
    "sha256:" + "g" * 64,
    "sha256:" + "٠" * 64,
    "SHA256:" + "a" * 64,
    SHA256 + "\n",
    " " + SHA256,
    "sha512:" + "a" * 64,
    "sha384:" + "a" * 96,
    "md5:" + "a" * 32,
]


@pytest.mark.parametrize("text", [SHA256, SHA512])
def test_a_registered_algorithm_with_all_its_hexadecimal_is_a_digest(text: str) -> None:
    assert is_digest(text)
    assert text == parse_digest(text)


@pytest.mark.parametrize("text", NOT_DIGESTS)
def test_what_cannot_be_verified_is_no_digest(text: str) -> None:
    assert not is_digest(text)
    with pytest.raises(ReferenceInvalid, match="not a sha256 or sha512 digest"):
        parse_digest(text)


@pytest.mark.parametrize("value", [None, 1, SHA256.encode(), [SHA256], {"digest": SHA256}])
def test_what_json_puts_in_place_of_a_string_is_no_digest(value: object) -> None:
    assert not is_digest(value)


def test_the_error_shows_a_hundred_characters_at_most_and_on_one_line() -> None:
    with pytest.raises(ReferenceInvalid) as caught:
        parse_digest("x\n" + "y" * 1_000_000)
    assert str(caught.value) == "not a sha256 or sha512 digest: 'x\\n" + "y" * 98 + "'"


def test_the_digest_of_nothing_is_the_known_one() -> None:
    expected = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert expected == digest_of(b"")


def test_an_unregistered_algorithm_is_refused() -> None:
    with pytest.raises(ReferenceInvalid, match="not sha256 or sha512: 'md5'"):
        digest_of(b"", "md5")


@given(st.binary(), st.sampled_from(["sha256", "sha512"]))
def test_a_digest_verifies_its_own_bytes_and_no_others(data: bytes, algorithm: str) -> None:
    digest = digest_of(data, algorithm)
    assert Digest(f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}") == digest
    assert is_digest(digest)
    assert verifies(data, digest)
    assert not verifies(data + b"\0", digest)
