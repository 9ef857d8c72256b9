import time

import pytest

from mfl_lint.registry.challenge import challenges, choose


def test_bearer_is_preferred_to_basic_wherever_it_stands() -> None:
    chosen = choose(['Basic realm="x"', 'Bearer realm="https://a.example/token"'])
    assert chosen is not None
    assert "bearer" == chosen.scheme


@pytest.mark.parametrize("headers", [[], [""], ["Negotiate"], ["Bearer"], ["Bearer realm="]])
def test_what_cannot_be_answered_is_no_challenge(headers: list[str]) -> None:
    assert choose(headers) is None


def test_the_first_of_two_equal_parameters_counts() -> None:
    (challenge,) = challenges('Bearer realm="https://a.example",realm="https://b.example"')
    assert "https://a.example" == challenge.parameters["realm"]


@pytest.mark.parametrize("piece", ['a="', "\\", " ", ",", '"\\"', "Basic ", 'a="b",', "x = "])
def test_hostile_headers_are_read_in_no_time(piece: str) -> None:
    began = time.perf_counter()
    challenges("Bearer " + piece * 100_000)
    assert time.perf_counter() - began < 2
