"""Alerts on pages and in the API: what was sent, and what people silence and acknowledge."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import update

from mfl_lint.core.errors import Refused
from mfl_lint.core.messages import Draft, MessageState, Notice, Outcome
from mfl_lint.core.news import Group, Kind, News
from mfl_lint.core.views import FindingFilter
from mfl_lint.store import audit, handling, messages, views
from mfl_lint.store.statements import run
from mfl_lint.store.tables import findings
from tests.web import filled_store
from tests.web.conftest import Client
from tests.web.parsed import ParsedPage
from tests.web.people import EDITOR, WHO, House, house

NOW: Final = filled_store.NOW
TOKEN: Final = next(who for who in WHO if who.name == "ignore token")
ADMIN: Final = next(who for who in WHO if who.name == "admin")
API: Final = "/api/v1"
SILENCE: Final = {
    "registry": "internal",
    "rule": "MFL101",
    "reason": "the farm moves",
    "expires": (NOW + timedelta(days=1)).isoformat(),
}


async def alerts_of(full: House, query: str = "") -> Any:
    answer = await full.ask(ADMIN, "GET", f"{API}/alerts{query}")
    assert 200 == answer.status
    return await answer.json()


async def mark_of(full: House, registry: str = "internal") -> str:
    """Return the fingerprint of a finding that stands."""
    page = await views.findings_page(full.store, FindingFilter(registry=registry, rule="MFL101"))
    return page.items[0].finding.fingerprint


async def test_messages_are_listed_with_tries_and_dead_letters(client: Client) -> None:
    answer = await (await client.get(f"{API}/alerts")).json()
    states = [item["state"] for item in answer["items"]]
    assert {"sent", "dead", "pending"} == set(states)
    dead = await (await client.get(f"{API}/alerts?delivery=dead")).json()
    assert {"dead"} == {item["state"] for item in dead["items"]}
    text = await (await client.get("/alerts")).text()
    for said in (
        "dead letter",
        "the receiver answered 410",
        "on its way",
        "ann",
        "they are renamed",
    ):
        assert said in text


async def test_the_page_shows_the_id_that_tries_a_message_again(client: Client) -> None:
    dead = await (await client.get(f"{API}/alerts?delivery=dead")).json()
    page = ParsedPage(await (await client.get("/alerts?delivery=dead")).text())
    for item in dead["items"]:
        assert f"{item['id']}" in page.text.split()


async def test_the_navigation_leads_to_whatever_whoever_looks_may_see(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        for who, audits in ((EDITOR, False), (ADMIN, True)):
            links = ParsedPage(await (await full.ask(who, "GET", "/alerts")).text()).links
            assert {"/scans", "/hooks", "/pushes"} <= set(links), who.name
            assert audits == ("/audit" in links), who.name
            for path in ("/scans", "/hooks", "/pushes", *(["/audit"] if audits else [])):
                assert 200 == (await full.ask(who, "GET", path)).status, (who.name, path)


async def test_a_silence_is_set_shown_and_ended_and_all_of_it_is_written_down(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        before = len((await alerts_of(full))["silences"])
        made = await full.ask(TOKEN, "POST", f"{API}/silences", json=SILENCE)
        item = (await made.json())["silence"]
        assert (201, "editor", "MFL101") == (made.status, item["who"], item["rule"])
        assert before + 1 == len((await alerts_of(full))["silences"])
        gone = await full.ask(TOKEN, "DELETE", f"{API}/silences/{item['id']}")
        assert 204 == gone.status
        assert before == len((await alerts_of(full))["silences"])
        assert 404 == (await full.ask(TOKEN, "DELETE", f"{API}/silences/{item['id']}")).status
        deeds = [one.action for one in (await audit.deeds(full.store)).items[:2]]
        assert ["silence.end", "silence.set"] == deeds


async def test_the_beginning_of_a_fingerprint_names_one_finding_or_none(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        mark = await mark_of(full)
        other = f"{mark[:8]}{'0' * 56}"
        page = await views.findings_page(full.store, FindingFilter(registry="internal"), limit=50)
        twin = next(
            one.finding.fingerprint for one in page.items if one.finding.fingerprint != mark
        )
        again = update(findings).where(findings.c.fingerprint == twin).values(fingerprint=other)
        await full.store.write(run, again)

        with pytest.raises(Refused, match=f"several fingerprints begin with {mark[:8]}: say more"):
            await handling.acknowledge(full.store, mark[:8], "x", who="x", now=NOW)
        for short in (mark[:7], mark[:8].upper(), "", f"{mark}0", "%" * 8):
            assert None is await handling.acknowledge(full.store, short, "x", who="x", now=NOW)
        one = await handling.acknowledge(full.store, mark[:20], "x", who="x", now=NOW)
        assert one is not None
        assert mark == one.fingerprint
        assert await handling.unacknowledge(full.store, mark[:20], who="x", now=NOW)


async def test_nonsense_silences_nothing(filled_url: str, tmp_path: Path) -> None:
    wrong = (
        ({"expires": (NOW - timedelta(days=1)).isoformat()}, 400),
        ({"expires": "2027-01-01T00:00:00"}, 400),
        ({"reason": " "}, 400),
        ({"rule": "MFL999"}, 400),
        ({"registry": "nowhere"}, 404),
        ({"more": 1}, 400),
    )
    async with house(filled_url, tmp_path) as full:
        before = (await alerts_of(full))["silences"]
        for changed, status in wrong:
            answer = await full.ask(TOKEN, "POST", f"{API}/silences", json={**SILENCE, **changed})
            assert status == answer.status, changed
        assert before == (await alerts_of(full))["silences"]


async def test_a_finding_is_acknowledged_until_that_is_taken_back(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        mark = await mark_of(full)
        wanted = {"fingerprint": mark, "reason": "rebuilt in 3.10"}
        made = await full.ask(TOKEN, "POST", f"{API}/acknowledgements", json=wanted)
        assert 201 == made.status
        (item,) = [
            one for one in (await alerts_of(full))["acknowledged"] if one["fingerprint"] == mark
        ]
        assert ("rebuilt in 3.10", "editor") == (item["reason"], item["who"])
        feed = await (await full.ask(ADMIN, "GET", "/feed.atom?registry=internal")).text()
        assert "Acknowledged by editor: rebuilt in 3.10" in feed
        gone = await full.ask(TOKEN, "DELETE", f"{API}/acknowledgements/{mark}")
        assert 204 == gone.status
        feed = await (await full.ask(ADMIN, "GET", "/feed.atom?registry=internal")).text()
        assert "rebuilt in 3.10" not in feed
        for wrong in ("0" * 64, "nonsense"):
            body = {"fingerprint": wrong, "reason": "x"}
            answer = await full.ask(TOKEN, "POST", f"{API}/acknowledgements", json=body)
            assert 404 == answer.status


async def test_the_feed_tells_what_is_silenced(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        await full.ask(TOKEN, "POST", f"{API}/silences", json=SILENCE)
        feed = await (await full.ask(ADMIN, "GET", "/feed.atom?registry=internal")).text()
        assert "Silenced by editor until 2026-" in feed
        assert "the farm moves" in feed


async def test_a_dead_letter_is_tried_again_once_by_an_admin(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        dead = (await alerts_of(full, "?delivery=dead"))["items"][0]
        path = f"/alerts/{dead['id']}/retry"
        assert 403 == (await full.ask(EDITOR, "GET", path)).status
        form = ParsedPage(await (await full.ask(ADMIN, "GET", path)).text())
        assert any(one.get("action") == path for one in form.all_of("form"))
        sent = await full.ask(ADMIN, "POST", path, data={"token": ADMIN.token})
        assert (303, "/alerts") == (sent.status, sent.headers["Location"])
        now = [one for one in (await alerts_of(full))["items"] if one["id"] == dead["id"]]
        assert [("pending", dead["key"])] == [(one["state"], one["key"]) for one in now]
        assert 404 == (await full.ask(ADMIN, "POST", path, data={"token": ADMIN.token})).status


async def test_a_dead_letter_of_which_nothing_is_so_any_more_is_not_tried_again(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        group = Group("team", "internal")
        mended = News("x", Kind.OPENED, NOW, "internal", fingerprint="f" * 64)
        notice = Notice("mended", "team", group, NOW, (mended,))
        await messages.add_drafts(full.store, [Draft(notice, "team-chat", "1 broken")], NOW)
        (one,) = (await messages.deliveries(full.store, limit=1)).items
        ended = Outcome(one.id, MessageState.DEAD, "the receiver answered 410")
        await messages.finish(full.store, "", [ended], NOW)
        refused = await full.ask(ADMIN, "POST", f"{API}/alerts/{one.id}/retry", json={})
        assert 409 == refused.status
        assert "is out of date: nothing of it is so any more" in await refused.text()
        path = f"/alerts/{one.id}/retry"
        page = await full.ask(ADMIN, "POST", path, data={"token": ADMIN.token})
        assert 409 == page.status
        assert "is out of date" in await page.text()
        left = (await alerts_of(full, "?delivery=dead"))["items"]
        assert one.id in [item["id"] for item in left]


async def test_a_store_without_alerts_says_where_they_are_set_up(empty: Client) -> None:
    text = await (await empty.get("/alerts")).text()
    assert "[[alert.route]]" in text


@pytest.mark.parametrize("what", ["silences", "ignores"])
@pytest.mark.parametrize("end", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
async def test_an_end_in_no_year_of_utc_is_refused(
    filled_url: str, tmp_path: Path, what: str, end: str
) -> None:
    async with house(filled_url, tmp_path) as full:
        answer = await full.ask(TOKEN, "POST", f"{API}/{what}", json={**SILENCE, "expires": end})
        assert 400 == answer.status
        assert "name a time to come" in await answer.text()
