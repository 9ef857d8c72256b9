from mfl_lint.inputs.lines import read_lines


def test_a_list_has_one_reference_a_line() -> None:
    text = "# mine\nalpine:3\r\n\n  app@sha256:x  # why\nbusybox\n"
    found = read_lines(text, "refs.txt").found
    assert [("alpine:3", 2), ("app@sha256:x", 4), ("busybox", 5)] == [
        (item.text, item.line) for item in found
    ]
