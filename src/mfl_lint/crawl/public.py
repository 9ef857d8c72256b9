"""A look for somebody whom nobody knows: without credentials, at public addresses, bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Final

from mfl_lint.config import CredentialsConfig, HttpConfig, RegistryConfig, Scheme
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Rule
from mfl_lint.core.scan import Scan
from mfl_lint.crawl.scan import Asked, scan
from mfl_lint.registry.addresses import Reach, allows_host
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.route import HTTPS_PORT
from mfl_lint.registry.transport import Transport

TIMEOUT_S: Final = 60.0
_HTTP: Final = HttpConfig(timeout_s=10.0, connect_timeout_s=5.0, retries=1)


def is_public(reference: Reference) -> bool:
    """Say whether the registry may be asked, as far as its name tells: public, by https."""
    try:
        origin = Origin.parse("https", reference.registry)
    except ConfigInvalid:
        return False
    return origin.port == HTTPS_PORT and allows_host(Reach.PUBLIC, origin.host)


def public_client(reference: Reference, transport: Transport) -> RegistryClient:
    """Return a client without credentials that reaches public addresses only.

    Without a keychain it knows neither the configuration's credentials nor Docker's.
    """
    registry = RegistryConfig(
        name=reference.registry,
        host=reference.registry,
        scheme=Scheme.HTTPS,
        credentials=CredentialsConfig(anonymous=True),
    )
    return RegistryClient(registry, transport, reach=Reach.PUBLIC)


async def look_public(
    reference: Reference, *, rules: Sequence[Rule], now: Callable[[], datetime]
) -> Scan:
    """Return what the image is like by the rules alone; TimeoutError after a minute.

    Through no proxy, since that could reach what we must not; and nothing of the configuration's
    policy, which is not for everybody.
    """
    async with Transport(_HTTP) as transport:
        client = public_client(reference, transport)

        async def asked() -> AsyncIterator[Asked]:
            yield Asked(client, client.registry, (reference.with_default_tag(),))

        async with asyncio.timeout(TIMEOUT_S):
            return await scan(asked(), rules=rules, policy=Policy(), now=now)
