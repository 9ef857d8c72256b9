"""Looks that are asked for on pages and through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from mfl_lint.store import audit, looks
from tests.web.parsed import ParsedPage
from tests.web.people import EDITOR, WHO, house

API = "/api/v1/scans"
WANTED = {"registry": "internal", "repository": "shop/checkout", "tag": "3.9"}
TOKEN = next(who for who in WHO if who.name == "scan token")
ADMIN = next(who for who in WHO if who.name == "admin")


async def test_a_program_asks_for_a_look_once(filled_url: str, tmp_path: Path) -> None:
    hurried: list[bool] = []
    async with house(filled_url, tmp_path, hurry=lambda: hurried.append(True)) as full:
        first = await full.ask(TOKEN, "POST", API, json=WANTED)
        again = await full.ask(TOKEN, "POST", API, json=WANTED)
        answers = [await first.json(), await again.json()]
        assert (202, 202) == (first.status, again.status)
        assert [True, False] == [one["queued"] for one in answers]
        assert "/t/internal/shop/checkout:3.9" == answers[0]["scan"]["page"]
        (waiting,) = await looks.pending_looks(full.store)
        assert ("internal", "shop/checkout", "3.9", "asked") == (
            waiting.registry,
            waiting.repository,
            waiting.tag,
            waiting.reason,
        )
        deed = (await audit.deeds(full.store)).items[0]
        told = ("editor", "scan.ask", "internal/shop/checkout:3.9")
        assert told == (deed.who, deed.action, deed.subject)
        listed = await (await full.ask(EDITOR, "GET", API)).json()
        assert answers[0]["scan"] == listed["items"][0]
    assert [True, True] == hurried


async def test_a_person_asks_from_the_page_of_a_tag(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        page = await full.ask(EDITOR, "GET", "/t/internal/shop/checkout:latest")
        (there,) = (one for one in ParsedPage(await page.text()).links if "/scans/new" in one)
        form = ParsedPage(await (await full.ask(EDITOR, "GET", there)).text())
        assert [] == form.unbalanced
        fields = {str(one["name"]): one.get("value") or "" for one in form.all_of("input")}
        assert {"registry": "internal", "repository": "shop/checkout", "tag": "latest"} == {
            name: fields[name] for name in WANTED
        }
        sent = await full.ask(EDITOR, "POST", "/scans", data=fields)
        assert (303, "/scans") == (sent.status, sent.headers["Location"])
        listed = ParsedPage(await (await full.ask(EDITOR, "GET", "/scans")).text())
        assert "shop/checkout:latest" in listed.text
        assert 1 == len(await looks.pending_looks(full.store))


async def test_who_may_not_ask_is_not_led_to_the_form(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        for path in ("/t/internal/shop/checkout:latest", "/r/internal/shop/checkout"):
            page = await full.ask(WHO[1], "GET", path)
            text = await page.text()
            assert 200 == page.status
            assert "/scans/new" not in text
            assert "/ignores/new" not in text


REFUSED: Final[list[tuple[Any, int]]] = [
    (WANTED | {"registry": "nothing"}, 404),
    (WANTED | {"registry": "edge"}, 404),
    (WANTED | {"registry": ""}, 404),
    (WANTED | {"repository": "../etc"}, 400),
    (WANTED | {"repository": ""}, 400),
    (WANTED | {"repository": "x" * 300}, 400),
    (WANTED | {"tag": "a b"}, 400),
    (WANTED | {"tag": "v1\n"}, 400),
    ({"registry": "hub", "repository": "library/alpine"}, 400),
    (WANTED | {"more": 1}, 400),
    ({"registry": "internal"}, 400),
    (WANTED | {"tag": 1}, 400),
    ([], 400),
    (None, 400),
]


async def test_a_look_at_what_cannot_be_looked_at_is_refused(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        for body, status in REFUSED:
            answer = await full.ask(TOKEN, "POST", API, json=body)
            assert (status, "application/problem+json") == (answer.status, answer.content_type)
        assert () == await looks.pending_looks(full.store)


async def test_what_is_no_json_is_refused(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        for raw in (b"", b"{", b"\xff", b"[" * 60_000, b'{"registry":"\\ud800"}'):
            for path in (API, "/api/v1/ignores"):
                headers = {"Content-Type": "application/json"}
                answer = await full.ask(ADMIN, "POST", path, data=raw, headers=headers)
                assert 400 == answer.status, raw[:30]
