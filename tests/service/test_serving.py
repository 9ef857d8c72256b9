"""The long-running service: pages, schedule, looks on request, reload, a clean end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from yarl import URL

from mfl_lint.config import (
    Config,
    CrawlConfig,
    HookConfig,
    RegistryConfig,
)
from mfl_lint.config_alert import AlertConfig, ChannelConfig, RouteConfig
from mfl_lint.config_serve import ProxyConfig, ServeConfig
from mfl_lint.core.access import Role
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.service.people import open_people
from mfl_lint.service.serving import serve
from mfl_lint.store import dump, looks, users
from mfl_lint.store.engine import Store, open_store
from tests.builders import image, index, place
from tests.receiver import Receiver
from tests.service.gated import GatedRegistry, Service, config_of, names_in, serving

GOOD = index(image(), image("linux", "arm64"))
BROKEN = index(image(), image(name="other"), annotate={1: {"platform": "linux/arm64"}})
LOGGER = "mfl_lint"


@pytest.fixture
async def registry() -> AsyncIterator[GatedRegistry]:
    """Return a registry with two repositories, each with one broken tag."""
    async with GatedRegistry().serving() as registry:
        place(registry, "team/app", BROKEN, "v1")
        place(registry, "team/other", BROKEN, "v1")
        yield registry


def lab(registry: GatedRegistry, **settings: Any) -> RegistryConfig:
    return RegistryConfig(name="lab", host=registry.host, **settings)


def ended(answer: Any, count: int = 1) -> bool:
    return [item["status"] != "running" for item in answer["items"]].count(True) >= count


def has_logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return any(text in record.getMessage() for record in caplog.records)


async def test_pages_answer_while_a_crawl_runs(tmp_path: Path, registry: GatedRegistry) -> None:
    registry.gate.clear()
    async with serving(config_of(tmp_path, lab(registry, interval_s=3600.0))) as service:
        await registry.reached.wait()
        for path in ("", "registries/lab", "crawls", "findings", "healthz", "readyz"):
            async with service.client.get(service.address + path) as answer:
                assert 200 == answer.status
        (running,) = (await service.get("/crawls"))["items"]
        assert ("running", 0) == (running["status"], running["tags"])
        registry.gate.set()
        (done,) = (await service.until("/crawls", ended))["items"]
        assert ("done", 2) == (done["status"], done["tags"])
        found = (await service.get("/findings"))["items"]
    assert ["MFL101", "MFL101"] == [item["rule"] for item in found]


async def test_crawls_come_at_their_interval_and_never_two_at_once(
    tmp_path: Path, registry: GatedRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    registry.gate.clear()
    # Whenever this one is planned it is overdue.
    async with serving(config_of(tmp_path, lab(registry, interval_s=0.001))) as service:
        await registry.reached.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            while not has_logged(caplog, "maximum number of running instances reached"):
                await service.get("/overview")
        assert 1 == registry.listings.qsize() == len((await service.get("/crawls"))["items"])
        registry.gate.set()
        answer = await service.until("/crawls", lambda answer: ended(answer, 2))
    done = [item for item in answer["items"] if item["status"] == "done"][::-1]
    for earlier, later in pairwise(done):
        assert earlier["finished_at"] <= later["started_at"]


async def test_a_registry_without_a_schedule_is_left_alone(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    async with serving(config_of(tmp_path, lab(registry))) as service:
        assert [] == (await service.get("/crawls"))["items"]
        (shown,) = (await service.get("/registries"))["items"]
        assert shown["next_crawl_at"] is None
    assert [] == registry.access_log


async def asked_looks(store: Store, *requests: tuple[str, str]) -> None:
    for name, repository in requests:
        now = datetime.now(UTC)
        assert await looks.request_look(store, name, repository, "", now, "asked")


async def test_a_look_that_was_asked_for_is_made_and_forgotten(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    config = config_of(tmp_path, lab(registry, exclude_repositories=("secret/*",)))
    async with (
        serving(config, looks_every_s=1.0) as service,
        open_store(config.database.url) as store,
    ):
        wanted = [("lab", "team/app"), ("lab", "secret/app"), ("removed", "team/app")]
        await asked_looks(store, *wanted)
        await service.until("/findings", lambda answer: bool(answer["items"]))
        await service.until("/crawls", ended)
        (found,) = (await service.get("/findings"))["items"]
        assert ("team/app", "MFL101") == (found["repository"], found["rule"])
        for path in ("_catalog", "secret", "team/other"):
            assert [] == registry.asked(path)
        async with asyncio.timeout(10):
            while await pending(store):
                await service.get("/overview")


async def pending(store: Store) -> bool:
    """Say whether a request is kept, taken or not."""
    return bool((await dump.figures(store)).rows["look_requests"])


async def test_a_look_waits_for_no_crawl_but_of_its_own_repository(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    registry.gate.clear()
    registry.shut = ("team/a-slow-one",)
    place(registry, "team/a-slow-one", BROKEN, "v1")
    config = config_of(tmp_path, lab(registry, interval_s=3600.0))
    config = msgspec.structs.replace(config, crawl=CrawlConfig(repositories_at_once=1))
    async with serving(config) as service:
        await registry.reached.wait()
        for repository in ("team/a-slow-one", "team/app"):
            await ask_for(service, "lab", repository, "v1")
        answer = await service.until("/findings", lambda answer: bool(answer["items"]))
        assert ["team/app"] == [item["repository"] for item in answer["items"]]
        (running,) = (await service.get("/crawls"))["items"]
        assert ("running", 0) == (running["status"], running["tags"])
        registry.gate.set()
        await service.until("/findings", lambda answer: len(answer["items"]) == 3)


async def ask_for(service: Service, registry: str, repository: str, tag: str) -> None:
    body = {"registry": registry, "repository": repository, "tag": tag}
    async with service.client.post(f"{service.address}api/v1/scans", json=body) as answer:
        assert 202 == answer.status


async def test_a_registry_that_asked_for_patience_is_not_looked_at_again_at_once(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    config = config_of(tmp_path, lab(registry))
    async with (
        serving(config, looks_every_s=1.0) as service,
        open_store(config.database.url) as store,
    ):
        now = datetime.now(UTC)
        old = now - timedelta(hours=1)
        await looks.request_look(store, "lab", "team/other", "", now, "throttled")
        await looks.request_look(store, "lab", "team/app", "", old, "throttled")
        await service.until("/findings", lambda answer: bool(answer["items"]))
        assert [] == registry.asked("team/other")
        assert await pending(store)


async def test_sighup_reads_the_configuration_again(
    tmp_path: Path, registry: GatedRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    config = config_of(tmp_path, lab(registry))
    async with serving(config) as service:
        more = RegistryConfig(name="more", host=registry.host, interval_s=3600.0)
        service.config = msgspec.structs.replace(config, registries=(lab(registry), more))
        os.kill(os.getpid(), signal.SIGHUP)
        answer = await service.until("/crawls", ended)
        assert ["more"] == [item["registry"] for item in answer["items"]]
        shown = (await service.get("/registries"))["items"]
        assert ["lab", "more"] == [item["name"] for item in shown]
        assert has_logged(caplog, "the configuration was reloaded: 2 registries")
    assert has_logged(caplog, "the service has ended")


async def test_a_bad_configuration_is_logged_and_changes_nothing(
    tmp_path: Path, registry: GatedRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    config = config_of(tmp_path, lab(registry))
    bad = RegistryConfig(name="more", host=registry.host, cron="99 * * * *")

    def refuse() -> Config:
        raise ConfigInvalid("mfl-lint.toml: registry[0].hots: there is no such setting")

    async with serving(config) as service:
        before = await service.get("/registries")
        for load, said in (
            (lambda: msgspec.structs.replace(config, registries=(bad,)), "'99 * * * *'"),
            (refuse, "registry[0].hots: there is no such setting"),
            (lambda: msgspec.structs.replace(config, serve=ServeConfig("0.0.0.0")), "serve.hosts"),
        ):
            caplog.clear()
            service.load = load
            os.kill(os.getpid(), signal.SIGHUP)
            async with asyncio.timeout(10):
                while not has_logged(caplog, "was not reloaded"):
                    assert before == await service.get("/registries")
            assert has_logged(caplog, said)
    assert [] == registry.access_log


async def test_what_is_read_once_is_said_to_hold_from_the_next_start(
    tmp_path: Path, registry: GatedRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    config = config_of(tmp_path, lab(registry))
    async with serving(config) as service:
        service.config = msgspec.structs.replace(config, serve=ServeConfig(port=1))
        os.kill(os.getpid(), signal.SIGHUP)
        async with asyncio.timeout(10):
            while not has_logged(caplog, "[serve] holds from the next start on"):
                await service.get("/overview")


async def test_limits_of_a_host_that_is_asked_are_said_to_hold_from_the_next_start(
    tmp_path: Path, registry: GatedRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    held = RegistryConfig(name="held", host=registry.host)
    config = config_of(tmp_path, lab(registry, rate=9.0), held)
    async with serving(config) as service:
        beside = RegistryConfig(name="beside", host=registry.host, concurrency=2)
        other = RegistryConfig(name="other", host="other.example", concurrency=2)
        changed = (lab(registry, rate=8.0), held, beside, other)
        service.config = msgspec.structs.replace(config, registries=changed)
        for round_no in (1, 2):
            caplog.clear()
            os.kill(os.getpid(), signal.SIGHUP)
            async with asyncio.timeout(10):
                while not has_logged(caplog, "the configuration was reloaded"):
                    await service.get("/overview")
            said = [record.getMessage() for record in caplog.records if record.levelno > 20]
            words = "the limits of registry {} hold from the next start on"
            assert [words.format("lab"), words.format("beside")] == said, round_no


async def test_a_crawl_that_was_broken_off_goes_on_at_the_next_start(
    tmp_path: Path, registry: GatedRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    registry.gate.clear()
    config = config_of(tmp_path, lab(registry, interval_s=24 * 3600.0))
    async with serving(config):
        await registry.reached.wait()
    assert [] == caplog.records
    registry.gate.set()
    async with serving(config) as service:
        answer = await service.until("/crawls", ended)
        answer = await service.until("/crawls", lambda answer: ended(answer, 2))
        assert ["done", "interrupted"] == [item["status"] for item in answer["items"]]
    async with serving(config) as service:
        (shown,) = (await service.get("/registries"))["items"]
        tomorrow = datetime.fromisoformat(shown["next_crawl_at"]) - datetime.now(UTC)
        assert timedelta(hours=20) < tomorrow


async def test_a_look_at_one_repository_postpones_no_crawl_after_a_restart(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    config = config_of(tmp_path, lab(registry))
    async with (
        serving(config, looks_every_s=1.0) as service,
        open_store(config.database.url) as store,
    ):
        await asked_looks(store, ("lab", "team/app"))
        await service.until("/crawls", ended)
    scheduled = config_of(tmp_path, lab(registry, interval_s=24 * 3600.0))
    async with serving(scheduled) as service:
        answer = await service.until("/crawls", lambda answer: ended(answer, 2))
        assert [2, 1] == [item["repositories"] for item in answer["items"]]


async def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        config = msgspec.structs.replace(config_of(tmp_path), serve=ServeConfig(port=port))
        said = f"serve.port: cannot listen on 127.0.0.1 port {port}: Address already in use"
        with pytest.raises(ConfigInvalid, match=f"^{said}; --port chooses another$"):
            await serve(lambda: config, ready=print)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
async def test_only_loopback_is_served_while_nobody_is_known(tmp_path: Path, host: str) -> None:
    pages = ServeConfig(host=host, port=0, hosts=("lint.example",))
    config = msgspec.structs.replace(config_of(tmp_path), serve=pages)
    with pytest.raises(
        ConfigInvalid, match=r"^serve\.host: .* not loopback.*users add.*--insecure-no-auth"
    ):
        await serve(lambda: config, ready=print)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
async def test_every_address_is_served_under_names_only(tmp_path: Path, host: str) -> None:
    config = msgspec.structs.replace(config_of(tmp_path), serve=ServeConfig(host=host, port=0))
    with pytest.raises(ConfigInvalid, match=r"^serve\.hosts: .* every address"):
        await serve(lambda: config, ready=print, insecure=True)
    assert [] == names_in(tmp_path)


async def served_everywhere(tmp_path: Path, *, insecure: bool = False, **pages: Any) -> int:
    """Return the status of the API of a service that is bound to every address."""
    settings = ServeConfig(host="0.0.0.0", port=0, hosts=("localhost",), **pages)
    config = msgspec.structs.replace(config_of(tmp_path), serve=settings)
    async with serving(config, insecure=insecure) as service:
        port = URL(service.address).port
        async with service.client.get(f"http://127.0.0.1:{port}/api/v1/overview") as answer:
            return answer.status


async def test_whoever_insists_shows_everything_to_everybody(tmp_path: Path) -> None:
    assert 200 == await served_everywhere(tmp_path, insecure=True)


async def test_every_address_is_served_once_somebody_is_known(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    async with open_people(config) as store:
        await users.add_user(store, "a", Role.ADMIN, "", who="x", now=datetime.now(UTC))
    assert 401 == await served_everywhere(tmp_path)


async def test_every_address_is_served_behind_a_proxy_that_says_who_asks(tmp_path: Path) -> None:
    proxy = ProxyConfig("X-User", ("192.0.2.1",))
    assert 401 == await served_everywhere(tmp_path, proxy=proxy)


async def test_a_look_that_is_asked_for_by_the_api_is_made_at_once(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    async with serving(config_of(tmp_path, lab(registry))) as service:
        body = {"registry": "lab", "repository": "team/app"}
        async with service.client.post(f"{service.address}api/v1/scans", json=body) as answer:
            assert 202 == answer.status
        await service.until("/crawls", ended)
        found = (await service.get("/findings"))["items"]
    assert [("team/app", "MFL101")] == [(item["repository"], item["rule"]) for item in found]


async def test_a_bad_schedule_is_said_before_anything_is_done(tmp_path: Path) -> None:
    config = config_of(tmp_path, RegistryConfig(name="lab", host="127.0.0.1:1", cron="61 * * * *"))
    with pytest.raises(ConfigInvalid, match=r"registry lab: cron"):
        await serve(lambda: config, ready=print)
    assert [] == names_in(tmp_path)


async def test_localhost_is_one_address(tmp_path: Path) -> None:
    config = msgspec.structs.replace(config_of(tmp_path), serve=ServeConfig("localhost", 0))
    async with serving(config) as service:
        assert service.address.startswith("http://127.0.0.1:")
        assert [] == (await service.get("/registries"))["items"]


async def test_what_breaks_is_told_while_the_service_runs(
    tmp_path: Path, registry: GatedRegistry
) -> None:
    place(registry, "team/app", GOOD, "v1")
    place(registry, "team/other", GOOD, "v1")
    async with Receiver() as receiver:
        route = RouteConfig("team", ("hook",), wait_s=0.0)
        hook = ChannelConfig("hook", "webhook", url=f"{receiver.url}/hook")
        alerts = AlertConfig(channel=(hook,), route=(route,))
        config = msgspec.structs.replace(
            config_of(tmp_path, lab(registry, interval_s=0.5)), alert=alerts
        )
        async with serving(config) as service:
            await service.until("/crawls", ended)
            place(registry, "team/app", BROKEN, "v1")
            (item,) = (
                await service.until(
                    "/alerts", lambda answer: [one["state"] for one in answer["items"]] == ["sent"]
                )
            )["items"]
        (got,) = receiver.taken
    assert item["key"] == got.key
    assert item["title"].startswith("lab/team/app:v1 linux/arm64: broken, MFL101")


async def test_a_webhook_without_its_secret_is_said_before_anything_is_done(
    tmp_path: Path, registry: GatedRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    hook = HookConfig("pushes", "generic", "lab", secret_env="NO_SUCH_SECRET")
    config = msgspec.structs.replace(config_of(tmp_path, lab(registry)), hooks=(hook,))
    with pytest.raises(ConfigInvalid, match="NO_SUCH_SECRET: the variable is not set"):
        await serve(lambda: config, ready=print)
    assert [] == names_in(tmp_path)


async def test_a_webhook_has_what_it_names_looked_at_at_once(
    tmp_path: Path, registry: GatedRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "correct horse battery staple")
    hook = HookConfig("pushes", "generic", "lab", secret_env="A_SECRET")
    config = msgspec.structs.replace(config_of(tmp_path, lab(registry)), hooks=(hook,))
    headers = {"Authorization": "Bearer correct horse battery staple"}
    async with serving(config) as service:
        body = {"repository": "team/app", "tag": "v1"}
        where = f"{service.address}hooks/pushes"
        async with service.client.post(where, json=body, headers=headers) as answer:
            assert 202 == answer.status
        answer = await service.until("/findings", lambda answer: bool(answer["items"]))
        assert ["team/app"] == [item["repository"] for item in answer["items"]]
        assert [] == (await service.get("/crawls"))["items"]
    assert [] == registry.asked("tags/list") + registry.asked("team/other")
