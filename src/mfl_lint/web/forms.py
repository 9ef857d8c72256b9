"""Pages with a form, and what was typed into them."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from aiohttp import web

from mfl_lint.web.rendering import PAGES
from mfl_lint.web.viewer import VIEWER, token_for

_LONGEST: Final = 2000
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 50


def form_page(
    request: web.Request,
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> web.Response:
    """Return a page with a form that only whoever asks can send; nothing keeps it."""
    text = request.app[PAGES].render(
        template, viewer=request[VIEWER], token=token_for(request), path=request.path, **context
    )
    held = {"Cache-Control": "no-store", **(headers or {})}
    return web.Response(text=text, status=status, content_type="text/html", headers=held)


async def fields_of(request: web.Request) -> dict[str, str]:
    """Return the fields of a form, of equal ones the first; 4xx for what no form of ours sends."""
    raw = await request.read()
    if not raw:
        return {}
    if request.content_type != _FORM:
        raise web.HTTPUnsupportedMediaType(text=f"send the form as {_FORM}")
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise web.HTTPBadRequest(text="the form is not as it should be") from None
    return dict(reversed(pairs))


async def typed(request: web.Request, *names: str) -> dict[str, str]:
    """Return what was typed into the fields of a form, "" where nothing was; 400 for other things.

    Only what is spared for passwords is kept as it was typed: all else is trimmed.
    """
    given = await fields_of(request)
    found: dict[str, str] = {}
    for name in names:
        value = given.get(name, "")
        if len(value) > _LONGEST:
            raise web.HTTPBadRequest(text=f"{name} is too long")
        found[name] = value if name == "password" else value.strip()
    return found


def local_path(text: str) -> str:
    """Return a path of this service, "/" for whatever leads elsewhere."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else "/"
