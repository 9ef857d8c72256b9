"""One line for every request that was answered: who asked for what, and how it went.

Queries are left out whole, as cookies and all other headers are: what leads back from a sign-in is
a secret for a moment. What a client chose is bounded and inert.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from mfl_lint.config_serve import ProxyConfig, ServeConfig
from mfl_lint.report.inert import inert
from mfl_lint.web.gate import client_address
from mfl_lint.web.viewer import VIEWER

LOGGER: Final = "mfl_lint.access"
_LONGEST: Final = 300
# An API token of ours where none belongs, such as in a path.
_TOKEN: Final = re.compile(r"mfl_[A-Za-z0-9_-]{20,}")


class Asked(msgspec.Struct, frozen=True):
    """One request. `ms` is how long its answer took, `bytes` what was sent, headers
    included.

    `who` is the name of whom it was answered, "anonymous" for whoever did not sign in, and "-"
    where nobody asked who that is. `address` is what a trusted proxy says, else the peer's.
    """

    at: datetime
    address: str
    who: str
    method: str
    path: str
    status: int
    bytes: int
    ms: float
    agent: str


def as_text(asked: Asked) -> str:
    """Return the request as a line for people."""
    at = asked.at.isoformat(timespec="milliseconds").removesuffix("+00:00")
    agent = asked.agent.replace("\\", "\\\\").replace('"', '\\"')
    return (
        f'{at}Z {asked.address} {asked.who} "{asked.method} {asked.path}" {asked.status} '
        f'{asked.bytes} {asked.ms}ms "{agent}"'
    )


def as_json(asked: Asked) -> str:
    """Return the request as one line of JSON."""
    return msgspec.json.encode(asked).decode()


def access_log(serve: ServeConfig, now: Callable[[], datetime]) -> type[AbstractAccessLogger]:
    """Return what the server calls after each answer; it writes as the settings say."""
    write = as_json if serve.access_log == "json" else as_text

    class Written(AbstractAccessLogger):
        def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
            viewer = request.get(VIEWER)
            asked = Asked(
                at=now(),
                address=_inert(_address(request, serve.proxy)) or "-",
                who=viewer.name if viewer is not None else "-",
                method=_inert(request.method),
                path=_inert(request.rel_url.raw_path),
                status=response.status,
                bytes=response.body_length,
                ms=round(time * 1000, 1),
                agent=_inert(request.headers.get("User-Agent", "-")),
            )
            self.logger.info("%s", write(asked))

    return Written


def _address(request: web.BaseRequest, proxy: ProxyConfig) -> str:
    # What cannot be read as a request at all has no headers that could be asked.
    return client_address(request, proxy) if request.headers else request.remote or ""


def _inert(text: str) -> str:
    """Return what a client chose as bounded text that ends no line and no field's quotes."""
    return inert(_TOKEN.sub("mfl_…", text[:_LONGEST])).encode("ascii", "backslashreplace").decode()
