"""Ignores that people set: they act on every page, and go when they are undone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from mfl_lint.store import audit, ignores
from tests.web import filled_store
from tests.web.parsed import ParsedPage
from tests.web.people import EDITOR, WHO, House, house

API = "/api/v1/ignores"
NOW = filled_store.NOW
TOKEN = next(who for who in WHO if who.name == "ignore token")
WANTED = {"rule": "MFL101", "registry": "internal", "reason": "the hosts are all amd64"}


async def json_of(full: House, path: str) -> Any:
    answer = await full.ask(EDITOR, "GET", path)
    assert 200 == answer.status, path
    return await answer.json()


async def counted(full: House) -> tuple[int, int, int]:
    """Return the open errors of the overview, of the registry, and those that count of MFL101."""
    overview = await json_of(full, "/api/v1/overview")
    registry = await json_of(full, "/api/v1/registries/internal")
    found = await json_of(full, "/api/v1/findings?rule=MFL101&registry=internal&limit=200")
    standing = [one for one in found["items"] if one["ignored"] is None]
    return (
        overview["counts"]["error"],
        registry["registry"]["counts"]["error"],
        len(standing),
    )


async def test_an_ignore_acts_everywhere_until_it_is_undone(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        before = await counted(full)
        assert before[2] > 0
        made = await full.ask(TOKEN, "POST", API, json=WANTED)
        item = (await made.json())["ignore"]
        assert (201, "editor", "standing") == (made.status, item["who"], item["state"])
        after = await counted(full)
        assert (before[0] - before[2], before[1] - before[2], 0) == after
        found = await json_of(full, "/api/v1/findings?rule=MFL101&registry=internal")
        assert WANTED["reason"] == found["items"][0]["ignored"]["reason"]
        gone = await full.ask(TOKEN, "DELETE", f"{API}/{item['id']}")
        assert (204, b"") == (gone.status, await gone.read())
        assert before == await counted(full)
        assert 404 == (await full.ask(TOKEN, "DELETE", f"{API}/{item['id']}")).status
        deeds = [one.action for one in (await audit.deeds(full.store)).items[:2]]
        assert ["ignore.undo", "ignore.set"] == deeds


async def test_a_state_is_never_changed_by_an_ignore(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        path = "/api/v1/findings?rule=MFL101&registry=internal&limit=200"
        before = [
            (one["fingerprint"], one["state"]) for one in (await json_of(full, path))["items"]
        ]
        await full.ask(TOKEN, "POST", API, json=WANTED)
        after = [(one["fingerprint"], one["state"]) for one in (await json_of(full, path))["items"]]
        assert before == after


async def test_a_person_ignores_and_undoes_on_pages(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        page = await full.ask(EDITOR, "GET", "/t/internal/shop/checkout:latest")
        there = next(
            one for one in ParsedPage(await page.text()).links if one.startswith("/ignores/new")
        )
        form = ParsedPage(await (await full.ask(EDITOR, "GET", there)).text())
        fields = {str(one["name"]): one.get("value") or "" for one in form.all_of("input")}
        assert ("internal", "shop/checkout", "latest") == (
            fields["registry"],
            fields["repository"],
            fields["tag"],
        )
        day = (NOW + timedelta(days=3)).date().isoformat()
        filled = fields | {"reason": "  until  the next release ", "expires": day}
        sent = await full.ask(EDITOR, "POST", "/ignores", data=filled)
        assert (303, "/ignores") == (sent.status, sent.headers["Location"])
        listed = ParsedPage(await (await full.ask(EDITOR, "GET", "/ignores")).text())
        assert all(part in listed.text for part in ("until the next release", "editor", day))
        assert "the appliance only ever runs v7" in listed.text
        (undo,) = (one for one in listed.links if one.endswith("/undo"))
        asked = ParsedPage(await (await full.ask(EDITOR, "GET", undo)).text())
        assert "until the next release" in asked.text
        done = await full.ask(EDITOR, "POST", undo, data={"token": EDITOR.token})
        assert (303, "/ignores") == (done.status, done.headers["Location"])
        assert () == await ignores.set_ignores(full.store)


async def test_a_viewer_reads_ignores_and_finds_no_way_to_undo_them(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        await full.ask(TOKEN, "POST", API, json=WANTED)
        listed = ParsedPage(await (await full.ask(WHO[1], "GET", "/ignores")).text())
        assert WANTED["reason"] in listed.text
        assert [] == [one for one in listed.links if "undo" in one or "new" in one]


REFUSED: Final[list[tuple[dict[str, Any], int]]] = [
    ({"registry": "edge"}, 404),
    ({"registry": "*"}, 404),
    ({"rule": "MFL999"}, 400),
    ({"rule": ""}, 400),
    ({"rule": "*" * 300}, 400),
    ({"reason": " \n"}, 400),
    ({"reason": "a" * 501}, 400),
    ({"reason": "a\u202eb"}, 400),
    ({"repository": "x" * 256}, 400),
    ({"tag": "\x00"}, 400),
    ({"tag": ""}, 400),
    ({"expires": "2026-03-01T00:00:00Z"}, 400),
    ({"expires": "2027-03-01T00:00:00"}, 400),
    ({"expires": "soon"}, 400),
    ({"id": 1}, 400),
]


async def test_an_ignore_that_cannot_be_is_refused_with_one_line(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        for change, status in REFUSED:
            answer = await full.ask(TOKEN, "POST", API, json=WANTED | change)
            problem = await answer.json()
            assert (status, False) == (answer.status, "\n" in problem["detail"]), change
        assert () == await ignores.set_ignores(full.store)


async def test_a_rule_is_named_in_every_way_that_the_configuration_knows(
    filled_url: str, tmp_path: Path
) -> None:
    named = {"mfl301": "MFL301", "MFL3": "MFL3*", "MFL3*": "MFL3*", "*": "*"}
    async with house(filled_url, tmp_path) as full:
        for name, pattern in named.items():
            answer = await full.ask(TOKEN, "POST", API, json=WANTED | {"rule": name})
            assert pattern == (await answer.json())["ignore"]["rule"]


async def test_more_than_pages_can_compare_with_are_refused(
    filled_url: str, tmp_path: Path
) -> None:
    async with house(filled_url, tmp_path) as full:
        one = filled_store.POLICY.ignores[0]
        for _ in range(ignores.MOST):
            await ignores.set_ignore(full.store, one, who="x", now=NOW)
        answer = await full.ask(TOKEN, "POST", API, json=WANTED)
        assert 409 == answer.status
        assert 200 == (await full.ask(EDITOR, "GET", "/")).status


async def test_a_day_that_is_none_or_past_is_a_page_of_400(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        for expires in ("soon", "2026-03-01", "99999-01-01", "2026-02-30"):
            data = {**WANTED, "token": EDITOR.token, "expires": expires}
            answer = await full.ask(EDITOR, "POST", "/ignores", data=data)
            assert (400, "text/html") == (answer.status, answer.content_type), expires
        assert () == await ignores.set_ignores(full.store)


async def test_markup_in_a_reason_is_inert(filled_url: str, tmp_path: Path) -> None:
    async with house(filled_url, tmp_path) as full:
        reason = "<script>alert(1)</script>"
        await full.ask(TOKEN, "POST", API, json=WANTED | {"reason": reason})
        for path in ("/ignores", "/t/internal/shop/checkout:latest"):
            source = await (await full.ask(EDITOR, "GET", path)).text()
            page = ParsedPage(source)
            assert [] == page.unbalanced
            assert reason not in source
            assert reason in page.text
        admin = next(who for who in WHO if who.name == "admin")
        audited = await (await full.ask(admin, "GET", "/audit")).text()
        assert reason not in audited
        assert "&lt;script&gt;" in audited
