"""One request and its answer on the wire: sessions, and failures named."""

from __future__ import annotations

import errno
import socket
from typing import Final

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver

from mfl_lint import USER_AGENT
from mfl_lint.config import HttpConfig
from mfl_lint.core.errors import BodyInvalid, RegistryError, Unreachable
from mfl_lint.registry.addresses import REFUSED, Reach, guarded_socket
from mfl_lint.registry.answer import place, plain

_MAX_HEADER_BYTES: Final = 64 * 1024
_NO_SUCH_NAME: Final = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))


class Fleeting(Unreachable):
    """A failure to connect or to be answered that may be over at the next try.

    `sent`: what was asked may have arrived.
    """

    def __init__(
        self, message: str, *, connected: bool = False, stale: bool = False, sent: bool = False
    ) -> None:
        super().__init__(message)
        self.connected = connected
        self.sent = sent
        self.stale = stale


class BodyCut(BodyInvalid):
    """An answer that ended before its announced end."""


class Sessions:
    """One session for each reach, made when it is first needed; of one event loop.

    They keep no cookies, follow no redirect, inflate nothing and read no environment. How
    many connections there are is left to the hosts' slots, so that a dead host takes none
    of another's.
    """

    def __init__(self, http: HttpConfig, resolver: AbstractResolver | None = None) -> None:
        self._resolver = resolver
        self._timeout = aiohttp.ClientTimeout(
            total=http.timeout_s, sock_connect=http.connect_timeout_s
        )
        self._made: dict[Reach, aiohttp.ClientSession] = {}

    def get(self, reach: Reach) -> aiohttp.ClientSession:
        """Return the session whose connections stay within the reach."""
        return self._made.get(reach) or self._make(reach)

    def _make(self, reach: Reach) -> aiohttp.ClientSession:
        factory = None if reach is Reach.ANY else guarded_socket(reach)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, socket_factory=factory, resolver=self._resolver
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=self._timeout,
            auto_decompress=False,
            max_field_size=_MAX_HEADER_BYTES,
        )
        session._retry_connection = False  # noqa: SLF001  # else it doubles our tries in silence
        self._made[reach] = session
        return session

    async def close(self) -> None:
        """Close all connections."""
        for session in self._made.values():
            await session.close()
        self._made.clear()


def failure_of(error: Exception, method: str, url: yarl.URL, timeout_s: float) -> RegistryError:
    """Return the error that says, in one line without secrets, why there is no whole answer."""
    where = f"{method} {place(url)}"
    match error:
        case aiohttp.ClientConnectorCertificateError():
            reason = getattr(error.certificate_error, "verify_message", "") or "not trusted"
            return Unreachable(f"{where}: the certificate is not valid: {plain(reason)}")
        case aiohttp.ClientConnectorDNSError():
            cause = error.os_error
            unknown = isinstance(cause, socket.gaierror) and cause.errno in _NO_SUCH_NAME
            kind = Unreachable if unknown else Fleeting
            return kind(f"{where}: the host's name was not found")
        case aiohttp.ClientSSLError():
            return Unreachable(f"{where}: no TLS could be agreed on")
        case TimeoutError():
            sent = not isinstance(error, aiohttp.ConnectionTimeoutError)
            return Fleeting(f"{where}: no whole answer within {timeout_s:g} s", sent=sent)
        case aiohttp.ClientConnectorError():
            return _connecting(error, where)
        case aiohttp.ClientPayloadError():
            return BodyCut(f"{where}: the answer was cut off")
        case aiohttp.ClientResponseError():
            return Fleeting(f"{where}: {_nonsense(error)}", connected=True, sent=True)
        case aiohttp.InvalidURL() | ValueError():
            return Unreachable(f"{where}: cannot be asked for")
    closed = f"{where}: the connection was closed without an answer"
    return Fleeting(closed, stale=True, sent=True)


def _nonsense(error: aiohttp.ClientResponseError) -> str:
    """Return what kind of answer it is that aiohttp gave up on."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    return "the answer is not HTTP"


def _connecting(error: aiohttp.ClientConnectorError, where: str) -> RegistryError:
    """Return why no connection was made."""
    cause = error.os_error
    if cause.errno == errno.EACCES and REFUSED in str(cause):
        return Unreachable(f"{where}: {REFUSED}; if it is yours, name it in realm_hosts")
    if cause.errno == errno.ECONNREFUSED:
        return Fleeting(f"{where}: connection refused")
    return Fleeting(f"{where}: cannot connect: {plain(cause.strerror or 'no reason given')}")


EXPECTED: Final = (aiohttp.ClientError, OSError, ValueError)
