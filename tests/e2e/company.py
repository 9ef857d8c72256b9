"""A small company: its docker-registry, what it pushes there, and the service that watches it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import aiohttp
from playwright.async_api import Page

from tests.builders import DOCKER, Built, attestation, image, index
from tests.e2e.commands import Done, MflLint, Started, run
from tests.servers import DockerRegistry, free_port, push

PASSWORD: Final = "correct horse battery"

# What is pushed: repositories with their tags, each with platforms; and what is wrong with some.
_USUAL: Final = ("amd64", "arm64", "arm/v7")
_GOOD: Final[Mapping[str, tuple[str, ...]]] = {
    "shop/checkout": ("3.7", "3.8", "latest"),
    "shop/cart": ("1.0", "1.1", "latest"),
    "shop/search": ("latest",),
    "platform/gateway": ("2.0", "2.1", "latest"),
    "platform/ingress": ("5.0", "latest"),
    "platform/metrics": ("0.9", "latest"),
    "data/etl": ("2026.10", "2026.11", "latest"),
    "data/warehouse": ("latest",),
}
_SETTINGS: Final = """
[serve]
port = {port}
[serve.form]
enabled = true
[http]
retries = 0
connect_timeout = "2s"
[policy]
settle = "0s"
[[policy.require]]
platforms = ["linux/amd64", "linux/arm64"]
repositories = ["shop/*", "platform/*"]
[[policy.ignore]]
rule = "MFL104"
repository = "fleet/*"
reason = "the appliance only ever runs v7"
[[registry]]
name = "company"
host = "{host}"
{more}
[[registry]]
name = "mirror"
host = "127.0.0.1:{closed}"
interval = "6h"
visible_to = ["everyone"]
"""


def release(name: str, *platforms: str, attested: bool = False) -> Built:
    """Return a list as a build of all platforms pushes it."""
    made = [image("linux", *one.split("/"), flavour=DOCKER, name=name) for one in platforms]
    if attested:
        return index(*made, *(attestation(one, flavour=DOCKER) for one in made), flavour=DOCKER)
    return index(*made, flavour=DOCKER)


def mislabelled(name: str) -> Built:
    """Return a list whose second entry says s390x and is arm64."""
    amd64, arm64 = (image("linux", one, flavour=DOCKER, name=name) for one in ("amd64", "arm64"))
    return index(amd64, arm64, flavour=DOCKER, annotate={1: {"platform": "linux/s390x"}})


async def first_pushes(host: str) -> None:
    """Push what was all right, and the names that were wrong from the beginning."""
    for repository, tags in _GOOD.items():
        for tag in tags:
            built = release(f"{repository} {tag}", *_USUAL, attested=repository == "shop/cart")
            await push(host, repository, built, tag)
    for arch in ("amd64", "arm64"):
        one = image("linux", arch, flavour=DOCKER, name="runner")
        await push(host, "fleet/runner", one, f"v3-{arch}")
    await push(host, "fleet/agent-arm64", image("linux", "arm64", flavour=DOCKER), "v3")
    await push(host, "fleet/probe", mislabelled("an old probe"), "latest")


async def second_pushes(host: str) -> None:
    """Push what then broke, and what was mended."""
    await push(host, "shop/checkout", mislabelled("checkout 3.9"), "3.9", "latest")
    lone = image("linux", "amd64", flavour=DOCKER, name="search")
    await push(host, "shop/search", lone, "latest")
    await push(host, "platform/gateway", release("gateway 2.2", "amd64", "arm64"), "2.2", "latest")
    gone = image("linux", "arm64", flavour=DOCKER, name="gateway 2.2").digest
    url = f"http://{host}/v2/platform/gateway/manifests/{gone}"
    async with aiohttp.ClientSession() as client, client.delete(url) as answer:
        assert 202 == answer.status
    probe = [image("linux", "amd64", flavour=DOCKER), image("linux", "arm", "v7", flavour=DOCKER)]
    vague = index(*probe, flavour=DOCKER, annotate={1: {"platform": "linux/arm"}})
    await push(host, "fleet/probe", vague, "latest")


@dataclass
class Company:
    """The registry, the command line of whoever runs the service, and where it answers.

    Nobody answers at the port `closed`, where the mirror should be.
    """

    registry: DockerRegistry
    mfl_lint: MflLint
    port: int
    closed: int

    @property
    def address(self) -> str:
        """Return where the service answers."""
        return f"http://127.0.0.1:{self.port}"

    def configure(self, more: str) -> None:
        """Write the settings; `more` are those of the company's registry."""
        host, closed = self.registry.host, self.closed
        text = _SETTINGS.format(port=self.port, host=host, closed=closed, more=more)
        self.mfl_lint.write_config(text)

    async def hire(self, *names: str) -> None:
        """Make users of these roles, each called as the role."""
        secret = self.mfl_lint.folder / "password"
        secret.write_text(PASSWORD)
        for name in names:
            given = ("--role", name, "--password-file", secret)
            assert 0 == (await self.mfl_lint("users", "add", name, *given)).code

    async def crawl(self) -> None:
        """Crawl everything once; the mirror does not answer."""
        assert 3 == (await self.mfl_lint("crawl", "--fail-on", "never")).code

    async def paste(self, commands: str) -> Done:
        """Run commands in a shell, with a docker client, as somebody who read them would."""
        folder, env = self.mfl_lint.folder, dict(self.mfl_lint.env)
        env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
        return await run("/bin/sh", "-e", "-c", commands, env=env, cwd=folder)

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Started]:
        """Run the service while the context lasts."""
        async with self.mfl_lint.started("serve") as service:
            await service.address()
            yield service


def opened(folder: Path, registry: DockerRegistry, more: str = 'interval = "1h"') -> Company:
    """Return a company that watches its registry from a new folder; `more` are settings of it."""
    folder.mkdir()
    company = Company(registry, MflLint(folder), free_port(), free_port())
    company.configure(more)
    return company


async def grown(folder: Path, registry: DockerRegistry) -> Company:
    """Return a company after a crawl, what was pushed then, and two crawls that agree on it."""
    company = opened(folder, registry)
    await company.hire("admin", "editor", "viewer")
    await first_pushes(registry.host)
    await company.crawl()
    await second_pushes(registry.host)
    await company.crawl()
    await company.crawl()
    return company


async def sign_in(page: Page, company: Company, name: str, wanted: str = "/") -> None:
    """Sign in by the form, which leads to what was wanted."""
    await page.goto(f"{company.address}{wanted}")
    if "/login" not in page.url:
        await page.goto(f"{company.address}/login?next={quote(wanted, safe='')}")
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(lambda url: "/login" not in url)
