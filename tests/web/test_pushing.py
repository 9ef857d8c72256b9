"""A plan is shown, carried out by an editor on a real registry, written down, and undone."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec
import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from mfl_lint.config import (
    Config,
    CredentialsConfig,
    HttpConfig,
    PushConfig,
    RegistryConfig,
    WritingConfig,
)
from mfl_lint.core.pushes import PushEnd, PushRecord
from mfl_lint.crawl.crawler import Crawler
from mfl_lint.mend.mender import Mender
from mfl_lint.registry.transport import Transport
from mfl_lint.rules import discover
from mfl_lint.store import audit, looks, pushes, registries
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import upgrade
from mfl_lint.web.application import create_app
from mfl_lint.web.services import Services
from tests.builders import image, index
from tests.mend.test_plan import planned
from tests.servers import DockerRegistry, push
from tests.web import filled_store
from tests.web.people import EDITOR, WHO, House, fill
from tests.web.test_rendering import check_inert

BROKEN: Final = index(
    image("linux", "amd64"),
    image("linux", "arm64"),
    annotate={0: {"platform": "linux/x86_64"}, 1: {"platform": None}},
)
MENDED: Final = index(image("linux", "amd64"), image("linux", "arm64"))
NAME: Final = "team/app"
READING: Final = CredentialsConfig(username="reader", password_env="READING", docker_config=False)
WRITING: Final = PushConfig(
    enabled=True,
    tags=("v*",),
    credentials=WritingConfig(username="reader", password_env="READING"),
)
VIEWER: Final = next(one for one in WHO if one.name == "viewer")
ADMIN: Final = next(one for one in WHO if one.name == "admin")

Open = Callable[..., Any]


@pytest.fixture
def registry(docker_registry: Any, monkeypatch: pytest.MonkeyPatch) -> DockerRegistry:
    """Return a registry that demands credentials, which are in the environment."""
    started: DockerRegistry = docker_registry(htpasswd=True)
    assert started.credentials is not None
    monkeypatch.setenv("READING", started.credentials[1])
    return started


@pytest.fixture
async def opened(registry: DockerRegistry, tmp_path: Path) -> AsyncIterator[Open]:
    """Return a function that opens an application on a store that has seen the registry."""
    async with AsyncExitStack() as stack:

        async def open_house(pushing: PushConfig = WRITING) -> House:
            await push(registry.host, NAME, BROKEN, "v1", "dev", credentials=registry.credentials)
            lab = RegistryConfig(
                name="hub",
                host=registry.host,
                repositories=(NAME,),
                credentials=READING,
                push=pushing,
                visible_to=("users",),
            )
            config = Config(registries=(lab,))
            url = f"sqlite:///{tmp_path}/lab.db"
            upgrade(url)
            store = await stack.enter_async_context(open_store(url))
            transport = await stack.enter_async_context(Transport(HttpConfig()))
            await registries.sync_registries(store, config.registries, filled_store.NOW)
            await fill(store)
            await Crawler(store, transport, config, lambda: filled_store.NOW).crawl("hub")
            rules = tuple(discover())
            services = Services(
                store=store,
                config=lambda: config,
                rules=rules,
                now=lambda: filled_store.NOW,
                next_crawl=lambda name: None,
                live=tuple,
                mender=Mender(
                    store, transport, lambda: config, rules, lambda: filled_store.NOW, os.environ
                ),
            )
            app = create_app(services, remember_s=0.0)
            client = await stack.enter_async_context(
                TestClient(TestServer(app), cookie_jar=DummyCookieJar())
            )
            return House(store, client, services)

        yield open_house


async def there(registry: DockerRegistry, tag: str = "v1") -> bytes:
    """Return what a tag points at."""
    assert registry.credentials is not None
    headers = {
        "Authorization": aiohttp.encode_basic_auth(*registry.credentials),
        "Accept": BROKEN.media_type,
    }
    url = f"http://{registry.host}/v2/{NAME}/manifests/{tag}"
    async with aiohttp.ClientSession(headers=headers) as client, client.get(url) as answer:
        assert 200 == answer.status
        return await answer.read()


AFTER: Final = planned(BROKEN).digest
SHOWN: Final = {"before": BROKEN.digest, "after": AFTER}
PLAN: Final = f"/api/v1/plans/hub/{NAME}:v1"


async def test_the_page_of_a_tag_leads_to_the_plan_and_that_to_the_button(opened: Open) -> None:
    house = await opened()
    page = await (await house.ask(EDITOR, "GET", f"/t/hub/{NAME}:v1")).text()
    assert f'href="/plans/hub/{NAME}:v1"' in page
    plan = await (await house.ask(EDITOR, "GET", f"/plans/hub/{NAME}:v1")).text()
    assert f'href="/push/hub/{NAME}:v1"' in plan
    assert "linux/x86_64" in plan
    form = await (await house.ask(EDITOR, "GET", f"/push/hub/{NAME}:v1")).text()
    hidden = dict(re.findall(r'name="(token|before|after)" value="([^"]*)"', form))
    assert {"token": EDITOR.token, **SHOWN} == hidden
    for_viewers = await (await house.ask(VIEWER, "GET", f"/plans/hub/{NAME}:v1")).text()
    assert "/push/hub" not in for_viewers


async def test_a_plan_says_that_the_layers_were_not_read_and_who_reads_them(
    opened: Open, registry: DockerRegistry
) -> None:
    wrong = index(image("linux", "amd64"), annotate={0: {"platform": "linux/arm64"}})
    await push(registry.host, NAME, wrong, "v2", credentials=registry.credentials)
    house = await opened()
    plan = await (await house.ask(EDITOR, "GET", f"/plans/hub/{NAME}:v2")).text()
    assert f"<code>mfl-lint fix {registry.host}/{NAME}:v2</code>" in plan
    assert "needs a build" not in plan
    other = await (await house.ask(EDITOR, "GET", f"/plans/hub/{NAME}:v1")).text()
    assert "nobody has read the layers" not in other


async def test_an_editor_carries_the_plan_out_and_undoes_it(
    opened: Open, registry: DockerRegistry
) -> None:
    house: House = await opened()
    fields = {"token": EDITOR.token, **SHOWN}
    answer = await house.ask(EDITOR, "POST", f"/push/hub/{NAME}:v1", data=fields)
    assert (303, "/pushes") == (answer.status, answer.headers["Location"]), await answer.text()
    assert json.loads(MENDED.raw) == json.loads(await there(registry))
    (known,) = (await pushes.known_pushes(house.store)).items
    assert ("editor", "pushed", BROKEN.digest, AFTER) == (
        known.record.who,
        known.state,
        known.record.before,
        known.after,
    )
    (asked,) = await looks.pending_looks(house.store)
    assert (NAME, "v1") == (asked.repository, asked.tag)
    page = await (await house.ask(EDITOR, "GET", "/pushes")).text()
    assert f'href="/pushes/{known.id}/undo"' in page
    undo = f"/pushes/{known.id}/undo"
    assert 200 == (await house.ask(EDITOR, "GET", undo)).status
    answer = await house.ask(EDITOR, "POST", undo, data={"token": EDITOR.token})
    assert 303 == answer.status, await answer.text()
    assert BROKEN.raw == await there(registry)
    assert f'href="{undo}"' not in await (await house.ask(EDITOR, "GET", "/pushes")).text()
    deeds = {(one.who, one.action) for one in (await audit.deeds(house.store)).items}
    assert {("editor", "plan.undo"), ("editor", "plan.push")} <= deeds


async def test_the_api_does_the_same(opened: Open, registry: DockerRegistry) -> None:
    house: House = await opened()
    said = await (await house.ask(EDITOR, "GET", PLAN)).json()
    assert ("", BROKEN.digest, AFTER) == (
        said["refusal"],
        said["plan"]["before"],
        said["plan"]["after"],
    )
    answer = await house.ask(EDITOR, "POST", PLAN, json=SHOWN)
    told = await answer.json()
    assert (200, "pushed", AFTER) == (answer.status, told["end"], told["now"])
    assert "mfl-lint manifest restore" in told["restore"]
    item = (await (await house.ask(EDITOR, "GET", "/api/v1/pushes")).json())["items"][0]
    assert (True, "pushed") == (item["undoable"], item["state"])
    undone = await house.ask(EDITOR, "POST", f"/api/v1/pushes/{item['id']}/undo", json={})
    assert (200, BROKEN.digest) == (undone.status, (await undone.json())["now"])
    assert BROKEN.raw == await there(registry)


async def test_an_end_that_cannot_be_written_down_is_said_with_the_way_back(
    opened: Open, registry: DockerRegistry, tmp_path: Path
) -> None:
    house: House = await opened()
    with sqlite3.connect(tmp_path / "lab.db") as database:
        for what in ("UPDATE ON push_audit", "INSERT ON audit"):
            name = what.replace(" ", "_")
            full = "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
            database.execute(f"CREATE TRIGGER {name} BEFORE {what} {full}")
    answer = await house.ask(EDITOR, "POST", PLAN, json=SHOWN)
    told = await answer.json()
    assert (200, "pushed", AFTER) == (answer.status, told["end"], told["now"])
    assert f"@{BROKEN.digest} --over {AFTER}" in told["restore"]
    assert "the disk is full" in told["unrecorded"]
    await push(registry.host, NAME, BROKEN, "v1", credentials=registry.credentials)
    fields = {"token": EDITOR.token, **SHOWN}
    answer = await house.ask(EDITOR, "POST", f"/push/hub/{NAME}:v1", data=fields)
    page = await answer.text()
    assert 500 == answer.status
    assert f"pushed {registry.host}/{NAME}:v1; to put back what was there:" in page
    assert f"@{BROKEN.digest} --over {AFTER}; how it ended is not written down:" in page


async def test_a_tag_that_moved_since_is_left_alone(opened: Open, registry: DockerRegistry) -> None:
    house: House = await opened()
    other = index(image("linux", "amd64", name="moved"))
    await push(registry.host, NAME, other, "v1", credentials=registry.credentials)
    answer = await house.ask(EDITOR, "POST", PLAN, json=SHOWN)
    assert 409 == answer.status
    assert "the plan is another one by now" in await answer.text()
    assert other.raw == await there(registry)
    assert () == (await pushes.known_pushes(house.store)).items


async def test_a_push_is_not_undone_over_what_somebody_else_has_pushed(
    opened: Open, registry: DockerRegistry
) -> None:
    house: House = await opened()
    assert 200 == (await house.ask(EDITOR, "POST", PLAN, json=SHOWN)).status
    other = index(image("linux", "amd64", name="moved"))
    await push(registry.host, NAME, other, "v1", credentials=registry.credentials)
    (known,) = (await pushes.known_pushes(house.store)).items
    answer = await house.ask(EDITOR, "POST", f"/api/v1/pushes/{known.id}/undo", json={})
    assert 409 == answer.status
    assert other.raw == await there(registry)


@pytest.mark.parametrize(
    ("pushing", "tag", "said"),
    [
        (PushConfig(), "v1", "[registry.push] is not enabled"),
        (WRITING, "dev", "the tag dev is none of registry.push.tags"),
    ],
)
async def test_what_the_settings_do_not_allow_is_refused(
    opened: Open, registry: DockerRegistry, pushing: PushConfig, tag: str, said: str
) -> None:
    house: House = await opened(pushing)
    path = f"/api/v1/plans/hub/{NAME}:{tag}"
    answer = await house.ask(ADMIN, "POST", path, json=SHOWN)
    assert 403 == answer.status
    assert said in await answer.text()
    assert said in (await (await house.ask(ADMIN, "GET", path)).json())["refusal"]
    assert BROKEN.raw == await there(registry, tag)


async def test_a_push_that_failed_shows_what_it_was_meant_for(opened: Open) -> None:
    house: House = await opened()
    record = PushRecord(
        filled_store.NOW, "ada", "hub", NAME, "v1", BROKEN.digest, f'{{"digest": "{AFTER}"}}'
    )
    (number,) = await pushes.begin_push(house.store, record)
    await pushes.end_push(house.store, PushEnd(number, "refused", BROKEN.digest, "denied"))
    page = await (await house.ask(EDITOR, "GET", "/pushes")).text()
    assert AFTER in page
    (item,) = (await (await house.ask(EDITOR, "GET", "/api/v1/pushes")).json())["items"]
    assert (AFTER, False) == (item["wanted"], item["undoable"])


async def test_nothing_is_asked_of_a_repository_that_is_not_known_here(
    opened: Open, registry: DockerRegistry
) -> None:
    house: House = await opened()
    await push(registry.host, "other/app", BROKEN, "v1", credentials=registry.credentials)
    before = registry.requests()
    answer = await house.ask(ADMIN, "POST", "/api/v1/plans/hub/other/app:v1", json=SHOWN)
    assert 404 == answer.status
    assert "has no repository" in await answer.text()
    assert before == registry.requests()


async def test_the_credentials_for_reading_never_write(
    opened: Open, registry: DockerRegistry
) -> None:
    nobody = msgspec.structs.replace(WRITING, credentials=PushConfig().credentials)
    house: House = await opened(nobody)
    answer = await house.ask(EDITOR, "POST", PLAN, json=SHOWN)
    assert 409 == answer.status
    assert "denied" in await answer.text()
    assert BROKEN.raw == await there(registry)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"before": "x", "after": "y"}, 400),
        ({"before": BROKEN.digest}, 400),
        ({**SHOWN, "force": True}, 400),
        ({**SHOWN, "after": BROKEN.digest}, 409),
    ],
)
async def test_what_no_plan_shows_is_not_pushed(
    opened: Open, registry: DockerRegistry, body: dict[str, Any], status: int
) -> None:
    house: House = await opened()
    assert status == (await house.ask(EDITOR, "POST", PLAN, json=body)).status
    assert BROKEN.raw == await there(registry)


async def test_a_viewer_pushes_nothing(opened: Open, registry: DockerRegistry) -> None:
    house: House = await opened()
    assert 403 == (await house.ask(VIEWER, "POST", PLAN, json=SHOWN)).status
    fields = {"token": VIEWER.token, **SHOWN}
    assert 403 == (await house.ask(VIEWER, "POST", f"/push/hub/{NAME}:v1", data=fields)).status
    assert BROKEN.raw == await there(registry)


async def test_credentials_that_are_not_there_are_named_by_the_setting_for_pushes(
    opened: Open,
) -> None:
    missing = CredentialsConfig(username="me", password_env="NOT_SET_ANYWHERE")
    house: House = await opened(msgspec.structs.replace(WRITING, credentials=missing))
    answer = await house.ask(EDITOR, "POST", PLAN, json=SHOWN)
    told = "registry.hub.push.credentials.password_env: the variable NOT_SET_ANYWHERE is not set"
    assert told in await answer.text()


async def test_a_push_shows_what_was_replaced_by_what_and_the_way_back(
    opened: Open, registry: DockerRegistry
) -> None:
    house: House = await opened()
    assert 200 == (await house.ask(EDITOR, "POST", PLAN, json=SHOWN)).status
    (known,) = (await pushes.known_pushes(house.store)).items
    item = (await (await house.ask(EDITOR, "GET", f"/api/v1/pushes/{known.id}")).json())["push"]
    assert [("changed", "linux/x86_64", "linux/amd64"), ("changed", "", "linux/arm64")] == [
        (one["status"], one["before"], one["after"]) for one in item["changed"]
    ]
    back = f"mfl-lint manifest restore {registry.host}/{NAME}:v1@{BROKEN.digest} --over {AFTER}"
    assert (back, "", True) == (item["restore"], item["look"], item["undoable"])
    page = await (await house.ask(EDITOR, "GET", f"/pushes/{known.id}")).text()
    undo = await (await house.ask(EDITOR, "GET", f"/pushes/{known.id}/undo")).text()
    for shown in (page, undo):
        text = shown.replace("<wbr>", "")
        assert [] == [
            one
            for one in ("editor", BROKEN.digest, AFTER, "linux/x86_64", back, "pushed")
            if one not in text
        ]
    assert f'href="/pushes/{known.id}/undo"' in page
    viewed = await (await house.ask(VIEWER, "GET", f"/pushes/{known.id}")).text()
    assert f"/pushes/{known.id}/undo" not in viewed
    listed = await (await house.ask(EDITOR, "GET", "/pushes")).text()
    assert "2 entries changed" in listed
    assert 404 == (await house.ask(EDITOR, "GET", f"/pushes/{known.id + 1}")).status


@pytest.mark.parametrize("state", ["unknown", "begun"])
async def test_a_push_of_which_nobody_knows_how_it_ended_says_how_to_look_and_can_be_undone(
    opened: Open, registry: DockerRegistry, state: str
) -> None:
    """It did arrive; the tag tells when it is to go back."""
    house: House = await opened()
    record = PushRecord(
        filled_store.NOW,
        "ada",
        "hub",
        NAME,
        "v1",
        BROKEN.digest,
        f'{{"digest": "{MENDED.digest}"}}',
    )
    (number,) = await pushes.begin_push(house.store, record)
    if state == "unknown":
        await pushes.end_push(house.store, PushEnd(number, state, None, "no answer"))
    await push(registry.host, NAME, MENDED, "v1", credentials=registry.credentials)
    item = (await (await house.ask(EDITOR, "GET", f"/api/v1/pushes/{number}")).json())["push"]
    name = f"{registry.host}/{NAME}:v1"
    assert f"mfl-lint inspect {name}" == item["look"]
    back = f"mfl-lint manifest restore {name}@{BROKEN.digest} --over {MENDED.digest}"
    assert (back, True) == (item["restore"], item["undoable"])
    page = await (await house.ask(EDITOR, "GET", f"/pushes/{number}")).text()
    assert "nobody knows whether the tag was changed" in page
    undone = await house.ask(EDITOR, "POST", f"/api/v1/pushes/{number}/undo", json={})
    assert (200, BROKEN.raw) == (undone.status, await there(registry))


async def test_what_a_registry_and_a_plan_said_is_inert_on_the_pages_of_a_push(
    opened: Open,
) -> None:
    house: House = await opened()
    evil = "<script>alert(1)</script>\u202e"
    change = {"status": evil, "digest": evil, "before": evil, "after": evil, "why": evil}
    plan = json.dumps({"digest": AFTER, "changes": [change]})
    record = PushRecord(filled_store.NOW, evil, "hub", NAME, "v1", BROKEN.digest, plan)
    for state in ("unknown", evil):
        (number,) = await pushes.begin_push(house.store, record)
        await pushes.end_push(house.store, PushEnd(number, state, None, evil))
        for path in ("/pushes", f"/pushes/{number}", f"/pushes/{number}/undo"):
            answer = await house.ask(EDITOR, "GET", path)
            assert 200 == answer.status
            check_inert(await answer.text())


async def test_what_cannot_be_undone_says_why(opened: Open, registry: DockerRegistry) -> None:
    house: House = await opened()
    assert 200 == (await house.ask(EDITOR, "POST", PLAN, json=SHOWN)).status
    assert 200 == (await house.ask(EDITOR, "POST", "/api/v1/pushes/1/undo", json={})).status
    record = PushRecord(
        filled_store.NOW, "ada", "hub", NAME, "v2", BROKEN.digest, f'{{"digest": "{AFTER}"}}'
    )
    (failed,) = await pushes.begin_push(house.store, record)
    await pushes.end_push(house.store, PushEnd(failed, "failed", BROKEN.digest, "no answer"))
    for number, why in ((1, "points at something else by now"), (failed, "did not change the tag")):
        page = await (await house.ask(EDITOR, "GET", f"/pushes/{number}/undo")).text()
        assert (True, False) == (why in page, '<button class="button" type="submit">Undo' in page)
