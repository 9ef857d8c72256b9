"""A tag's state as a picture to embed elsewhere: our own SVG, in which nothing acts."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from markupsafe import Markup

from mfl_lint.core.reference import is_repository, is_tag
from mfl_lint.store import views
from mfl_lint.web.items import TagItem
from mfl_lint.web.kept import KEPT, Body, body_of
from mfl_lint.web.matrix import NO_PLATFORM, matrix
from mfl_lint.web.query import read_query
from mfl_lint.web.security import EMBEDDED
from mfl_lint.web.sending import answered, key_of, services_of
from mfl_lint.web.services import Services
from mfl_lint.web.wording import visible

PATH: Final = "/badge/{registry}/{repository:.+}/{tag}.svg"
_CACHE: Final = "private, max-age=60"  # what one person sees is not everybody's
_SHOWN: Final = ("platforms", "state")
_MOST: Final = 6
_LONGEST: Final = 60
_COLOURS: Final = {
    "ok": "#1a7f37", "info": "#1a7f37", "warning": "#9a6700", "error": "#c62828",
    "unknown": "#57606a",
}  # fmt: skip
_NARROW: Final = frozenset("fijlrtI.,:;'|!/()[] ")
_WIDE: Final = frozenset("mwMW@%")
_SVG: Final = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" '
    'aria-label="{label}: {value}"><title>{label}: {value}</title>'
    '<rect width="{width}" height="20" rx="3" fill="#24292f"/>'
    '<path d="M{left} 0h{right}a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-{right}z" fill="{colour}"/>'
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
    'text-anchor="middle"><text x="{label_x}" y="14" textLength="{label_length}">{label}</text>'
    '<text x="{value_x}" y="14" textLength="{value_length}">{value}</text></g></svg>'
)


async def badge(request: web.Request) -> web.Response:
    """Answer with the badge of a tag; of one that is not known, 404 with a badge that says so."""
    asked = read_query(request, {"show"})
    (shown,) = asked.choices("show", _SHOWN) or ("platforms",)

    async def make() -> Body:
        match = request.match_info
        place = (match["registry"], match["repository"], match["tag"])
        item = await _tag(services_of(request), place)
        return body_of(_drawn(item, shown).encode(), "image/svg+xml")

    key = await key_of(request, "badge", "svg", asked)
    body = await request.app[KEPT].get(key, make)
    status = 404 if body.raw == _drawn(None, shown).encode() else 200
    response = answered(request, body, cache=_CACHE, status=status, repeatable=True)
    response[EMBEDDED] = True
    return response


async def _tag(services: Services, place: tuple[str, str, str]) -> TagItem | None:
    registry, repository, tag = place
    if not (registry.isprintable() and is_repository(repository) and is_tag(tag)):
        return None
    row = await views.tag(services.store, registry, repository, tag)
    if row is None or row.state.gone_at is not None:
        return None
    drawn = matrix([row], registry, repository, services.config().policy, services.now())
    return drawn.items[0]


def _drawn(item: TagItem | None, shown: str) -> str:
    """Return the badge: all is said in words, colour is only added."""
    if item is None:
        return svg("image", "not known", _COLOURS["unknown"])
    colour = _COLOURS.get(item.state, _COLOURS["unknown"])
    if shown == "state":
        return svg(item.tag, item.state, colour)
    offered = [
        name.removeprefix("linux/")
        for name, cell in item.cells.items()
        if cell.state not in ("none", "missing", "absent") and name != NO_PLATFORM
    ]
    more = f" +{len(offered) - _MOST}" if len(offered) > _MOST else ""
    said = " | ".join(offered[:_MOST]) + more or "no platform"
    return svg(item.tag, said if item.state == "ok" else f"{said}: {item.state}", colour)


def svg(label: str, value: str, colour: str) -> str:
    """Return a badge of two fields as SVG."""
    label, value = _cut(label), _cut(value)
    label_length, value_length = _length(label), _length(value)
    left, right = label_length + 12, value_length + 12
    return str(
        _SVG.format(
            width=left + right,
            left=left,
            right=right - 3,
            label=label,
            value=value,
            colour=colour,
            label_x=left / 2,
            value_x=left + right / 2,
            label_length=label_length,
            value_length=value_length,
        )
    )


def _cut(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _length(text: str) -> int:
    """Return how wide the text is in pixels, about: the picture says so to whoever draws it."""
    return sum(4 if one in _NARROW else 11 if one in _WIDE else 7 for one in text)
