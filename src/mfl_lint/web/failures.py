"""Failures as answers: a page for people, a problem document (RFC 9457) under `/api`."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.errors import CursorInvalid, StoreError
from mfl_lint.web.rendering import PAGES
from mfl_lint.web.security import Handler
from mfl_lint.web.viewer import VIEWER

_LOG: Final = logging.getLogger(__name__)
# Whose handlers read the body themselves.
_LARGER: Final = {"/hooks/{name}": 1024 * 1024}
_KEPT: Final = ("Allow", "WWW-Authenticate", "Retry-After")
_NEXT: Final = {
    HTTPStatus.BAD_REQUEST: "Correct the address, or start again from the overview.",
    HTTPStatus.NOT_FOUND: "It may not have been crawled yet, or its name is spelt differently.",
    HTTPStatus.UNAUTHORIZED: "Sign in, and go back.",
    HTTPStatus.FORBIDDEN: "Whoever runs this service can change what you may do.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Go back, or start again from the overview.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Nothing is lost. Try again in a moment.",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A failure as the API sends it (RFC 9457): `detail` is one line that says what to do."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


@web.middleware
async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every failure into an answer that holds one line and no traceback."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            return web.Response(
                status=error.status, headers={"Location": error.headers["Location"]}
            )
        kept = {name: error.headers[name] for name in _KEPT if name in error.headers}
        return failure(request, error.status, _detail(error), kept)
    except CursorInvalid:
        return failure(request, HTTPStatus.BAD_REQUEST, "cursor is not one that this list gave")
    except StoreError as error:
        _LOG.error("the database failed on %s: %s", request.path, error)
        return failure(request, HTTPStatus.SERVICE_UNAVAILABLE, "the database does not answer")
    except Exception:
        _LOG.exception("failed on %s", request.path)
        return failure(
            request, HTTPStatus.INTERNAL_SERVER_ERROR, "an error on our side; the log has it"
        )


@web.middleware
async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a body that nobody here would read to its end, or that is packed."""
    headers = request.headers
    if "Content-Length" in headers and (request.content_length or 0) > _largest(request):
        most = f"at most {_largest(request)} bytes are read"
        response = failure(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, most)
    elif headers.get("Content-Encoding", "identity").lower() != "identity":
        plain = "send the body as it is, without a Content-Encoding"
        response = failure(request, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, plain)
    else:
        return await handler(request)
    response.force_close()
    return response


def _largest(request: web.Request) -> int:
    resource = request.match_info.route.resource
    more = _LARGER.get(resource.canonical, 0) if resource is not None else 0
    return more or request.client_max_size


def failure(
    request: web.Request, status: int, detail: str, headers: dict[str, str] | None = None
) -> web.Response:
    """Return the answer for a failure, in the form that the path calls for."""
    known = HTTPStatus(status)
    if request.path.startswith(("/api/", "/healthz", "/readyz", "/hooks/")):
        problem = Problem(title=known.phrase, status=int(known), detail=detail)
        return web.Response(
            body=msgspec.json.encode(problem),
            status=status,
            content_type="application/problem+json",
            headers=headers,
        )
    text = request.app[PAGES].render(
        "error.html",
        status=int(known),
        title=known.phrase,
        detail=detail,
        advice=_NEXT.get(known),
        viewer=request.get(VIEWER),
    )
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


def _detail(error: web.HTTPException) -> str:
    """Return our own line; aiohttp's default text only repeats the status."""
    if error.text and error.text != f"{error.status}: {error.reason}":
        return error.text
    if isinstance(error, web.HTTPMethodNotAllowed):
        return f"only {', '.join(sorted(error.allowed_methods))} can be asked for here"
    return "there is nothing at this address" if error.status == 404 else error.reason
