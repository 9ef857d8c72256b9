from mfl_lint.inputs.dotenv import parse_dotenv

TEXT = """\
# A=comment
TAG=1.2   # why
export NAME='$quoted # x'
DOUBLE="a \\"b\\"" # c
HASH=a#b
EMPTY=
JOINED=${TAG}-${HOME}
LOST=$NOWHERE
not a line
"""


def test_values_are_read_as_compose_reads_them() -> None:
    assert {
        "TAG": "1.2",
        "NAME": "$quoted # x",
        "DOUBLE": 'a "b"',
        "HASH": "a#b",
        "EMPTY": "",
        "JOINED": "1.2-/home/me",
    } == {
        key: value
        for key, value in parse_dotenv(TEXT, {"HOME": "/home/me"}).items()
        if key != "NAME" or value
    }


def test_the_environment_goes_first() -> None:
    found = parse_dotenv("A=1\nB=$A\n", {"A": "2"})
    assert {"A": "1", "B": "2"} == found
