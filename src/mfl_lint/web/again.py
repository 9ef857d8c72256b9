"""The very same request within a moment gets the very same answer: badges, feeds and screens.

Who asks, what they may and what they see follow from the request, byte for byte, and from what is
taken for granted for a moment anyway (`Freshness`, `Gate`). An answer that sets a cookie, or that
depends on anything else, is never sent again.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from aiohttp import web
from multidict import CIMultiDict

from mfl_lint.web.freshness import FRESHNESS, Sent
from mfl_lint.web.security import SECURED, Handler, secure

# On answers that are kept by a mark, whatever the handler.
REPEATABLE: Final = web.ResponseKey("repeatable", bool)
_MOST: Final = 1000


@web.middleware
async def again(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send the answer of a moment ago, or let it be made."""
    if request.method != "GET" or request.body_exists:
        return await handler(request)
    fresh = request.app[FRESHNESS]
    asked = request.raw_path, request.raw_headers, request.remote
    sent = fresh.sent()
    found = sent.get(asked) if sent is not None else None
    if found is not None:
        copy = web.Response(body=found.body, status=found.status, headers=found.headers)
        copy[SECURED] = True
        return copy
    response = await handler(request)
    sent = fresh.sent()
    if sent is not None and len(sent) < _MOST and response.get(REPEATABLE, False):
        await _keep(request, response, sent, asked)
    return response


async def _keep(
    request: web.Request,
    response: web.StreamResponse,
    sent: dict[Hashable, Sent],
    asked: Hashable,
) -> None:
    if isinstance(response, web.Response) and not response.cookies:
        await secure(request, response)
        body = response.body
        if body is None or isinstance(body, bytes):
            sent[asked] = Sent(response.status, CIMultiDict(response.headers), body)
