"""How a registry can misbehave in good HTTP: one function for each way, to be given to a Fault.

Those that break HTTP itself are in tests/wire_faults.py.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import Final

from aiohttp import web

from mfl_lint.demo.answers import error
from tests.fault_registry import Behaviour, Exchange, FaultRegistry

Hook = Callable[[FaultRegistry], Awaitable[object] | object]

_CODES: Final = {
    400: "UNSUPPORTED",
    401: "UNAUTHORIZED",
    403: "DENIED",
    404: "MANIFEST_UNKNOWN",
    429: "TOOMANYREQUESTS",
}


def status(
    code: int, body: str | bytes | None = None, *, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Answer with a status: the registry's own error document, or the body that is given."""

    async def answer(_: Exchange) -> web.StreamResponse:
        if body is None:
            response = error(code, _CODES.get(code, "UNKNOWN"), "a fault of the test")
        else:
            response = web.Response(status=code, body=body)
        response.headers.update(headers or {})
        return response

    return answer


def html(code: int) -> Behaviour:
    """Answer as a proxy in front of the registry does."""
    page = f"<!DOCTYPE html><html><body><h1>{code}</h1></body></html>"
    return status(code, page, headers={"Content-Type": "text/html; charset=utf-8"})


def throttled(retry_after: str | None, code: int = 429) -> Behaviour:
    """Answer 429 with a Retry-After: seconds, a date, junk, or none."""
    return status(code, headers={} if retry_after is None else {"Retry-After": retry_after})


def delayed(seconds: float, then: Behaviour | None = None) -> Behaviour:
    """Answer late, or with another behaviour then."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await (then(exchange) if then else exchange.real())

    return answer


def held(release: asyncio.Event) -> Behaviour:
    """Answer when the event is set."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        await release.wait()
        return await exchange.real()

    return answer


def before(hook: Hook) -> Behaviour:
    """Run a hook (it gets the fault registry), then answer truly: the tag moved just before."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        await _run(hook, exchange.registry)
        return await exchange.real()

    return answer


def after(hook: Hook) -> Behaviour:
    """Take the true answer, run a hook, then send it: the tag moved just afterwards."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        response = await exchange.real()
        await _run(hook, exchange.registry)
        return response

    return answer


async def _run(hook: Hook, registry: FaultRegistry) -> None:
    result = hook(registry)
    if isinstance(result, Awaitable):
        await result


def changed_headers(headers: Mapping[str, str | None]) -> Behaviour:
    """Answer truly but for some headers; None takes one away."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        response = await exchange.real()
        for name, value in headers.items():
            response.headers.popall(name, None)
            if value is not None:
                response.headers[name] = value
        return response

    return answer


def digest_header(value: str | None) -> Behaviour:
    """Answer truly with another Docker-Content-Digest, or with none."""
    return changed_headers({"Docker-Content-Digest": value})


def changed_body(change: Callable[[bytes], bytes]) -> Behaviour:
    """Answer with another body under the true headers."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        response = await exchange.real()
        if isinstance(response.body, bytes):
            response.body = change(response.body)
        return response

    return answer


def flipped(position: int = 0) -> Behaviour:
    """Answer with one bit of one byte turned over."""

    def flip(body: bytes) -> bytes:
        at = position % max(1, len(body))
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :] if body else body

    return changed_body(flip)


def garbage(body: bytes = b"\x00\xff<<<not json", media_type: str = "") -> Behaviour:
    """Answer 200 with a body that means nothing, under the true Content-Type or another."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        response = await exchange.real()
        named = media_type or response.headers.get("Content-Type", "application/json")
        return web.Response(body=body, headers={"Content-Type": named})

    return answer


def redirected(location: str, code: int = 307) -> Behaviour:
    """Send the client elsewhere: a URL, or a path on the same host."""
    return status(code, b"", headers={"Location": location})


def looping() -> Behaviour:
    """Send the client to where it just was."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": exchange.request.path_qs})

    return answer


def bomb(encoding: str = "gzip", size_bytes: int = 1 << 28, *, layers: int = 1) -> Behaviour:
    """Answer with a few kilobytes that unpack to `size_bytes` of zeros.

    `encoding` is what Content-Encoding says. gzip and deflate are real ones (`layers` of
    them, one in another); other names are on the gzip bytes.
    """
    body = _packed(15 if encoding == "deflate" else 31, size_bytes)
    for _ in range(layers - 1):
        body = gzip.compress(body)
    named = ", ".join([encoding] * layers)

    async def answer(exchange: Exchange) -> web.StreamResponse:
        kind = (await exchange.real()).headers.get("Content-Type", "application/json")
        return web.Response(body=body, headers={"Content-Encoding": named, "Content-Type": kind})

    return answer


@cache
def _packed(wbits: int, size_bytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=wbits)
    chunk = bytes(1 << 20)
    packed = [packer.compress(chunk) for _ in range(size_bytes >> 20)]
    return b"".join([*packed, packer.flush()])


def page(names: Sequence[str], link: str | None, *, field: str = "tags") -> Behaviour:
    """Answer a listing with the names and a Link as it is written here: circles, other hosts."""
    headers = {} if link is None else {"Link": f'<{link}>; rel="next"'}
    body = json.dumps({"name": "listing", field: list(names)})
    return status(200, body, headers={"Content-Type": "application/json", **headers})


def page_to_itself(names: Sequence[str] = ("v1",), *, field: str = "tags") -> Behaviour:
    """Answer a listing whose next page is the same page."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        return await page(names, exchange.request.path_qs, field=field)(exchange)

    return answer


def pages_without_end(*, field: str = "tags", new_names: bool = True) -> Behaviour:
    """Answer every page with a link to another one, with names never seen before or the same."""
    numbers = itertools.count(1)

    async def answer(exchange: Exchange) -> web.StreamResponse:
        number = next(numbers)
        name = f"v{number}" if new_names else "v1"
        link = f"{exchange.request.path}?last=page{number}"
        return await page([name], link, field=field)(exchange)

    return answer
