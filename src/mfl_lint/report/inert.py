"""Text from registries made harmless: for terminals, build logs and strict JSON parsers."""

from __future__ import annotations

from typing import Any

from mfl_lint.core.inert import inert

__all__ = ["encodable", "inert"]


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
