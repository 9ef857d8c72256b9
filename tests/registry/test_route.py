import pytest

from mfl_lint.registry.addresses import Reach
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.route import Route

ROUTE = Route(
    Origin.parse("https", "a.example:5000"),
    foreign_reach=Reach.INSIDE,
    friends=frozenset({"friend.example", "other.example:8443"}),
)


@pytest.mark.parametrize(
    ("address", "followed", "strict"),
    [
        ("a.example:5000", Reach.ANY, Reach.ANY),
        ("a.example:5001", Reach.ANY, Reach.PUBLIC),
        ("friend.example", Reach.ANY, Reach.ANY),
        ("friend.example:1", Reach.ANY, Reach.ANY),
        ("other.example:8443", Reach.ANY, Reach.ANY),
        ("other.example", Reach.INSIDE, Reach.PUBLIC),
        ("b.example", Reach.INSIDE, Reach.PUBLIC),
    ],
)
def test_only_the_own_host_and_friends_may_be_anywhere(
    address: str, followed: Reach, strict: Reach
) -> None:
    origin = Origin.parse("https", address)
    assert followed is ROUTE.reach_of(origin, strict=False)
    assert strict is ROUTE.reach_of(origin, strict=True)
