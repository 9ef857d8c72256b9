"""What the pre-defined annotations may hold.

Source: OCI image-spec 1.1 annotations.md "Pre-Defined Annotation Keys".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from mfl_lint.core.config_document import RFC3339
from mfl_lint.core.digest import is_digest
from mfl_lint.rules._licences import is_licence_expression

_PREFIX: Final = "org.opencontainers.image."
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/]\S*")
_LONGEST: Final = 4096


def is_malformed(key: str, value: str) -> bool:
    """Say whether a pre-defined annotation breaks its definition; an empty one is absent."""
    if key not in _DEFINED or not value.strip():
        return False
    return len(value) > _LONGEST or not _DEFINED[key][0](value)


def definition(key: str) -> str:
    """Return what the value of a pre-defined annotation has to be."""
    return _DEFINED[key][1]


def _is_time(value: str) -> bool:
    return RFC3339.fullmatch(value.upper()) is not None


def _is_url(value: str) -> bool:
    return _URL.fullmatch(value) is not None


_A_URL: Final = (_is_url, "a URL")
_DEFINED: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    f"{_PREFIX}created": (_is_time, "an RFC 3339 time"),
    f"{_PREFIX}url": _A_URL,
    f"{_PREFIX}source": _A_URL,
    f"{_PREFIX}documentation": _A_URL,
    f"{_PREFIX}licenses": (is_licence_expression, "an SPDX licence expression"),
    f"{_PREFIX}base.digest": (is_digest, "a digest"),
}
