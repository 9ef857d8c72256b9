"""A plain list: one reference a line; what follows a `#` behind a space is a comment."""

from __future__ import annotations

from mfl_lint.inputs.found import Collector, Contents


def read_lines(text: str, file: str) -> Contents:
    """Return the references of a list."""
    collector = Collector(file)
    for number, line in enumerate(text.split("\n"), 1):
        reference = "" if line.lstrip().startswith("#") else line.partition(" #")[0].strip()
        if reference:
            collector.reference(reference, number)
    return collector.contents()
