"""The page for strangers: what it asks, what it refuses, how often, and what it tells."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from aiohttp import ClientResponse

from mfl_lint.config_serve import FormConfig
from mfl_lint.core.observation import LookState
from mfl_lint.core.reference import Reference
from mfl_lint.core.scan import Scan
from mfl_lint.core.secret import form_token
from tests.public_hosts import SPELLED
from tests.store.batches import finding
from tests.web.parsed import ParsedPage
from tests.web.people import House, config_with, house, looked

HEADERS = {"Cookie": "mfl_lint_form=form"}
GENEROUS = config_with(form=FormConfig(enabled=True, per_hour=1000))


class Looks:
    """Looks at nothing, and remembers what it was asked to look at."""

    def __init__(self, state: LookState = LookState.VERIFIED) -> None:
        self.asked: list[str] = []
        self._state = state

    async def __call__(self, reference: Reference) -> Scan:
        self.asked.append(str(reference))
        found = await looked(reference)
        (target,) = found.targets
        detail = "GET https://10.0.0.1/v2/: connection refused"
        told = msgspec.structs.replace(target, state=self._state, detail=detail)
        return msgspec.structs.replace(found, targets=(told,))


async def ask(full: House, reference: str, **headers: str) -> ClientResponse:
    data = {"token": form_token("form"), "reference": reference}
    return await full.ask(None, "POST", "/look", data=data, headers=HEADERS | headers)


async def test_the_page_is_off_unless_it_is_wanted(filled_url: str, tmp_path: Path) -> None:
    for config, look in ((config_with(form=FormConfig()), Looks()), (GENEROUS, None)):
        async with house(filled_url, tmp_path, config, look=look) as full:
            assert 404 == (await full.ask(None, "GET", "/look")).status
            assert 404 == (await ask(full, "alpine")).status


async def test_a_stranger_has_an_image_looked_at(filled_url: str, tmp_path: Path) -> None:
    looks = Looks()
    async with house(filled_url, tmp_path, GENEROUS, look=looks) as full:
        form = ParsedPage(await (await full.ask(None, "GET", "/look")).text())
        assert [] == form.unbalanced
        answer = await ask(full, " ghcr.io/team/app:v1 ")
        page = ParsedPage(await answer.text())
        assert (200, []) == (answer.status, page.unbalanced)
        assert "Nothing is wrong with it" in page.text
    assert ["ghcr.io/team/app:v1"] == looks.asked


async def test_no_address_of_ours_is_looked_at_however_it_is_spelled(
    filled_url: str, tmp_path: Path
) -> None:
    looks = Looks()
    async with house(filled_url, tmp_path, GENEROUS, look=looks) as full:
        for host in SPELLED:
            for port in (":443", ":5000", ":80"):
                answer = await ask(full, f"{host}{port}/team/app:v1")
                assert 400 == answer.status, host
    print(f"{3 * len(SPELLED)} references, {len(looks.asked)} looks")
    assert [] == looks.asked


NONSENSE = (
    "",
    "a" * 10_000,
    "registry.example/" + "a" * 900,
    "registry.example:8443/team/app",
    "registry.example:22/team/app",
    "https://registry.example/team/app",
    "user:secret@registry.example/team/app",
    "registry.example/../../etc/passwd",
    "registry.example/team/app:v1 --insecure",
    "oci:/etc",
    "file:///etc/passwd",
    "registry.example/*",
    "<script>alert(1)</script>",
    "a\x00b/c",
    "a\r\nHost: evil/b",
)


async def test_what_is_no_public_image_is_a_400_and_no_look(
    filled_url: str, tmp_path: Path
) -> None:
    looks = Looks()
    async with house(filled_url, tmp_path, GENEROUS, look=looks) as full:
        for text in NONSENSE:
            answer = await ask(full, text)
            source = await answer.text()
            assert 400 == answer.status, text[:50]
            assert "<script>alert" not in source
            assert len(source) < 20_000
    assert [] == looks.asked


@pytest.mark.parametrize("state", [one for one in LookState if one is not LookState.VERIFIED])
async def test_what_could_not_be_seen_is_told_in_our_words_only(
    state: LookState, filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path, GENEROUS, look=Looks(state)) as full:
        answer = await ask(full, "ghcr.io/private/app")
        text = await answer.text()
        assert 400 == answer.status
        assert "10.0.0.1" not in text
        assert "refused" not in text


async def test_a_registry_that_takes_too_long_is_a_400(filled_url: str, tmp_path: Path) -> None:
    async def slow(reference: Reference) -> Scan:
        raise TimeoutError

    async with house(filled_url, tmp_path, GENEROUS, look=slow) as full:
        assert 400 == (await ask(full, "ghcr.io/team/app")).status


async def test_an_address_has_so_many_an_hour(filled_url: str, tmp_path: Path) -> None:
    looks = Looks()
    few = config_with(form=FormConfig(enabled=True, per_hour=3))
    async with house(filled_url, tmp_path, few, look=looks) as full:
        statuses = [(await ask(full, "ghcr.io/team/app")).status for _ in range(3)]
        last = await ask(full, "ghcr.io/team/app", **{"X-Forwarded-For": "192.0.2.9"})
        assert [200] * 3 + [429] == [*statuses, last.status]
        assert 0 < int(last.headers["Retry-After"]) <= 3601
    assert 3 == len(looks.asked)


async def test_two_are_served_at_once_and_others_are_told_to_wait(
    filled_url: str, tmp_path: Path
) -> None:
    release, began = asyncio.Event(), asyncio.Semaphore(0)

    async def held(reference: Reference) -> Scan:
        began.release()
        await release.wait()
        return await looked(reference)

    async with house(filled_url, tmp_path, GENEROUS, look=held) as full:
        tasks = [asyncio.create_task(ask(full, "ghcr.io/team/app")) for _ in range(2)]
        for _ in tasks:
            await began.acquire()
        assert 503 == (await ask(full, "ghcr.io/team/app")).status
        release.set()
        assert [200, 200] == [(await task).status for task in tasks]


async def test_findings_are_shown_and_inert(filled_url: str, tmp_path: Path) -> None:
    evil = finding(message="<img src=x onerror=alert(1)>", fix="echo '<b>'")

    async def found(reference: Reference) -> Scan:
        return msgspec.structs.replace(await looked(reference), findings=(evil,))

    async with house(filled_url, tmp_path, GENEROUS, look=found) as full:
        source = await (await ask(full, "ghcr.io/team/app")).text()
        page = ParsedPage(source)
        assert [] == page.unbalanced
        assert "<img" not in source
        assert evil.message in page.text
