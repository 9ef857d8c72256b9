from tests.cli.conftest import Command


def test_the_demo_finds_what_was_put_there_and_ends(process: Command) -> None:
    ran = process("demo", "--once")
    assert (0, "") == (ran.code, ran.err)
    assert "broken/dangling:latest" in ran.out
    (row,) = (line for line in ran.out.splitlines() if line.startswith("│ broken/dangling:latest"))
    assert "MFL201" in row
    (good,) = (line for line in ran.out.splitlines() if line.startswith("│ good/docker-list"))
    assert "│ - " in good
