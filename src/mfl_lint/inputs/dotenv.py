"""The `.env` file beside a Compose file: names and values.

Source: Docker Compose, "Syntax for environment files".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mfl_lint.inputs.variables import fill_compose

_LINE: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*[=:](.*)", re.DOTALL)
_COMMENT: Final = re.compile(r"(?:^|\s)#")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_ESCAPED: Final = re.compile(r'\\([nrt"\\])')


def parse_dotenv(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the file's variables; the environment's own values go before them in `$NAME`.

    A line that is none is passed over, and so is a value that needs one that is not set: what
    uses it is then unresolved.
    """
    values: dict[str, str] = {}
    for line in text.splitlines():
        match = None if line.lstrip().startswith("#") else _LINE.fullmatch(line)
        if match is None:
            continue
        value = _value(match[2].strip(), {**values, **environment} if "$" in line else {})
        if value is not None:
            values[match[1]] = value
    return values


def _value(raw: str, known: Mapping[str, str]) -> str | None:
    if raw[:1] == "'":
        return raw[1:].partition("'")[0]
    if raw[:1] == '"':
        end = re.match(r'"((?:[^"\\]|\\.)*)"', raw)
        if end is None:
            return None
        raw = _ESCAPED.sub(lambda found: _ESCAPES[found[1]], end[1])
    else:
        comment = _COMMENT.search(raw)
        raw = raw[: comment.start()].rstrip() if comment else raw
    filled = fill_compose(raw, known)
    return None if filled.why else filled.text
