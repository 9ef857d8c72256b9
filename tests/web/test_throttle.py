"""Tries are counted, forgiven after their time, and never without bound."""

from mfl_lint.web.throttle import Throttle


def test_so_many_tries_and_then_a_wait_until_the_window_is_over() -> None:
    throttle = Throttle(2, 60.0)
    assert [0.0, 0.0] == [throttle.wait_s("a", 10.0), throttle.wait_s("a", 20.0)]
    assert 40.0 == throttle.wait_s("a", 30.0)
    assert 0.0 == throttle.wait_s("b", 30.0)
    assert 0.0 == throttle.wait_s("a", 70.0)


def test_who_is_forgiven_begins_anew() -> None:
    throttle = Throttle(1, 60.0)
    throttle.wait_s("a", 0.0)
    throttle.forgive("a")
    throttle.forgive("nobody")
    assert 0.0 == throttle.wait_s("a", 1.0)


def test_however_many_try_memory_is_bounded_and_the_last_are_kept() -> None:
    throttle = Throttle(1, 60.0, most=3)
    for number in range(1000):
        throttle.wait_s(str(number), 0.0)
    assert 0.0 == throttle.wait_s("0", 1.0)
    assert 59.0 == throttle.wait_s("999", 1.0)
