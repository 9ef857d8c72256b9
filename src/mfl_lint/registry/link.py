"""The Link header: where the next page of a listing is.

Source: RFC 8288 section 3; distribution-spec 1.1 "Listing Tags".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import yarl

from mfl_lint.core.errors import BodyInvalid
from mfl_lint.registry.origin import Origin

_TARGET: Final = re.compile(r"[\s,]*<([\x21-\x3b\x3d\x3f-\x7e]+)>[ \t]*")
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = re.compile(
    rf";[ \t]*(?:([!#$%'+.^_`|~0-9A-Za-z-]+\*?)(?:[ \t]*=[ \t]*(?:({_WORD}|[/:][^\s\\\",;]*)"
    r'|"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\x00-\x1f\x7f])*)"))?)?[ \t]*'
)
_ESCAPED: Final = re.compile(r"\\(.)")


class Link(msgspec.Struct, frozen=True):
    """One link: its target as it was written, and its parameters by lower-case name."""

    target: str
    parameters: Mapping[str, str]

    @property
    def leads_on(self) -> bool:
        """Say whether it is the next page; some registries leave `rel` out."""
        relation = self.parameters.get("rel")
        return relation is None or "next" in relation.lower().split()


def links(headers: Sequence[str]) -> Iterator[Link]:
    """Yield the links of all Link headers in order; raise BodyInvalid at one that is malformed."""
    for header in headers:
        at = 0
        while at < len(header):
            link, at = _link(header, at)
            yield link


def _link(header: str, at: int) -> tuple[Link, int]:
    """Return the link that begins at the offset, and the offset behind it."""
    found = _TARGET.match(header, at)
    if found is None:
        raise BodyInvalid("a Link header that is malformed")
    parameters: dict[str, str] = {}
    target, at = found[1], found.end()
    while (piece := _PARAMETER.match(header, at)) is not None:
        name, token, quoted = piece.groups()
        if name:
            value = token or _ESCAPED.sub(r"\1", quoted or "")
            parameters.setdefault(name.lower(), value)
        at = piece.end()
    if header[at : at + 1] not in ("", ","):
        raise BodyInvalid("a Link header that is malformed")
    return Link(target, parameters), at + 1


def next_page(headers: Sequence[str], page: yarl.URL) -> yarl.URL | None:
    """Return the URL of the page behind `page`, verbatim, None if it is the last one.

    Raise BodyInvalid for a malformed header and for a link that leaves the page's scheme,
    host and port.
    """
    for link in links(headers):
        if link.leads_on:
            return _resolve(link.target, page)
    return None


def _resolve(target: str, page: yarl.URL) -> yarl.URL:
    """Return the absolute URL of a target; raise BodyInvalid where it may not lead."""
    try:
        url = page.join(yarl.URL(target, encoded=True)).with_fragment(None)
        same = Origin.of(url) == Origin.of(page) and url.raw_user is None
    except (ValueError, TypeError):
        same = False
    if not same:
        raise BodyInvalid("a Link header that leads off the registry")
    return url
