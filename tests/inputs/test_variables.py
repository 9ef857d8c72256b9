import pytest

from mfl_lint.inputs.variables import MAX_CHARACTERS, fill_compose, fill_dockerfile

VALUES = {"A": "a", "EMPTY": "", "B": "b"}


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("x$A-$B", "xa-b"),
        ("${A}${EMPTY}", "a"),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE:-${ALSO_NONE:-$A}}", "a"),
        ("${A:-${NONE}}", "a"),
        ("${A:+yes}", "yes"),
        ("${NONE:+yes}", ""),
        ("${EMPTY+yes}", "yes"),
        ("${A:?must}", "a"),
        ("$$A", "$A"),
        ("${NONE:-a$$b}", "a$b"),
    ],
)
def test_compose_fills_in(text: str, filled: str) -> None:
    assert (filled, "") == (fill_compose(text, VALUES).text, fill_compose(text, VALUES).why)


@pytest.mark.parametrize(
    ("text", "why", "unset"),
    [
        ("app:$TAG", "TAG is not set", "TAG"),
        ("app:${TAG}", "TAG is not set", "TAG"),
        ("app:${TAG?say it}", "TAG is not set: say it", "TAG"),
        ("app:${EMPTY:?}", "EMPTY is not set", "EMPTY"),
        ("app:${TAG", "a ${ is never closed", ""),
        ("app:${TAG!}", "${TAG!} is no form that is known", ""),
        ("app:$", "a single $ that names no variable; a dollar sign is written $$", ""),
    ],
)
def test_what_cannot_be_filled_in_is_left_as_it_is(text: str, why: str, unset: str) -> None:
    filled = fill_compose(text, VALUES)
    assert (text, why, unset) == (filled.text, filled.why, filled.unset)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ('"$A"', "a"),
        ("'$A'", "$A"),
        (r"\$A", "$A"),
        ("${NONE:-x}y", "xy"),
        ("${A:+v}$B", "vb"),
    ],
)
def test_a_dockerfile_has_quotes_and_escapes(text: str, filled: str) -> None:
    assert filled == fill_dockerfile(text, VALUES).text


def test_the_escape_character_is_the_files_own() -> None:
    assert "$A" == fill_dockerfile("`$A", VALUES, "`").text


def test_what_grows_without_end_is_refused() -> None:
    long = "x" * (MAX_CHARACTERS // 2 + 1)
    assert "longer than" in fill_compose("$L$L", {"L": long}).why
    assert "nested deeper" in fill_compose("${N:-" * 50 + "}" * 50, {}).why
