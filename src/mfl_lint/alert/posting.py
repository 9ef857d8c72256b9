"""HTTP to receivers of messages: bounded, without redirects, and what their answers mean."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import aiohttp
import yarl

from mfl_lint import USER_AGENT
from mfl_lint.core.errors import NotDelivered

_AGAIN: Final = frozenset({408, 425, 429})


class Poster:
    """Sends bodies over one session, which lives as long as the context."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Poster:
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=True,
            auto_decompress=False,
            headers={"User-Agent": USER_AGENT},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> None:
        """Send the body, and return when the receiver took it; raise NotDelivered."""
        if self._session is None:
            raise NotDelivered("nothing is sent any more", again=True)
        try:
            target = yarl.URL(url)
            if target.user is not None and "Authorization" in headers:
                raise NotDelivered("the address names a user, and a token is set too", again=False)
            async with self._session.post(
                target,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s),
            ) as answer:
                # The status says all; what becomes of the body changes nothing any more.
                status, asked = answer.status, answer.headers.get("Retry-After", "")
        except aiohttp.ClientSSLError as error:  # some of them are ValueErrors too
            raise NotDelivered(_why(error), again=True) from None
        except (aiohttp.InvalidURL, ValueError):
            raise NotDelivered("the receiver's address is no URL", again=False) from None
        except TimeoutError:
            raise NotDelivered(f"no answer within {timeout_s:g} s", again=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NotDelivered(_why(error), again=True) from None
        check_status(status, asked)


def agent_of(url: str) -> dict[str, str]:
    """Return the header that says who sends; `url` is where that service is, "" for unknown."""
    return {"User-Agent": f"{USER_AGENT} (+{url})" if url else USER_AGENT}


def _why(error: Exception) -> str:
    """Return why there is no answer, in words. What is asked for below the host may be a secret."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"could not find the host {error.host}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate of {error.host}:{error.port} is not trusted"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return f"{error.host}:{error.port} does not speak TLS as it should"
    if isinstance(error, aiohttp.ClientConnectorError):
        code = error.os_error.errno or 0
        reason = os.strerror(code).lower() if code > 0 else "no answer"
        return f"could not connect to {error.host}:{error.port}: {reason}"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError):
        return "the receiver closed the connection without an answer"
    return f"no answer: {type(error).__name__}"


def check_status(status: int, retry_after: str, now: float | None = None) -> None:
    """Raise NotDelivered unless the status says that the message was taken."""
    if 200 <= status < 300:
        return
    if status >= 500 or status in _AGAIN:
        after_s = _seconds(retry_after, time.time() if now is None else now)
        raise NotDelivered(f"the receiver answered {status}", again=True, after_s=after_s)
    why = ", and redirects are not followed" if 300 <= status < 400 else ""
    raise NotDelivered(f"the receiver answered {status}{why}", again=False)


def _seconds(text: str, now: float) -> float | None:
    """Return for how long a receiver asks for patience: seconds, or a date; None for neither."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, at.timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None
