"""A look for a stranger reaches public addresses only, and shows no credentials."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from mfl_lint.config import HttpConfig, Scheme
from mfl_lint.core.errors import ConfigInvalid, Denied, RegistryError, Unreachable
from mfl_lint.core.observation import LookState
from mfl_lint.core.reference import Reference
from mfl_lint.crawl.public import is_public, look_public, public_client
from mfl_lint.registry.addresses import Reach
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.route import Route
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover
from tests.builders import image, index, place
from tests.fault_registry import AT_INDEX, FaultRegistry
from tests.faults import status
from tests.public_hosts import REBOUND, SPELLED

QUICK = HttpConfig(timeout_s=5.0, connect_timeout_s=2.0, retries=0)


class Ears:
    """Listens on every loopback address, and counts who connects."""

    def __init__(self) -> None:
        self.heard = 0
        self.port = 0
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Ears:
        families = [(socket.AF_INET, "0.0.0.0")]
        if socket.has_ipv6:
            families.append((socket.AF_INET6, "::1"))
        for family, host in families:
            server = await asyncio.start_server(self._hear, host, self.port, family=family)
            self.port = server.sockets[0].getsockname()[1]
            await self._stack.enter_async_context(server)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _hear(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += 1
        writer.close()


class Rebinding(AbstractResolver):
    """Names whatever private address comes next, whoever was named before."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = list(addresses)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self._addresses[self.asked % len(self._addresses)]
        self.asked += 1
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)
        ]

    async def close(self) -> None:
        """Hold nothing."""


@pytest.fixture
async def ears() -> AsyncIterator[Ears]:
    """Return what hears every connection to this machine at one port."""
    async with Ears() as ears:
        yield ears


async def test_no_spelling_of_an_address_of_ours_is_connected_to(ears: Ears) -> None:
    async with Transport(QUICK) as transport:
        for host in SPELLED:
            at_port = Reference(f"{host}:{ears.port}", "team/app", "v1")
            assert not is_public(at_port), host
            assert not is_public(Reference(host, "team/app", "v1")), host
            with pytest.raises((RegistryError, ConfigInvalid)):
                await public_client(at_port, transport).head("team/app", "v1")
        print(f"{len(SPELLED)} spellings, {ears.heard} connections")
        assert len(SPELLED) >= 40
        assert 0 == ears.heard
        # The ears do hear: an administrator's registry may be here.
        settings = public_client(Reference(f"127.0.0.1:{ears.port}", "x"), transport).registry
        with pytest.raises(RegistryError):
            await RegistryClient(settings, transport).head("team/app", "v1")
        assert 1 == ears.heard


async def test_a_name_that_is_led_here_after_it_was_checked_is_not_connected_to(
    ears: Ears,
) -> None:
    addresses = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1")
    resolver = Rebinding(addresses)
    async with Transport(QUICK, resolver=resolver) as transport:
        for name in REBOUND:
            # Names that were resolved are remembered for a moment.
            for number in range(len(addresses)):
                assert is_public(Reference(f"{number}.{name}", "team/app", "v1"))
                asked = Reference(f"{number}.{name}:{ears.port}", "team/app", "v1")
                with pytest.raises(Unreachable, match="not one that this request may reach"):
                    await public_client(asked, transport).head("team/app", "v1")
    print(f"{resolver.asked} answers of the resolver, {ears.heard} connections")
    assert resolver.asked == len(addresses) * len(REBOUND)
    assert 0 == ears.heard


async def test_a_look_at_what_is_here_says_unreachable(ears: Ears) -> None:
    reference = Reference(f"127.0.0.1:{ears.port}", "team/app", "v1")
    found = await look_public(reference, rules=discover(), now=lambda: datetime.now(UTC))
    assert [LookState.UNREACHABLE] == [one.state for one in found.targets]
    assert 0 == ears.heard


@pytest.mark.parametrize(
    ("registry", "public"),
    [
        ("docker.io", True),
        ("ghcr.io", True),
        ("registry.example:443", True),
        ("8.8.8.8", True),
        ("registry.example:8443", False),
        ("registry.example:80", False),
        ("registry.example:22", False),
        ("registry.example:0", False),
        ("registry.example:99999", False),
        ("user@registry.example", False),
        ("", False),
    ],
)
def test_only_https_at_its_own_port_is_public(registry: str, public: bool) -> None:
    assert public is is_public(Reference(registry, "team/app", "v1"))


def test_a_public_route_leads_to_no_other_port() -> None:
    public = Route(Origin("https", "registry.example", 443), reach=Reach.PUBLIC)
    assert [True, False] == [public.allows_port(port) for port in (443, 22)]
    assert Route(Origin("https", "registry.example", 443)).allows_port(8443)
    assert Reach.PUBLIC is public.reach_of(Origin("https", "registry.example", 22), strict=False)


def stranger(registry: FaultRegistry, transport: Transport) -> RegistryClient:
    """Return a stranger's client, but for the reach, of a registry that is here."""
    settings = public_client(Reference(registry.host, "team/app"), transport).registry
    return RegistryClient(msgspec.structs.replace(settings, scheme=Scheme.HTTP), transport)


async def test_a_stranger_shows_nobodys_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FaultRegistry() as registry, Transport(QUICK) as transport:
        place(registry.demo, "team/app", index(image()), "v1")
        secret = base64.b64encode(b"me:secret").decode()
        docker = {"auths": {registry.host: {"auth": secret}}}
        (tmp_path / "config.json").write_text(json.dumps(docker))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        challenge = {"WWW-Authenticate": 'Basic realm="registry"'}
        registry.fault(AT_INDEX, status(401, headers=challenge))
        with pytest.raises(Denied):
            await stranger(registry, transport).document("team/app", "v1")
        assert [] == [one for one in registry.requests if "authorization" in one.headers]
        assert registry.requests
