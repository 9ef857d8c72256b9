"""Passwords are verified by what is kept of them, and that is no password."""

import hashlib

import pytest

from mfl_lint.core.errors import Refused
from mfl_lint.core.password import NOBODYS, Cost, check_password, hash_password, verifies

CHEAP = Cost(log_n=4, p=1)
PASSWORD = "correct horse battery"


def test_the_right_password_verifies_and_no_other() -> None:
    kept = hash_password(PASSWORD, b"salt" * 4, CHEAP)
    assert verifies(PASSWORD, kept)
    assert not verifies(PASSWORD + " ", kept)
    assert PASSWORD not in kept


def test_the_hash_is_scrypts_with_the_parameters_beside_it() -> None:
    kept = hash_password(PASSWORD, b"salt" * 4, CHEAP)
    scheme, log_n, r, p, _, derived = kept.split(":")
    wanted = hashlib.scrypt(PASSWORD.encode(), salt=b"salt" * 4, n=16, r=8, p=1, dklen=32)
    assert ("scrypt", "4", "8", "1") == (scheme, log_n, r, p)
    import base64

    assert wanted == base64.b64decode(derived)


def test_two_ways_to_type_the_same_letters_are_one_password() -> None:
    assert verifies("ｐassword é", hash_password("password e\u0301", b"s" * 16, CHEAP))


def test_a_lone_surrogate_is_no_crash() -> None:
    assert verifies("\ud800" * 10, hash_password("\ud800" * 10, b"s" * 16, CHEAP))


@pytest.mark.parametrize("kept", ["", "scrypt", "plain:1:1:1:a:b"])
def test_no_password_is_verified_by_none(kept: str) -> None:
    assert not verifies("", kept)
    assert not verifies(PASSWORD, kept)


def test_nobody_has_the_password_that_unknown_names_are_checked_against() -> None:
    assert not verifies(PASSWORD, NOBODYS)
    assert NOBODYS.split(":")[:4] == hash_password(PASSWORD, b"s" * 16).split(":")[:4]


@pytest.mark.parametrize("password", ["", "ninechars", "a" * 1001])
def test_a_password_of_a_wrong_length_is_refused_without_being_repeated(password: str) -> None:
    with pytest.raises(Refused) as refused:
        check_password(password)
    assert not password or password not in str(refused.value)
