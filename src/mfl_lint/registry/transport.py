"""Guarded HTTP: every byte to and from a registry goes through here.

    fetch      tries and backoff
    _follow    redirects, and who may see the credentials
    _exchange  a turn at the host, one request, one whole answer

Bounds: the total time of a request, the bytes of a body, the number of redirects and tries.
"""

from __future__ import annotations

import asyncio
import io
import ssl
import time
from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import Any, Final

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver

from mfl_lint.config import HttpConfig
from mfl_lint.core.errors import Unreachable
from mfl_lint.registry.addresses import Reach, allows_host
from mfl_lint.registry.allowance import Pulls
from mfl_lint.registry.answer import Answer, place, retry_after_s
from mfl_lint.registry.body import LARGE_AT_ONCE, read_body
from mfl_lint.registry.circuit import Circuits, Clock
from mfl_lint.registry.exchange import EXPECTED, BodyCut, Fleeting, Sessions, failure_of
from mfl_lint.registry.learned import Learned, Lessons, learned_of
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.peer import Peer
from mfl_lint.registry.politeness import SHORT_WAIT_S, Host, Limits, Sleep
from mfl_lint.registry.proxies import Proxies
from mfl_lint.registry.redirects import is_redirect, redirected
from mfl_lint.registry.route import Request, Route, Tls, trusting
from mfl_lint.registry.streaming import streaming_timeout
from mfl_lint.registry.traffic import Stats, outcome_of

_TRY_AGAIN: Final = frozenset({429, 500, 502, 503, 504})

NO_ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType({})


class Transport:
    """The one way out, of one event loop. `clock` is monotonic, `wall` seconds since the epoch.

    `environment` has proxies, `resolver` (None: the system) addresses; `circuits` may be shared.
    """

    def __init__(
        self,
        http: HttpConfig,
        *,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
        random: Random | None = None,
        environment: Mapping[str, str] = NO_ENVIRONMENT,
        resolver: AbstractResolver | None = None,
        circuits: Circuits | None = None,
    ) -> None:
        self.http = http
        self.clock = clock
        self.wall = wall
        self.stats = Stats()
        self._sleep = sleep
        self._random = random or Random()  # noqa: S311  # jitter, no secret
        self._sessions = Sessions(http, resolver)
        self._proxies = Proxies(environment)
        self._circuits = circuits or Circuits(http, clock)
        self._hosts: dict[tuple[str, int], Host] = {}
        self._peers: dict[Origin, Peer] = {}
        self._lessons = Lessons(clock)
        self._contexts: dict[str, ssl.SSLContext] = {}

    async def __aenter__(self) -> Transport:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._sessions.close()

    async def trust(self, ca_file: str) -> Tls:
        """Return what verifies with the usual authorities and those of a file, "" for none.

        Raise Unreachable if the file cannot be used.
        """
        if not ca_file:
            return True
        if ca_file not in self._contexts:
            try:
                self._contexts[ca_file] = await asyncio.to_thread(trusting, ca_file)
            except (OSError, ValueError):
                raise Unreachable(f"ca_file: {ca_file} holds no usable certificates") from None
        return self._contexts[ca_file]

    def host_of(self, route: Route) -> Host:
        """Return the manners that are kept with a route's own host."""
        return self._meet(route.origin, route.limits).host

    def learned(self) -> dict[str, Learned]:
        """Return by host what others who ask it should know."""
        return learned_of(self._peers.values())

    def teach(self, known: Mapping[str, Learned]) -> None:
        """Take over what others learned of hosts."""
        self._lessons.teach(known, self._peers.values())

    async def fetch(self, request: Request) -> Answer:
        """Return the answer, whatever its status, after at most `retries` more tries.

        Raise Unreachable, RateLimited (the host is deferred, or what it still allows is left
        to others) or BodyInvalid.
        """
        tried = 0
        while True:
            last = tried >= self.http.retries or tried + 1 == request.tries
            try:
                answer = await self._follow(request)
            except (Fleeting, BodyCut) as error:
                if last:
                    raise
                pause = (
                    0.0 if tried == 0 and getattr(error, "stale", False) else self._jitter(tried)
                )
            else:
                if answer.status not in _TRY_AGAIN:
                    return answer
                wait = self._pause_after(answer, tried)
                if last or wait is None:
                    return answer
                pause = wait
            tried += 1
            if pause:
                await self._sleep(pause)

    async def pause(self, tried: int) -> None:
        """Wait as long as before a try again after so many."""
        await self._sleep(self._jitter(tried))

    def _jitter(self, tried: int) -> float:
        """Return a full-jitter pause in seconds before the next try."""
        ceiling = min(self.http.backoff_max_s, self.http.backoff_s * 2.0**tried)
        return self._random.uniform(0.0, ceiling)

    def _pause_after(self, answer: Answer, tried: int) -> float | None:
        """Return the pause after a refusal for now, None where trying again is no use.

        The host is deferred for as long as it asks; a short deferral is waited for in `enter`.
        """
        asked = retry_after_s(answer.headers, self.wall)
        host = self._meet(Origin.of(answer.url), Limits()).host
        if asked is not None and asked > SHORT_WAIT_S:
            host.defer(asked)
            return None
        pause = self._jitter(tried) if asked is None else asked
        if answer.status != 429:
            return pause
        host.defer(min(pause, SHORT_WAIT_S))
        return 0.0

    async def _follow(self, request: Request) -> Answer:
        """Return the answer at the end of all redirects."""
        url, first = request.url, request.origin or request.route.origin
        origin = first
        for _ in range(request.redirects + 1):
            authorization = request.authorization if origin == first else ""
            answer = await self._exchange(request, url, origin, authorization)
            if not is_redirect(answer):
                return answer
            url = redirected(answer, origin)
            origin = Origin.of(url)
        raise Unreachable(
            f"{request.method} {place(request.url)}: redirected more than {request.redirects} times"
        )

    async def _exchange(
        self, request: Request, url: yarl.URL, origin: Origin, authorization: str
    ) -> Answer:
        """Return the answer of one request, after a turn at its host."""
        peer = self._peers.get(origin) or self._meet(origin, request.route.limits)
        options = self._options(request, url, origin, peer.proxy)
        if authorization:
            options["headers"]["Authorization"] = authorization
        session = self._sessions.get(options.pop("reach"))
        purse = await peer.enter(request, origin)
        began = peer.pulls.falls
        connected: bool | None = None
        outcome = "failed"
        received = 0
        try:
            answer = await _send(session, request, url, options, peer.large)
            connected, outcome, received = True, outcome_of(answer.status), len(answer.body)
            peer.hear(answer, request.route.account, began, purse)
            return answer
        except EXPECTED as error:
            failure = failure_of(error, request.method, url, self.http.timeout_s)
            connected = getattr(failure, "connected", True)
            raise failure from None
        finally:
            peer.host.leave(connected)
            peer.traffic.count(request.method, outcome, received or request.streamed_bytes)
            if purse is not None:
                purse.end(spent=outcome == "failed")

    def _options(
        self, request: Request, url: yarl.URL, origin: Origin, proxy: yarl.URL | None
    ) -> dict[str, Any]:
        """Return what a request needs beside its URL, and its reach."""
        route = request.route
        headers = {"Accept": request.accept, **request.headers}
        options: dict[str, Any] = {"headers": headers, "allow_redirects": False}
        if origin == route.origin:
            options["reach"], options["ssl"] = route.reach, route.tls
        else:
            options["reach"] = self._foreign_reach(request, url, origin)
            options["ssl"] = route.foreign_tls
        if proxy is not None:
            # The socket leads to the proxy, which the administrator chose.
            options["reach"], options["proxy"] = Reach.ANY, proxy
        if request.stream is not None:
            options["timeout"] = request.stream.timeout
        if request.form is not None:
            options["data"] = dict(request.form)
        elif request.body is not None:
            options["data"] = io.BytesIO(request.body) if request.body else b""
            options["timeout"] = streaming_timeout(self.http)
        return options

    def _foreign_reach(self, request: Request, url: yarl.URL, origin: Origin) -> Reach:
        """Return how far a request that leaves the registry may go; Unreachable if nowhere."""
        reach = request.route.reach_of(origin, strict=request.strict)
        if not allows_host(reach, origin.host) or not request.route.allows_port(origin.port):
            raise Unreachable(
                f"{request.method} {place(url)}: not asked, because the registry's answer leads"
                " into a private network; if it is yours, name it in realm_hosts"
            )
        return reach

    def _meet(self, origin: Origin, limits: Limits) -> Peer:
        """Return what is kept of a host; the first limits given hold for all who ask it."""
        if (met := self._peers.get(origin)) is not None:
            return met
        host, name = self._hosts.get((origin.host, origin.port)), origin.netloc
        if host is None:
            host = Host(name, limits, self._circuits.of(name), self.clock, self._sleep)
            self._hosts[origin.host, origin.port] = host
        pulls, traffic = Pulls(name, self.clock), self.stats.of(name)
        large = asyncio.Semaphore(LARGE_AT_ONCE)
        self._peers[origin] = peer = Peer(host, pulls, traffic, self._proxies.choose(origin), large)
        self._lessons.teach_new(peer)
        return peer


async def _send(
    session: aiohttp.ClientSession,
    request: Request,
    url: yarl.URL,
    options: dict[str, Any],
    large: asyncio.Semaphore,
) -> Answer:
    """Return the whole answer of one request on the wire; raise what aiohttp raises."""
    response = await session.request(request.method, url, **options)
    try:
        if request.stream is not None and response.status in (200, 206):
            body = await request.stream.read(response)
        else:
            body = await read_body(response, request.limit, large)
    except BaseException:
        response.close()
        raise
    response.release()
    headers = response.headers
    # Only a length or chunks prove where a body ends.
    framed = (
        "Content-Length" in headers or "Transfer-Encoding" in headers or request.method == "HEAD"
    )
    return Answer(request.method, url, response.status, headers, body, framed)
