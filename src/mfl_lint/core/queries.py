"""URLs without their queries: storage signs them there, and registries keep an upload's state."""

from __future__ import annotations

import re
from typing import Final

_QUERY: Final = re.compile(r"(\bhttps?://[^\s\"'<>?]*\?)[^\s\"'<>]+")


def without_queries(text: str, instead: str) -> str:
    """Return text with `instead` in place of each URL's query."""
    return _QUERY.sub(lambda url: url[1] + instead, text)
