"""Text from registries made harmless: one line in which nothing acts."""

from __future__ import annotations

from typing import Final

# GitHub's runner takes `##[command]` for a command wherever it stands in a line.
_COMMAND: Final = "##["


def inert(text: str) -> str:
    """Return one line that moves no cursor, turns no text around and ends no line.

    What is not printable (controls, escape sequences, bidi overrides, line ends, lone
    surrogates) is shown by its escape.
    """
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text.replace(_COMMAND, "##\\[")
