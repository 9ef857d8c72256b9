"""Text from registries made harmless: for terminals, build logs and strict JSON parsers."""

from __future__ import annotations

from typing import Any, Final

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


def encodable(value: Any) -> Any:
    """Return builtins of which every text can be encoded: lone surrogates become U+FFFD."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(item) for item in value]
    return value
