"""Lists as CSV: exactly what is filtered, all pages of it, sent page by page."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

import msgspec
from aiohttp import ETag, web

from mfl_lint.core.errors import StoreError
from mfl_lint.report.csv_table import cell_of_lines
from mfl_lint.web.answers import FindingsAnswer, MatrixAnswer
from mfl_lint.web.items import PlacedItem
from mfl_lint.web.query import MAX_LIMIT, PAGING, Query, read_query
from mfl_lint.web.security import Handler
from mfl_lint.web.sending import has_it, key_of, services_of, weak_mark
from mfl_lint.web.view import Table, View

_LOG: Final = logging.getLogger(__name__)
_MOST_ROWS: Final = 5_000
_FINDING: Final = (
    "severity", "state", "rule", "slug", "registry", "repository", "tag", "platform", "digest",
    "message", "fix", "first_seen_at", "last_confirmed_at", "resolved_at", "ignored",
    "fingerprint",
)  # fmt: skip


def table_handler(view: View, table: Table) -> Handler:
    """Return what answers with the view's list as CSV."""

    async def send(request: web.Request) -> web.StreamResponse:
        asked = read_query(request, view.parameters - PAGING, view.required)
        mark = weak_mark(await key_of(request, view.api, "csv", asked))
        pages = _pages(view, request, asked)
        first = await anext(pages)  # which refuses what is asked wrongly
        if has_it(request, mark):
            return _marked(web.Response(status=304), mark)
        if table.columns:
            return await _streamed(request, first, pages, table, mark)
        lines = _lines(table.rows([first, *[page async for page in pages]]))
        return _marked(web.Response(body=lines, content_type="text/csv", charset="utf-8"), mark)

    return send


def _marked(response: web.StreamResponse, mark: str) -> web.StreamResponse:
    response.etag = ETag(mark, is_weak=True)
    response.headers["Cache-Control"] = "no-cache"
    return response


async def _pages(view: View, request: web.Request, asked: Query) -> AsyncIterator[Any]:
    """Yield the answers of all pages."""
    services, cursor = services_of(request), ""
    while True:
        paging = {"limit": (str(MAX_LIMIT),)} | ({"cursor": (cursor,)} if cursor else {})
        answer: Any = await view.read(
            services, request.match_info, Query({**asked.values, **paging})
        )
        yield answer
        if answer.next_cursor is None:
            return
        cursor = answer.next_cursor


async def _streamed(
    request: web.Request, first: Any, pages: AsyncIterator[Any], table: Table, mark: str
) -> web.StreamResponse:
    """Send the rows of each page when it is read; a list that cannot be ended is cut off."""
    response = _marked(web.StreamResponse(), mark)
    response.content_type, response.charset = "text/csv", "utf-8"
    await response.prepare(request)
    try:
        await response.write(_lines([table.columns, *table.rows([first])]))
        async for page in pages:
            await response.write(_lines(table.rows([page])))
    except StoreError as error:
        _LOG.error("the database failed on %s: %s", request.path, error)
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows in which nothing acts, as RFC 4180 has them."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([cell_of_lines(text) for text in row] for row in rows)
    return file.getvalue().encode("utf-8", "replace")


def _findings(answers: Sequence[FindingsAnswer]) -> list[tuple[str, ...]]:
    items = (msgspec.to_builtins(item) for answer in answers for item in answer.items)
    return [tuple(_text(item[name]) for name in _FINDING) for item in items]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return str(value["reason"])
    return "" if value is None else str(value)


def _matrix(answers: Sequence[MatrixAnswer]) -> list[tuple[str, ...]]:
    """Return the table: platforms across, repositories down, each cell with its state."""
    platforms = tuple(dict.fromkeys(name for answer in answers for name in answer.platforms))
    rows = [("registry", "repository", "tag", "state", *platforms)]
    rows += [_row(item, answer.tag, platforms) for answer in answers for item in answer.items]
    if len(rows) > _MOST_ROWS:
        raise web.HTTPBadRequest(
            text=f"more than {_MOST_ROWS} repositories: narrow them with repository"
        )
    return rows


def _row(item: PlacedItem, name: str, platforms: Sequence[str]) -> tuple[str, ...]:
    tag = item.tag
    if tag is None:
        return (item.registry, item.repository, name, "no such tag", *("none" for _ in platforms))
    # What no row of its page offers has no cell there.
    other = "unknown" if tag.state == "unknown" else "none"
    states = (tag.cells[one].state if one in tag.cells else other for one in platforms)
    return (item.registry, item.repository, name, tag.state, *states)


FINDINGS_TABLE: Final = Table(_findings, _FINDING)
MATRIX_TABLE: Final = Table(_matrix)
