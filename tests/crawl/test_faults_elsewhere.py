"""Registries that are not there, and those that send us where we must not go.

Where somebody should not be called an ear listens: no connection may come, so no byte does.
"""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest

from mfl_lint.config import CredentialsConfig, Scheme
from mfl_lint.core.observation import LookState
from mfl_lint.crawl.round import crawl_registry
from mfl_lint.registry.client import RegistryClient
from tests import faults
from tests.builders import describe, image, index
from tests.crawl.harm import AMD64, DAY_S, behind_tokens, unharmed, with_a_finding
from tests.crawl.world import World
from tests.ears import Connects, Ear, listening
from tests.fault_registry import AT_CATALOG, AT_TAGS, AT_TOKEN, Behaviour, FaultRegistry
from tests.servers import self_signed
from tests.token_server import TokenServer

SECRET: Final = "correct horse battery staple"
USER: Final = CredentialsConfig(username="reader", password_env="TEST_PASSWORD")


@pytest.fixture
async def ears() -> AsyncIterator[dict[str, Ear]]:
    """Return ears at another port of this machine and at another host."""
    async with listening("127.0.0.1") as port, listening("127.0.0.2") as host:
        yield {"port": port, "host": host}


def nobody_called(ears: dict[str, Ear], world: World, connects: Connects) -> None:
    """Show that nothing but the registry was spoken to, or tried to be."""
    assert [(0, b"")] * len(ears) == [(ear.calls, ear.heard) for ear in ears.values()]
    assert {world.registry.host} == {f"{host}:{port}" for host, port in connects.tried}
    asked = {host for host, traffic in world.transport.stats.hosts.items() if traffic.requests}
    assert {world.registry.host} == asked


async def tls(registry: FaultRegistry, folder: Path) -> str:
    """Serve by https from now on; return the file of the certificate that nobody trusts."""
    certificate, key = self_signed(folder)
    await registry.stop()
    registry._ssl_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    registry._ssl_context.load_cert_chain(certificate, key)
    await registry.start()
    return str(certificate)


@pytest.mark.parametrize("name", ["refused", "name not found", "certificate not trusted", "no TLS"])
async def test_a_registry_that_is_not_there_changes_nothing(
    world: World, tmp_path: Path, name: str
) -> None:
    await with_a_finding(world)
    before = world.config
    async with unharmed(world):
        if name == "refused":
            await world.registry.stop()
        elif name == "name not found":
            world.change(host="registry.invalid")
        else:
            world.change(scheme=Scheme.HTTPS)
        if name == "certificate not trusted":
            await tls(world.registry, tmp_path)
        await world.crawl(2 * DAY_S)
        assert LookState.UNREACHABLE is (await world.tag("app", "bad")).look
        assert "could not be listed" in await world.notice()
        (target,) = (await world.scan("app", "bad")).targets
        assert (LookState.UNREACHABLE, None) == (target.state, target.digest)
        world.config = before
        await world.registry.stop()
        world.registry._ssl_context = None
        await world.registry.start()


LINKS: Final[dict[str, Callable[[str, dict[str, Ear]], str]]] = {
    "another port": lambda path, ears: f"http://{ears['port'].address}{path}",
    "another host": lambda path, ears: f"http://{ears['host'].address}{path}",
    "another host without a scheme": lambda path, ears: f"//{ears['host'].address}{path}",
    "another scheme": lambda path, ears: f"https://{ears['port'].address}{path}",
    "a name of this machine": lambda path, ears: f"http://localhost:{ears['port'].port}{path}",
}
LISTINGS: Final = {
    "tags": (AT_TAGS, "/v2/app/tags/list?last=x", ["good"]),
    "repositories": (AT_CATALOG, "/v2/_catalog?last=x", ["app"]),
}


@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.parametrize("name", LINKS)
async def test_no_byte_of_a_listing_goes_off_the_registry(
    world: World, ears: dict[str, Ear], connects: Connects, name: str, listing: str
) -> None:
    match, path, names = LISTINGS[listing]
    await with_a_finding(world)
    async with unharmed(world):
        leads_off = faults.page(names, LINKS[name](path, ears), field=listing)
        fault = world.registry.fault(match, leads_off)
        progress = await world.crawl(2 * DAY_S)
        assert 1 == fault.met
        assert "leads off the registry" in progress.problem
        assert {"bad", "good"} == set(await world.tags("app"))
    nobody_called(ears, world, connects)


def pages_astray(field: str, path: str, names: list[str]) -> dict[str, Behaviour]:
    return {
        "to itself": faults.page_to_itself(names, field=field),
        "in a circle": faults.page(names, path, field=field),
        "ever growing, nothing new": faults.pages_without_end(field=field, new_names=False),
    }


@pytest.mark.parametrize("listing", LISTINGS)
@pytest.mark.parametrize("name", ["to itself", "in a circle", "ever growing, nothing new"])
async def test_pages_that_lead_astray_are_incomplete_and_remove_nothing(
    world: World, listing: str, name: str
) -> None:
    match, path, names = LISTINGS[listing]
    await with_a_finding(world)
    async with unharmed(world):
        fault = world.registry.fault(match, pages_astray(listing, path, names)[name])
        progress = await world.crawl(2 * DAY_S)
        assert 1 <= fault.met <= 11
        assert "its pages" in progress.problem
        states = await world.tags("app")
        assert {"bad", "good"} <= {n for n, x in states.items() if x.watched and not x.gone_at}


@pytest.mark.parametrize("listing", LISTINGS)
async def test_pages_that_grow_for_ever_are_left_at_their_bound(world: World, listing: str) -> None:
    match, _, _ = LISTINGS[listing]
    await with_a_finding(world)
    async with unharmed(world):
        fault = world.registry.fault(match, faults.pages_without_end(field=listing))
        source = RegistryClient(world.config, world.transport, max_pages=20)
        world.clock.seconds += 2 * DAY_S
        progress = await crawl_registry(dataclasses.replace(world.job(), source=source))
        assert 20 == fault.met
        assert "do not end; stopped after 20" in progress.problem
        assert {"bad", "good"} <= set(await world.tags("app"))


REALMS: Final[dict[str, Callable[[dict[str, Ear]], str]]] = {
    "metadata": lambda _: "http://169.254.169.254/latest/token",
    "metadata by https": lambda _: "https://169.254.169.254/latest/token",
    "metadata by IPv6": lambda _: "http://[fd00:ec2::254]/token",
    "metadata, mapped": lambda _: "http://[::ffff:169.254.169.254]/token",
    "metadata, in decimal": lambda _: "http://2852039166/token",
    "link-local": lambda _: "http://169.254.1.1/token",
    "private": lambda _: "http://10.0.0.1/token",
    "user info": lambda ears: f"http://user:secret@{ears['port'].address}/token",
    "user info before the registry": lambda ears: f"http://a@{ears['host'].address}/token",
    "another port": lambda ears: f"http://{ears['port'].address}/token",
    "another host": lambda ears: f"http://{ears['host'].address}/token",
    "another host by https": lambda ears: f"https://{ears['host'].address}/token",
    "a name of this machine": lambda ears: f"http://localhost:{ears['port'].port}/token",
    "in decimal": lambda ears: f"http://2130706433:{ears['port'].port}/token",
    "mapped": lambda ears: f"http://[::ffff:127.0.0.1]:{ears['port'].port}/token",
    "no http": lambda ears: f"ftp://{ears['port'].address}/token",
    "nonsense": lambda _: "http://[/token",
}


@pytest.mark.parametrize("name", REALMS)
async def test_no_credential_and_no_request_goes_to_a_token_server_that_may_not_have_it(
    world: World,
    ears: dict[str, Ear],
    connects: Connects,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    world.change(credentials=USER)
    await with_a_finding(world)
    async with unharmed(world):
        await behind_tokens(world, TokenServer(), REALMS[name](ears))
        progress = await world.crawl(2 * DAY_S)
        assert "" != progress.problem
        assert LookState.DENIED is (await world.tag("app", "bad")).look
        (target,) = (await world.scan("app", "bad")).targets
        assert LookState.DENIED is target.state
        assert SECRET not in progress.problem + target.detail
        assert not any("authorization" in one.headers for one in world.registry.requests)
        await behind_tokens(world, None)
    nobody_called(ears, world, connects)


async def test_a_token_server_that_sends_us_on_is_not_followed(
    world: World, ears: dict[str, Ear], connects: Connects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    world.change(credentials=USER)
    await with_a_finding(world)
    async with unharmed(world):
        await behind_tokens(world, TokenServer({"reader": SECRET}))
        for ear in ears.values():
            world.registry.heal()
            world.registry.fault(AT_TOKEN, faults.redirected(f"http://{ear.address}/token"))
            await world.crawl(2 * DAY_S)
            assert LookState.VERIFIED is not (await world.tag("app", "bad")).look
        await behind_tokens(world, None)
    nobody_called(ears, world, connects)


async def test_a_registry_by_https_gets_no_credential_over_http(
    world: World,
    ears: dict[str, Ear],
    connects: Connects,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("TEST_PASSWORD", SECRET)
    ca_file = await tls(world.registry, tmp_path)
    world.change(
        credentials=USER,
        scheme=Scheme.HTTPS,
        ca_file=ca_file,
        # Even a token server that may have any address must be spoken to by https.
        realm_hosts=tuple(ear.address for ear in ears.values()),
    )
    await with_a_finding(world)
    for ear in ears.values():
        async with unharmed(world):
            await behind_tokens(world, TokenServer(), f"http://{ear.address}/token")
            progress = await world.crawl(2 * DAY_S)
            assert "not https, and the registry is" in progress.problem
            assert LookState.DENIED is (await world.tag("app", "bad")).look
            await behind_tokens(world, None)
    nobody_called(ears, world, connects)


async def test_layers_with_urls_are_not_followed(
    world: World, ears: dict[str, Ear], connects: Connects
) -> None:
    urls = [f"http://{ear.address}/v2/x/blobs/sha256:{'0' * 64}" for ear in ears.values()]
    urls.append("http://169.254.169.254/latest")
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layers = [
        {**describe(kind, AMD64.layers[0]), "urls": urls}
        for kind in (foreign, "application/vnd.oci.image.layer.v1.tar+gzip")
    ]
    config = {**describe("application/vnd.oci.image.config.v1+json", AMD64.config), "urls": urls}
    windows = image("windows", "amd64", os_version="10.0.1", manifest={"layers": layers})
    linked = image("linux", "amd64", manifest={"layers": layers, "config": config})
    listed = index(linked, windows, annotate={0: {"urls": urls}, 1: {"urls": urls}})
    world.place("app", listed, "v1")
    await world.crawl()
    assert (await world.tag("app", "v1")).complete
    (target,) = (await world.scan("app", "v1")).targets
    assert LookState.VERIFIED is target.state
    nobody_called(ears, world, connects)
