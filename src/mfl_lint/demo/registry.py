"""A small real registry: push and pull over HTTP, everything in memory.

Source: OCI distribution-spec 1.1, "API".
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from ssl import SSLContext
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from mfl_lint.core.digest import Digest, is_digest
from mfl_lint.core.errors import DigestMismatch
from mfl_lint.core.manifest import MAX_DOCUMENT_BYTES, OCI_INDEX
from mfl_lint.demo.answers import (
    bad_digest,
    content,
    created,
    empty,
    error,
    json_document,
    listing,
    no_blob,
    no_manifest,
)
from mfl_lint.demo.contents import Contents

MAX_BLOB_BYTES: Final = 512 * 1024 * 1024
_WORD: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME: Final = rf"/v2/{{name:{_WORD}(?:/{_WORD})*}}"
_TARGET: Final = r"{target:[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[0-9a-f]+)?}"


class AccessEntry(msgspec.Struct, frozen=True, gc=False):
    """One request that was answered; `path` has its query."""

    method: str
    path: str
    status: int


class DemoRegistry(Contents):
    """Contents that can be served; broken lists are welcome unless `complete` demands children.

    `page_size` pages the listings of those who did not ask for pages. `access_log` holds the
    first `log_limit` requests since it was last cleared.
    """

    def __init__(
        self, *, complete: bool = False, page_size: int | None = None, log_limit: int = 100_000
    ) -> None:
        super().__init__()
        self.access_log: list[AccessEntry] = []
        self._complete = complete
        self._page_size = page_size
        self._log_limit = log_limit
        self._uploads: dict[str, bytearray] = {}
        self._upload_ids = itertools.count(1)

    def app(self, middlewares: Iterable[Middleware] = ()) -> web.Application:
        """Return an application that serves the contents, the middlewares before it."""
        app = web.Application(middlewares=[self._log, *middlewares], client_max_size=MAX_BLOB_BYTES)
        uploads = rf"{_NAME}/blobs/uploads"
        app.add_routes(
            [
                web.get("/v2/", self._ping),
                web.get("/v2/_catalog", self._get_catalog),
                web.get(f"{_NAME}/manifests/{_TARGET}", self._get_manifest),
                web.put(f"{_NAME}/manifests/{_TARGET}", self._put_manifest),
                web.delete(f"{_NAME}/manifests/{_TARGET}", self._delete_manifest),
                web.get(f"{_NAME}/blobs/{_TARGET}", self._get_blob),
                web.delete(f"{_NAME}/blobs/{_TARGET}", self._delete_blob),
                web.get(f"{_NAME}/tags/list", self._get_tags),
                web.get(f"{_NAME}/referrers/{_TARGET}", self._get_referrers),
                web.post(f"{uploads}/", self._start_upload),
                web.get(f"{uploads}/{{upload}}", self._get_upload),
                web.patch(f"{uploads}/{{upload}}", self._continue_upload),
                web.put(f"{uploads}/{{upload}}", self._finish_upload),
                web.delete(f"{uploads}/{{upload}}", self._cancel_upload),
            ]
        )
        return app

    @web.middleware
    async def _log(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as answer:
            status = answer.status
            raise
        finally:
            if len(self.access_log) < self._log_limit:
                entry = AccessEntry(request.method, request.path_qs, status)
                self.access_log.append(entry)
        return response

    async def _ping(self, _: web.Request) -> web.StreamResponse:
        return json_document({})

    async def _get_catalog(self, request: web.Request) -> web.StreamResponse:
        return listing(request, "repositories", self.repositories(), self._page_size)

    async def _get_tags(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        tags = self.tags(name)
        if tags is None:
            message = "repository name not known to registry"
            return error(404, "NAME_UNKNOWN", message, {"name": name})
        return listing(request, "tags", tags, self._page_size, name=name)

    async def _get_referrers(self, _: web.Request) -> web.StreamResponse:
        nothing = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
        return json_document(nothing, media_type=OCI_INDEX)

    async def _get_manifest(self, request: web.Request) -> web.StreamResponse:
        name, target = request.match_info["name"], request.match_info["target"]
        stored = self.manifest(name, target)
        if stored is None:
            return no_manifest(name, target)
        return content(stored.raw, stored.media_type, stored.digest)

    async def _put_manifest(self, request: web.Request) -> web.StreamResponse:
        name, target = request.match_info["name"], request.match_info["target"]
        raw, media_type = await request.read(), request.headers.get("Content-Type", "")
        if len(raw) > MAX_DOCUMENT_BYTES:
            return error(413, "MANIFEST_INVALID", "manifest too large")
        if refusal := self._refuses(name, raw, media_type):
            return refusal
        if ":" not in target:
            digest = self.put_manifest(name, raw, media_type, target)
            return created(name, "manifests", digest)
        if not is_digest(target):
            return bad_digest()
        try:
            digest = self.put_manifest(name, raw, media_type, digest=Digest(target))
        except DigestMismatch:
            return bad_digest()
        return created(name, "manifests", digest)

    def _refuses(self, name: str, raw: bytes, media_type: str) -> web.Response | None:
        """Return the error for a manifest that is not taken, None if it is."""
        if not media_type:
            return error(400, "MANIFEST_INVALID", "manifest invalid", {})
        if not self._complete:
            return None
        try:
            missing = self.missing(name, raw)
        except (ValueError, RecursionError):
            return error(400, "MANIFEST_INVALID", "manifest invalid", {})
        if missing:
            return error(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", missing[0])
        return None

    async def _delete_manifest(self, request: web.Request) -> web.StreamResponse:
        name, target = request.match_info["name"], request.match_info["target"]
        return empty(202) if self.delete_manifest(name, target) else no_manifest(name, target)

    async def _get_blob(self, request: web.Request) -> web.StreamResponse:
        name, target = request.match_info["name"], request.match_info["target"]
        data = self.blob(name, Digest(target))
        if data is None:
            return no_blob(target)
        response = content(data, "application/octet-stream", Digest(target))
        try:
            wanted = request.http_range
        except ValueError:
            return error(416, "RANGE_INVALID", "invalid content range")
        if wanted.start is not None or wanted.stop is not None:
            start, stop, _ = wanted.indices(len(data))
            if start >= stop:
                return error(416, "RANGE_INVALID", "invalid content range")
            response.set_status(HTTPStatus.PARTIAL_CONTENT)
            response.body = data[start:stop]
            response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return response

    async def _delete_blob(self, request: web.Request) -> web.StreamResponse:
        name, target = request.match_info["name"], request.match_info["target"]
        return empty(202) if self.delete_blob(name, Digest(target)) else no_blob(target)

    async def _start_upload(self, request: web.Request) -> web.StreamResponse:
        """Begin an upload; a mount, or a digest with the whole body, ends it at once."""
        name = request.match_info["name"]
        mount, source = request.query.get("mount", ""), request.query.get("from", "")
        if is_digest(mount) and self.mount_blob(name, source, Digest(mount)):
            return created(name, "blobs", Digest(mount))
        if "digest" in request.query:
            return self._keep(name, await request.read(), request.query["digest"])
        upload = f"upload-{next(self._upload_ids)}"
        self._uploads[upload] = bytearray()
        return self._progress(202, name, upload)

    async def _get_upload(self, request: web.Request) -> web.StreamResponse:
        name, upload = request.match_info["name"], request.match_info["upload"]
        return self._progress(204, name, upload) if upload in self._uploads else _no_upload()

    async def _continue_upload(self, request: web.Request) -> web.StreamResponse:
        name, upload = request.match_info["name"], request.match_info["upload"]
        chunk = await request.read()
        held = self._uploads.get(upload)
        if held is None:
            return _no_upload()
        begins = request.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
        if (begins and begins != str(len(held))) or len(held) + len(chunk) > MAX_BLOB_BYTES:
            return error(416, "BLOB_UPLOAD_INVALID", "a chunk out of order, or too much of it")
        held += chunk
        return self._progress(202, name, upload)

    async def _finish_upload(self, request: web.Request) -> web.StreamResponse:
        name, upload = request.match_info["name"], request.match_info["upload"]
        rest = await request.read()
        if upload not in self._uploads:
            return _no_upload()
        data = bytes(self._uploads.pop(upload)) + rest
        return self._keep(name, data, request.query.get("digest", ""))

    async def _cancel_upload(self, request: web.Request) -> web.StreamResponse:
        gone = self._uploads.pop(request.match_info["upload"], None)
        return _no_upload() if gone is None else empty(204)

    def _progress(self, status: int, name: str, upload: str) -> web.Response:
        location = ("Location", f"/v2/{name}/blobs/uploads/{upload}")
        held = ("Range", f"0-{max(0, len(self._uploads[upload]) - 1)}")
        return empty(status, location, held, ("Docker-Upload-Uuid", upload))

    def _keep(self, name: str, data: bytes, digest: str) -> web.Response:
        if not is_digest(digest):
            return bad_digest()
        try:
            return created(name, "blobs", self.put_blob(name, data, Digest(digest)))
        except DigestMismatch:
            return bad_digest()


def _no_upload() -> web.Response:
    return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")


@asynccontextmanager
async def running(
    app: web.Application,
    port: int = 0,
    *,
    ssl_context: SSLContext | None = None,
    drain_s: float = 0.5,
) -> AsyncIterator[str]:
    """Serve an application on loopback while the context lasts; yield `127.0.0.1:port`.

    Port 0 takes a free one. Requests still being answered at the end have `drain_s`.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=drain_s)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=ssl_context).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
