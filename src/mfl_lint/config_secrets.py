"""How a secret is read that settings name: an environment variable, or a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mfl_lint.core.errors import ConfigInvalid

_MOST_BYTES: Final = 64 * 1024


def read_secret(where: str, variable: str, file: str, environment: Mapping[str, str]) -> str:
    """Return what the variable or the file hold, "" where neither is named.

    What stands around it, as a newline, is no part of it. Raise ConfigInvalid that names the
    setting: `where` with `_env` or `_file`.
    """
    if variable:
        text = environment.get(variable, "").strip()
        if not text:
            raise ConfigInvalid(f"{where}_env: the variable {variable} is not set")
        return text
    if not file:
        return ""
    try:
        with Path(file).open("rb") as opened:
            text = opened.read(_MOST_BYTES).decode().strip()
    except (OSError, ValueError):
        raise ConfigInvalid(f"{where}_file: {file} cannot be read") from None
    if not text:
        raise ConfigInvalid(f"{where}_file: {file} is empty")
    return text
