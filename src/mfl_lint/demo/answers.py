"""What a registry answers with: documents, error documents, pages of names.

Source: OCI distribution-spec 1.1. Error codes and details are those of distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from mfl_lint.core.digest import Digest, is_digest

MAX_PAGE: Final = 1000
_API: Final = ("Docker-Distribution-Api-Version", "registry/2.0")


def error(status: int, code: str, message: str, detail: Any = None) -> web.Response:
    """Return a registry's error document."""
    body = {"errors": [{"code": code, "message": message, "detail": detail}]}
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        headers=CIMultiDict([_API, ("Content-Type", "application/json; charset=utf-8")]),
    )


def no_manifest(name: str, target: str) -> web.Response:
    """Return the 404 for a tag or digest, in words that tell them apart."""
    detail = {"Name": name, "Revision": target} if is_digest(target) else {"Tag": target}
    return error(404, "MANIFEST_UNKNOWN", "manifest unknown", detail)


def no_blob(digest: str) -> web.Response:
    """Return the 404 for a blob."""
    return error(404, "BLOB_UNKNOWN", "blob unknown to registry", digest)


def bad_digest() -> web.Response:
    """Return the 400 for content that is not what its digest says."""
    return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")


def empty(status: int, *headers: tuple[str, str]) -> web.Response:
    """Return an answer without a body."""
    return web.Response(status=status, headers=CIMultiDict([_API, *headers]))


def created(name: str, kind: str, digest: Digest) -> web.Response:
    """Return the 201 for a manifest or blob (`kind` is the path's word for it)."""
    location = ("Location", f"/v2/{name}/{kind}/{digest}")
    return empty(201, location, ("Docker-Content-Digest", digest))


def json_document(value: Any, *headers: tuple[str, str], media_type: str = "") -> web.Response:
    """Return `value` as JSON, with further headers."""
    kind = ("Content-Type", media_type or "application/json; charset=utf-8")
    return web.Response(
        body=msgspec.json.encode(value), headers=CIMultiDict([_API, kind, *headers])
    )


def content(data: bytes, media_type: str, digest: Digest) -> web.Response:
    """Return bytes with exactly the Content-Type that they were put with."""
    headers = CIMultiDict([_API, ("Docker-Content-Digest", digest)])
    if media_type:
        headers["Content-Type"] = media_type
    return web.Response(body=data, headers=headers)


def listing(
    request: web.Request, field: str, names: Sequence[str], size: int | None, **beside: str
) -> web.Response:
    """Return one page of names under `field`, with a Link to the next, as `n` and `last` ask.

    `size` is how many there are where `n` is not given, None for all.
    """
    asked = request.query.get("n", "")
    if asked and not (asked.isascii() and asked.isdigit() and len(asked) < 10):
        return error(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested")
    count = min(int(asked), MAX_PAGE) if asked else size
    last = request.query.get("last", "")
    rest = [name for name in names if name > last]
    page = rest[:count]
    links = []
    if page and len(page) < len(rest):
        after = f"{request.path}?last={quote(page[-1], safe='')}&n={count}"
        links.append(("Link", f'<{after}>; rel="next"'))
    return json_document({**beside, field: page}, *links)
