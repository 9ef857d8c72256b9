"""What to ask a registry for, and how it is reached."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

import msgspec
import yarl

from mfl_lint.core.manifest import MAX_DOCUMENT_BYTES
from mfl_lint.registry.addresses import Reach
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.politeness import Limits
from mfl_lint.registry.streaming import BodyStream

HTTPS_PORT: Final = 443
MAX_REDIRECTS: Final = 5

Tls = ssl.SSLContext | bool


def trusting(ca_file: str) -> ssl.SSLContext:
    """Return a context that trusts the usual authorities and the file's; blocks on the disk."""
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


class Route(msgspec.Struct, frozen=True):
    """How one registry is reached, and what its answers may lead to.

    `tls` is for its own origin, `foreign_tls` for all others: False there is never. Its own
    host may have any address within `reach`; hosts (`host` or `host:port`) among the `friends`
    any, others only those in `foreign_reach`. A public `reach` asks others at port 443 only.
    `account` is the registry's configured name: whose requests they are. `hurried`: they go before
    others that wait for the host.
    """

    origin: Origin
    limits: Limits = Limits()
    tls: Tls = True
    foreign_tls: Tls = True
    reach: Reach = Reach.ANY
    foreign_reach: Reach = Reach.PUBLIC
    friends: frozenset[str] = frozenset()
    account: str = ""
    hurried: bool = False

    def allows_port(self, port: int) -> bool:
        """Say whether another host may be asked at a port."""
        return self.reach is not Reach.PUBLIC or port == HTTPS_PORT

    def reach_of(self, origin: Origin, *, strict: bool) -> Reach:
        """Return how far a request to the origin may go; strictly, another port is foreign."""
        own = self.origin.host == origin.host and not (strict and self.origin.port != origin.port)
        if own:
            return self.reach
        if {origin.host, f"{origin.host}:{origin.port}"} & self.friends:
            return Reach.ANY
        return Reach.PUBLIC if strict else self.foreign_reach


class Request(msgspec.Struct, frozen=True, gc=False):
    """One thing to ask for. `origin` is the URL's, None for the route's own; `authorization`
    goes there only.

    `limit` is the largest body in bytes; `tries` bounds the tries where the settings allow
    more. `form` makes it a POST's. With `strict` only public addresses are asked beside the
    route's own host and port, and its friends. A `pull` may count against an allowance. A
    `stream` takes the body of a good answer instead of it being held. `headers` go along with
    every request, redirected ones too; `body` is what is sent, None for nothing.
    """

    method: str
    url: yarl.URL
    route: Route
    accept: str = "*/*"
    authorization: str = ""
    limit: int = MAX_DOCUMENT_BYTES
    redirects: int = MAX_REDIRECTS
    tries: int | None = None
    form: Mapping[str, str] | None = None
    strict: bool = False
    origin: Origin | None = None
    pull: bool = False
    stream: BodyStream | None = None
    headers: Mapping[str, str] = {}
    body: bytes | None = None

    @property
    def streamed_bytes(self) -> int:
        """Return how many bytes of the body were handed on."""
        return self.stream.intake.received if self.stream is not None else 0
