"""SPDX licence expressions, by their grammar: no list of licences grows old here.

    expression = term {("AND" | "OR") term}
    term       = licence ["WITH" exception] | "(" expression ")"

Source: SPDX specification 2.3, annex D (operators in capitals or not, as 3.0 has it).
"""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"\s*([()]|[^\s()]+)")
_LICENCE: Final = re.compile(
    r"(?:DocumentRef-[A-Za-z0-9.-]+:)?(?:LicenseRef|AdditionRef)-[A-Za-z0-9.-]+|[A-Za-z0-9.-]+\+?"
)
_BETWEEN: Final = frozenset({"AND", "OR", "and", "or"})
_WITH: Final = frozenset({"WITH", "with"})
_OPERATORS: Final = _BETWEEN | _WITH


def is_licence_expression(text: str) -> bool:
    """Say whether the text is an expression; one pass, however deep its parentheses are."""
    depth, complete, may_except = 0, False, False
    words = iter(_WORD.findall(text))
    for word in words:
        if complete and word in _WITH and may_except:
            if not _is_name(next(words, "")):
                return False
            may_except = False
        elif complete and word in _BETWEEN:
            complete = False
        elif complete and word == ")" and depth:
            depth, may_except = depth - 1, False
        elif not complete and word == "(":
            depth += 1
        elif not complete and _is_name(word):
            complete = may_except = True
        else:
            return False
    return complete and depth == 0


def _is_name(word: str) -> bool:
    return word not in _OPERATORS and _LICENCE.fullmatch(word) is not None
