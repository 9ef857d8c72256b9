"""One registry as it is asked: where it is, as whom, and what its answers stand for.

What is asked stands in `client.py` (reading), `push.py` and `uploads.py` (writing).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import Final

import yarl
from msgspec.structs import replace

from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import RegistryError, Unanswered
from mfl_lint.core.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1,
    SCHEMA1_SIGNED,
)
from mfl_lint.registry.addresses import Reach
from mfl_lint.registry.answer import Answer, error_of
from mfl_lint.registry.auth import Authorizer
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.exchange import BodyCut, Fleeting
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.politeness import Flights
from mfl_lint.registry.route import Request
from mfl_lint.registry.routing import Routing
from mfl_lint.registry.streaming import BodyStream
from mfl_lint.registry.transport import Transport

ACCEPT: Final = ", ".join(
    (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST, SCHEMA1_SIGNED, SCHEMA1)
)
_PULL: Final = "repository:{}:pull"
WRITING: Final = "repository:{}:pull,push"
_READING: Final = frozenset({"GET", "HEAD"})
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Wire:
    """The way to one configured registry, over a transport shared with others (never closed).

    Without a keychain neither the environment nor Docker's files are asked for anything. `reach`:
    where the registry itself may be. `hurried`: others that wait for the host are asked later.
    """

    def __init__(
        self,
        registry: RegistryConfig,
        transport: Transport,
        *,
        keychain: Keychain | None = None,
        reach: Reach = Reach.ANY,
        hurried: bool = False,
    ) -> None:
        self.registry = registry
        self._transport = transport
        self._keychain = keychain or Keychain()
        self._auth = Authorizer(registry, transport, self._keychain)
        self._flights = Flights()
        self._routing = Routing(registry, transport, self._keychain, reach, hurried=hurried)
        self._written: frozenset[str] = frozenset()

    def write_to(self, repository: str) -> None:
        """Ask for the right to write to a repository too, whatever is asked of it from now on.

        Some registries let nobody read a repository that is not there yet, but its maker.
        """
        self._written |= {repository}

    def _scope(self, repository: str) -> str:
        return (
            WRITING.format(repository) if repository in self._written else _PULL.format(repository)
        )

    @asynccontextmanager
    async def lent(self, slots: int, least: int) -> AsyncIterator[int]:
        """Ask fewer things at once while the context lasts, `least` at least; yield how many fewer.

        Another process asks those.
        """
        async with self._transport.host_of(await self._routing.find()).lent(slots, least) as fewer:
            yield fewer

    async def close(self) -> None:
        """Do nothing: connections are the transport's."""

    async def _join(self, method: str, path: str, scope: str, accept: str, limit: int) -> Answer:
        """Return the answer of `_ask`, or of the same question that is being asked already."""
        ask = partial(self._ask, method, path, scope, accept, limit)
        return await self._flights.join((method, path, limit), ask)

    async def _ask(
        self,
        method: str,
        path: str,
        scope: str,
        accept: str,
        limit: int,
        stream: BodyStream | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Answer:
        """Return the answer to a request that only reads."""
        route = self._routing.known or await self._routing.find()
        url = route.origin.url(path)
        # Only manifests are asked for so, and only their GETs are counted as pulls.
        pull = method == "GET" and accept == ACCEPT
        request = Request(
            method, url, route, accept, limit=limit, pull=pull, stream=stream, headers=headers
        )
        return await self._authorised(request, scope)

    async def send(
        self,
        method: str,
        where: str | yarl.URL,
        scope: str,
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes | None = None,
        tries: int | None = None,
    ) -> Answer:
        """Return the answer to a request that may change something, whatever its status.

        `where` is a path, or a URL that the registry gave: on another host than its own no
        credentials go along, and the host may be only where redirects may lead.
        """
        route = self._routing.known or await self._routing.find()
        url = route.origin.url(where) if isinstance(where, str) else where
        request = Request(method, url, route, redirects=0, tries=tries, headers=headers, body=body)
        if (origin := Origin.of(url)) != route.origin:
            return await self._fetch(replace(request, origin=origin))
        return await self._authorised(request, scope)

    def refusal(self, answer: Answer) -> RegistryError:
        """Return the error that an answer stands for, without secrets."""
        return error_of(answer, self._transport.wall, self._auth.secrets())

    @property
    def retries(self) -> int:
        """Return how often what failed is tried again."""
        return self._transport.http.retries

    async def pause(self, tried: int) -> None:
        """Wait as long as before a try again after so many."""
        await self._transport.pause(tried)

    async def _authorised(self, request: Request, scope: str) -> Answer:
        """Return the answer, authorised; a token that is refused is fetched anew, once."""
        route = request.route
        header = self._auth.ready(scope)
        if header is None:
            header = await self._auth.prepare(scope, route)
        request = replace(request, authorization=header)
        answer = await self._fetch(request)
        if answer.status == 401 and Origin.of(answer.url) == route.origin:
            header = await self._auth.renew(answer, scope, header, route)
            answer = await self._fetch(replace(request, authorization=header))
        return answer

    async def _fetch(self, request: Request) -> Answer:
        """Return the answer; Unanswered where a request that changes something may have arrived."""
        try:
            return await self._transport.fetch(request)
        except (Fleeting, BodyCut) as error:
            arrived = isinstance(error, BodyCut) or error.sent
            if request.method in _READING or not arrived:
                raise
            raise Unanswered(str(error)) from None

    def _demand(self, answer: Answer) -> Answer:
        """Return the answer; raise the error that its status stands for."""
        if answer.status == 200:
            return answer
        raise self.refusal(answer)
