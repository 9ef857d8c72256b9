"""Pages with a form, and what was typed into them."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from mfl_lint.web.rendering import PAGES
from mfl_lint.web.viewer import VIEWER, token_for

_LONGEST: Final = 2000


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


async def typed(request: web.Request, *names: str) -> dict[str, str]:
    """Return what was typed into the fields of a form, "" where nothing was; 400 for other things.

    Only what is spared for passwords is kept as it was typed: all else is trimmed.
    """
    given = await request.post()
    found: dict[str, str] = {}
    for name in names:
        value = given.get(name, "")
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise web.HTTPBadRequest(text=f"{name} is too long, or no text")
        found[name] = value if name == "password" else value.strip()
    return found


def local_path(text: str) -> str:
    """Return a path of this service, "/" for whatever leads elsewhere."""
    plain = text.isascii() and text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else "/"
