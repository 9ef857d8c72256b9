import pytest

from mfl_lint.core.observation import Look, LookState, Observation
from mfl_lint.core.platform import Platform
from mfl_lint.core.readiness import USUAL_ENGINES, Answer, Unready, children, layers_of, together
from tests.builders import ABSENT, artifact, image, index, observation

AMD64, ARM64 = image("linux", "amd64"), image("linux", "arm64")
GOOD = index(AMD64, ARM64)
WANTED = Platform("linux", "arm64")
DENIED = Look(LookState.DENIED, "401")
WRONG_BYTES = Look(LookState.INVALID, "other bytes", mismatch=AMD64.digest)


def _unready(seen: Observation) -> tuple[Answer, str]:
    with pytest.raises(Unready) as caught:
        layers_of(children(seen, WANTED, USUAL_ENGINES))
    return caught.value.answer, caught.value.why


def test_every_engine_takes_the_same_child_once() -> None:
    found = children(observation(GOOD), WANTED, USUAL_ENGINES)
    assert [ARM64.digest] == [node.entry.digest for node in found]
    assert 1 == len(layers_of(found))


def test_a_list_in_a_list_is_followed() -> None:
    seen = observation(index(index(ARM64), annotate={0: {"platform": "linux/arm64"}}))
    found = children(seen, WANTED, USUAL_ENGINES)
    assert [ARM64.digest] == [node.entry.digest for node in found]


@pytest.mark.parametrize(
    ("look", "answer"),
    [(ABSENT, Answer.NO), (DENIED, Answer.UNKNOWN), (WRONG_BYTES, Answer.NO)],
)
def test_what_was_not_seen_is_no_only_where_that_is_certain(look: Look, answer: Answer) -> None:
    assert answer is _unready(observation(None, look=look))[0]
    assert answer is _unready(observation(GOOD, looks={ARM64.digest: look}))[0]
    config = next(iter(children(observation(GOOD), WANTED, USUAL_ENGINES))).config
    assert config is not None
    assert answer is _unready(observation(GOOD, looks={config.digest: look}))[0]


def test_a_platform_that_is_not_offered_is_no_and_the_engine_is_named() -> None:
    answer, why = _unready(observation(index(AMD64)))
    assert (Answer.NO, True) == (answer, why.startswith("docker finds none: "))


def test_what_is_no_image_is_no() -> None:
    chart = artifact("application/vnd.cncf.helm.config.v1+json", "application/x-tar", b"chart")
    assert Answer.NO is _unready(observation(chart))[0]


def test_a_lower_level_of_the_platform_will_do() -> None:
    seen = observation(index(image("linux", "arm", variant="v6")))
    assert children(seen, Platform("linux", "arm", "v7"), USUAL_ENGINES)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((), Answer.YES),
        ((Answer.YES, Answer.YES), Answer.YES),
        ((Answer.YES, Answer.UNKNOWN), Answer.UNKNOWN),
        ((Answer.UNKNOWN, Answer.NO), Answer.NO),
    ],
)
def test_one_no_is_no_for_all(answers: tuple[Answer, ...], expected: Answer) -> None:
    assert expected is together(answers)
