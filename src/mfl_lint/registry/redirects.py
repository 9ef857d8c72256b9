"""Where an answer leads, and where nobody is to be led."""

from __future__ import annotations

from typing import Final

import yarl

from mfl_lint.core.errors import Unreachable
from mfl_lint.registry.answer import Answer, place
from mfl_lint.registry.origin import Origin

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def is_redirect(answer: Answer) -> bool:
    """Say whether an answer leads elsewhere."""
    return answer.status in _REDIRECTS


def redirected(answer: Answer, origin: Origin) -> yarl.URL:
    """Return where an answer of `origin` leads; raise Unreachable where it must not be followed."""
    where = f"{answer.method} {place(answer.url)}: redirected"
    try:
        location = yarl.URL(answer.headers["Location"], encoded=True)
        url = answer.url.join(location).with_fragment(None)
        target = Origin.of(url)
    except (KeyError, ValueError, TypeError):
        raise Unreachable(f"{where} to nowhere") from None
    if url.raw_user is not None:
        raise Unreachable(f"{where} with credentials in the URL")
    if origin.scheme == "https" and target.scheme == "http":
        raise Unreachable(f"{where} from https to http")
    return url
