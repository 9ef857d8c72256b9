"""A registry as a source of images: the distribution API, read only.

Source: OCI distribution-spec 1.1; Docker Registry HTTP API V2.
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
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import (
    BodyInvalid,
    DigestMismatch,
    NotFound,
    RegistryError,
    Unreachable,
)
from mfl_lint.core.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MAX_DOCUMENT_BYTES,
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA1,
    SCHEMA1_SIGNED,
    Descriptor,
    Document,
)
from mfl_lint.core.parse import parse_document
from mfl_lint.core.reference import is_repository, is_tag
from mfl_lint.registry.addressed import blob_path, etag, path_of
from mfl_lint.registry.addresses import Reach
from mfl_lint.registry.answer import Answer, content_length, error_of, place
from mfl_lint.registry.auth import Authorizer
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.origin import Origin, is_docker_hub
from mfl_lint.registry.pages import MAX_LISTING_BYTES, MAX_PAGES, Field, Pages
from mfl_lint.registry.politeness import Flights
from mfl_lint.registry.route import Request
from mfl_lint.registry.routing import Routing
from mfl_lint.registry.source import Head, Listing
from mfl_lint.registry.streaming import BodyStream, Intake, Take
from mfl_lint.registry.transport import Transport
from mfl_lint.registry.verified import claimed_digest, verified_digest

ACCEPT: Final = ", ".join(
    (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST, SCHEMA1_SIGNED, SCHEMA1)
)
_JSON: Final = "application/json"
_PULL: Final = "repository:{}:pull"
WRITING: Final = "repository:{}:pull,push"
_CATALOGUE_SCOPE: Final = "registry:catalog:*"
_PAGE: Final = 1000
_NO_CATALOGUE: Final = (
    "docker.io has no catalogue: name its repositories, in the configuration or one a line in a "
    "file for `mfl-lint scan -f`"
)
_NO_HEAD: Final = frozenset({404, 405, 501})
_ANY_SIZE: Final = 2**63
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class RegistryClient:
    """One configured registry, over a transport that it shares with others (and never closes).

    Without a keychain neither the environment nor Docker's files are asked for anything. Names
    and digests are checked before a URL is built from them: ReferenceInvalid. `reach`: where the
    registry itself may be. `hurried`: others that wait for the host are asked later.
    """

    def __init__(
        self,
        registry: RegistryConfig,
        transport: Transport,
        *,
        keychain: Keychain | None = None,
        max_pages: int = MAX_PAGES,
        reach: Reach = Reach.ANY,
        hurried: bool = False,
    ) -> None:
        self.registry = registry
        self._transport = transport
        self._keychain = keychain or Keychain()
        self._auth = Authorizer(registry, transport, self._keychain)
        self._flights = Flights()
        self._routing = Routing(registry, transport, self._keychain, reach, hurried=hurried)
        self._max_pages = max_pages
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

    async def head(self, repository: str, target: str) -> Head:
        """Return what the tag or digest is; a 404 is repeated as GET, which has a body."""
        path = path_of(repository, "manifests", target)
        scope = self._scope(repository)
        answer = await self._join("HEAD", path, scope, ACCEPT, MAX_DOCUMENT_BYTES)
        if answer.status in _NO_HEAD:
            document = await self.document(repository, target)
            return Head(document.digest, document.served_type, document.size_bytes)
        self._demand(answer)
        return Head(
            claimed_digest(answer),
            answer.served_type,
            content_length(answer.headers.getall("Content-Length", [])),
            etag(answer),
        )

    async def document(self, repository: str, target: str, media_type: str = "") -> Document:
        """Return the document; by tag its own hash is its digest, whatever the headers say."""
        path = path_of(repository, "manifests", target)
        scope = self._scope(repository)
        answer, digest = await self._verified(path, scope, ACCEPT, target, MAX_DOCUMENT_BYTES)
        if digest is None:
            return await self._confirmed(repository, answer)
        return parse_document(answer.body, answer.served_type, digest)

    async def blob(self, repository: str, digest: Digest, limit: int) -> bytes:
        """Return the verified bytes of a small blob, wherever the registry keeps it."""
        path, scope = blob_path(repository, digest), self._scope(repository)
        answer, _ = await self._verified(path, scope, "*/*", digest, limit)
        return answer.body

    async def stream(self, repository: str, digest: Digest, take: Take, limit: int) -> None:
        """Hand a large blob to `take`, wherever the registry keeps it, and verify it."""
        await self.pour(repository, digest, Intake(digest, take, limit))

    async def pour(self, repository: str, digest: Digest, intake: Intake) -> None:
        """Hand a large blob to an intake, or the rest of it where it was cut off before."""
        path, scope = blob_path(repository, digest), self._scope(repository)
        begins = intake.received
        headers = {"Range": f"bytes={begins}-"} if begins else {}
        stream = BodyStream(intake, self._transport.http)
        answer = await self._ask("GET", path, scope, "*/*", 0, stream, headers)
        if not (begins and answer.status == 206):
            self._demand(answer)
        intake.verify(f"GET {place(answer.url)}", framed=answer.framed)

    async def check_blob(self, repository: str, digest: Digest) -> None:
        """Raise NotFound where the blob is not there; a 404 is repeated as GET: it has a body."""
        path, scope = blob_path(repository, digest), self._scope(repository)
        answer = await self._join("HEAD", path, scope, "*/*", 0)
        if answer.status in _NO_HEAD:
            await self.stream(repository, digest, _nothing, _ANY_SIZE)
        else:
            self._demand(answer)

    async def tags(self, repository: str) -> Listing:
        """Return the repository's tags; NotFound where the registry says it is not there."""
        path = path_of(repository, "tags", "list")
        return await self._listing(path, "tags", self._scope(repository))

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...]:
        """Return what refers to a digest; nothing where the registry has no such question.

        There the tag `sha256-<hex>` may list them.
        """
        path, scope = path_of(repository, "referrers", digest), _PULL.format(repository)
        answer = await self._join("GET", path, scope, OCI_INDEX, MAX_DOCUMENT_BYTES)
        if answer.status in _NO_HEAD:
            return ()
        return parse_document(self._demand(answer).body, OCI_INDEX).entries

    async def repositories(self) -> Listing:
        """Return the catalogue; where a registry has none, a listing that says so."""
        if is_docker_hub(self.registry.host):
            return Listing((), _NO_CATALOGUE)
        try:
            return await self._listing("/v2/_catalog", "repositories", _CATALOGUE_SCOPE)
        except NotFound as error:
            raise Unreachable(f"{error}; no catalogue: name the repositories") from None

    @asynccontextmanager
    async def lent(self, slots: int, least: int) -> AsyncIterator[int]:
        """Ask fewer things at once while the context lasts, `least` at least; yield how many fewer.

        Another process asks those.
        """
        async with self._transport.host_of(await self._routing.find()).lent(slots, least) as fewer:
            yield fewer

    async def close(self) -> None:
        """Do nothing: connections are the transport's."""

    async def _listing(self, path: str, field: Field, scope: str) -> Listing:
        async def fetch(url: yarl.URL) -> Answer:
            answer = await self._join("GET", url.raw_path_qs, scope, _JSON, MAX_LISTING_BYTES)
            return self._demand(answer)

        route = await self._routing.find()
        fits = is_tag if field == "tags" else is_repository
        pages = Pages(fetch, field, fits, self._max_pages)
        return await pages.read(route.origin.url(f"{path}?n={_PAGE}"))

    async def _verified(
        self, path: str, scope: str, accept: str, target: str, limit: int
    ) -> tuple[Answer, Digest | None]:
        """Return an answer and the digest that its bytes were verified against.

        Wrong bytes are asked for a second time, by a request of its own.
        """
        answer = self._demand(await self._join("GET", path, scope, accept, limit))
        try:
            return answer, verified_digest(answer, target)
        except DigestMismatch:
            answer = self._demand(await self._ask("GET", path, scope, accept, limit))
            return answer, verified_digest(answer, target)

    async def _confirmed(self, repository: str, answer: Answer) -> Document:
        """Return the document of an answer that nothing proves to be whole.

        The registry must know the bytes by their digest, else they were cut.
        """
        try:
            return await self.document(repository, digest_of(answer.body))
        except (NotFound, DigestMismatch):
            raise BodyInvalid(f"GET {place(answer.url)}: the answer was cut off") from None

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
            return await self._transport.fetch(replace(request, origin=origin))
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
        answer = await self._transport.fetch(request)
        if answer.status == 401 and Origin.of(answer.url) == route.origin:
            header = await self._auth.renew(answer, scope, header, route)
            answer = await self._transport.fetch(replace(request, authorization=header))
        return answer

    def _demand(self, answer: Answer) -> Answer:
        """Return the answer; raise the error that its status stands for."""
        if answer.status == 200:
            return answer
        raise self.refusal(answer)


async def _nothing(_: bytes) -> bool:
    """Want no more of a blob: that it is there is all."""
    return False
