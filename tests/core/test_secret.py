"""Secrets that the program makes."""

from mfl_lint.core.secret import form_token, new_secret, new_token, secret_digest


def test_no_two_secrets_are_alike_and_tokens_say_what_they_are() -> None:
    made = {new_secret() for _ in range(100)} | {new_token() for _ in range(100)}
    assert 200 == len(made)
    assert new_token().startswith("mfl_")


def test_what_is_kept_and_what_a_form_carries_follow_from_the_secret_and_differ() -> None:
    assert secret_digest("a") == secret_digest("a") != secret_digest("b")
    assert form_token("a") == form_token("a") != form_token("b")
    assert form_token("a") != secret_digest("a")
    assert 64 == len(secret_digest("\ud800"))
