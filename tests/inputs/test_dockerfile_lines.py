from mfl_lint.inputs.dockerfile_lines import escape_of, instructions


def _all(text: str) -> list[tuple[str, int, list[tuple[str, int]]]]:
    found = instructions(text, escape_of(text))
    return [(x.name, x.line, [(word.text, word.line) for word in x.words]) for x in found]


def test_words_know_the_line_that_they_stand_in() -> None:
    text = "\n  copy a \\\n# c\n   b\\\nc d\nARG x\n"
    assert [
        ("COPY", 2, [("a", 2), ("bc", 4), ("d", 5)]),
        ("ARG", 6, [("x", 6)]),
    ] == _all(text)


def test_a_continuation_at_the_end_of_the_file_ends() -> None:
    assert [("RUN", 1, [("x", 1)])] == _all("RUN x \\")
    assert [("", 1, [])] == _all("\\\n\\\n")
