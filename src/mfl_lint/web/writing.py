"""What the API is sent, and what it says of what was changed."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec
from aiohttp import web

from mfl_lint.core.decoding import decode
from mfl_lint.web.answers import Answer

T = TypeVar("T")


class ScanItem(msgspec.Struct, frozen=True, kw_only=True):
    """A look that waits; `tag` is "" for all of a repository."""

    registry: str
    repository: str
    tag: str
    reason: str
    requested_at: datetime
    page: str


class IgnoreItem(msgspec.Struct, frozen=True, kw_only=True):
    """An ignore. `id` is null for those of the configuration, which only it can change.

    `rule`, `registry`, `repository` and `tag` are patterns. `state`: standing or expired.
    """

    id: int | None
    rule: str
    registry: str
    repository: str
    tag: str
    reason: str
    who: str
    created_at: datetime | None
    expires: datetime | None
    state: str


class DeedItem(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did."""

    id: int
    at: datetime
    who: str
    action: str
    subject: str


async def body_of(request: web.Request, kind: type[T]) -> T:
    """Return the JSON of a request; 400 with one line for what it is not."""
    try:
        return decode(await request.read(), kind)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise web.HTTPBadRequest(text=f"the body is not as it should be: {error}"[:200]) from None


def sent(answer: Answer, status: int = 200) -> web.Response:
    """Return what the API says of a change."""
    return web.Response(
        body=msgspec.json.encode(answer),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
