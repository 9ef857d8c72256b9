"""Every address, asked by everybody: nobody sees or does what they should not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from mfl_lint.config_serve import OidcConfig
from mfl_lint.core.access import Right
from mfl_lint.core.digest import Digest
from mfl_lint.core.messages import Draft, MessageState, Notice, Outcome
from mfl_lint.core.news import Group, Kind, News
from mfl_lint.core.policy import Ignore
from mfl_lint.core.pushes import PushEnd, PushRecord
from mfl_lint.core.views import FindingFilter
from mfl_lint.store import (
    api_tokens,
    audit,
    crawls,
    handling,
    ignores,
    looks,
    messages,
    pushes,
    views,
)
from mfl_lint.web.links import EVENTS
from tests.web import filled_store
from tests.web.people import EDITOR, MARKS, VISIBLE, WHO, House, Who, config_with, house

PLACES: Final = {
    "hub": "acme/agent-arm64",
    "internal": "shop/checkout",
    "edge": "fleet/probe",
}


@dataclass(frozen=True)
class Route:
    """What an address needs: `right` (None: nothing), and the answer for whoever has it.

    `whole`: only who sees every registry has it.
    `path` may name {registry}, {repository}, {crawl} and {ignore}: it is asked for each registry.
    """

    path: str
    right: Right | None = Right.READ
    good: int = 200
    body: tuple[str, ...] = ()
    whole: bool = False


READ, SCAN, IGNORE, AUDIT = Right.READ, Right.SCAN, Right.IGNORE, Right.AUDIT
PUSH: Final = Right.PUSH
API: Final = "/api/v1"
_PLACE = ("registry", "repository")
TABLE: Final = {
    ("GET", "/"): Route("/"),
    ("GET", f"{API}/overview"): Route(f"{API}/overview"),
    ("GET", f"{API}/registries"): Route(f"{API}/registries"),
    ("GET", f"{API}/registries/{{registry}}"): Route(f"{API}/registries/{{registry}}"),
    ("GET", "/registries/{registry}"): Route("/registries/{registry}"),
    ("GET", f"{API}/registries/{{registry}}/repositories"): Route(
        f"{API}/registries/{{registry}}/repositories"
    ),
    ("GET", "/r/{registry}/{repository}"): Route("/r/{registry}/{repository}"),
    ("GET", f"{API}/r/{{registry}}/{{repository}}"): Route(f"{API}/r/{{registry}}/{{repository}}"),
    ("GET", "/t/{registry}/{repository}:{tag}"): Route("/t/{registry}/{repository}:latest"),
    ("GET", f"{API}/t/{{registry}}/{{repository}}:{{tag}}"): Route(
        f"{API}/t/{{registry}}/{{repository}}:latest"
    ),
    ("GET", "/d/{registry}/{repository}:{tag}"): Route("/d/{registry}/{repository}:latest"),
    ("GET", f"{API}/d/{{registry}}/{{repository}}:{{tag}}"): Route(
        f"{API}/d/{{registry}}/{{repository}}:latest"
    ),
    ("GET", "/findings"): Route("/findings?state=open,unknown,resolved&limit=200"),
    ("GET", f"{API}/findings"): Route(f"{API}/findings?state=open,unknown,resolved&limit=200"),
    ("GET", "/rules"): Route("/rules"),
    ("GET", f"{API}/rules"): Route(f"{API}/rules"),
    ("GET", "/rules/{id}"): Route("/rules/MFL101?limit=200"),
    ("GET", f"{API}/rules/{{id}}"): Route(f"{API}/rules/MFL101?limit=200"),
    ("GET", "/crawls"): Route("/crawls?limit=200"),
    ("GET", f"{API}/crawls"): Route(f"{API}/crawls?limit=200"),
    ("GET", "/crawls/{id}"): Route("/crawls/{crawl}"),
    ("GET", f"{API}/crawls/{{id}}"): Route(f"{API}/crawls/{{crawl}}"),
    ("GET", "/scans"): Route("/scans"),
    ("GET", f"{API}/scans"): Route(f"{API}/scans"),
    ("GET", "/scans/new"): Route("/scans/new", SCAN),
    ("POST", "/scans"): Route("/scans", SCAN, 303, _PLACE),
    ("POST", f"{API}/scans"): Route(f"{API}/scans", SCAN, 202, _PLACE),
    ("GET", "/ignores"): Route("/ignores"),
    ("GET", f"{API}/ignores"): Route(f"{API}/ignores"),
    ("GET", "/ignores/new"): Route("/ignores/new", IGNORE),
    ("POST", "/ignores"): Route("/ignores", IGNORE, 303, ("registry", "rule", "reason")),
    ("POST", f"{API}/ignores"): Route(
        f"{API}/ignores", IGNORE, 201, ("registry", "rule", "reason")
    ),
    ("DELETE", f"{API}/ignores/{{id}}"): Route(f"{API}/ignores/{{ignore}}", IGNORE, 204),
    ("GET", "/ignores/{id}/undo"): Route("/ignores/{ignore}/undo", IGNORE),
    ("POST", "/ignores/{id}/undo"): Route("/ignores/{ignore}/undo", IGNORE, 303),
    ("GET", "/alerts"): Route("/alerts?limit=200"),
    ("GET", f"{API}/alerts"): Route(f"{API}/alerts?limit=200"),
    ("POST", f"{API}/alerts/{{id}}/retry"): Route(f"{API}/alerts/{{delivery}}/retry", AUDIT, 202),
    ("GET", "/alerts/{id}/retry"): Route("/alerts/{delivery}/retry", AUDIT),
    ("POST", "/alerts/{id}/retry"): Route("/alerts/{delivery}/retry", AUDIT, 303),
    ("GET", "/silences/new"): Route("/silences/new", IGNORE),
    ("POST", "/silences"): Route("/silences", IGNORE, 303, ("registry", "reason", "lasts")),
    ("POST", f"{API}/silences"): Route(
        f"{API}/silences", IGNORE, 201, ("registry", "reason", "expires")
    ),
    ("DELETE", f"{API}/silences/{{id}}"): Route(f"{API}/silences/{{silence}}", IGNORE, 204),
    ("GET", "/silences/{id}/end"): Route("/silences/{silence}/end", IGNORE),
    ("POST", "/silences/{id}/end"): Route("/silences/{silence}/end", IGNORE, 303),
    ("GET", "/acknowledgements/new"): Route("/acknowledgements/new", IGNORE),
    ("POST", "/acknowledgements"): Route(
        "/acknowledgements", IGNORE, 303, ("fingerprint", "reason")
    ),
    ("POST", f"{API}/acknowledgements"): Route(
        f"{API}/acknowledgements", IGNORE, 201, ("fingerprint", "reason")
    ),
    ("DELETE", f"{API}/acknowledgements/{{fingerprint}}"): Route(
        f"{API}/acknowledgements/{{acknowledged}}", IGNORE, 204
    ),
    ("GET", "/acknowledgements/{fingerprint}/undo"): Route(
        "/acknowledgements/{acknowledged}/undo", IGNORE
    ),
    ("POST", "/acknowledgements/{fingerprint}/undo"): Route(
        "/acknowledgements/{acknowledged}/undo", IGNORE, 303
    ),
    ("GET", "/plans/{registry}/{repository}:{tag}"): Route("/plans/{registry}/{repository}:latest"),
    ("GET", f"{API}/plans/{{registry}}/{{repository}}:{{tag}}"): Route(
        f"{API}/plans/{{registry}}/{{repository}}:latest"
    ),
    # Nothing may be pushed to these registries: what is not allowed is not there.
    ("POST", f"{API}/plans/{{registry}}/{{repository}}:{{tag}}"): Route(
        f"{API}/plans/{{registry}}/{{repository}}:latest", PUSH, 404, ("before", "after")
    ),
    ("GET", "/push/{registry}/{repository}:{tag}"): Route(
        "/push/{registry}/{repository}:latest", PUSH, 404
    ),
    ("POST", "/push/{registry}/{repository}:{tag}"): Route(
        "/push/{registry}/{repository}:latest", PUSH, 404, ("before", "after")
    ),
    ("GET", "/pushes"): Route("/pushes"),
    ("GET", f"{API}/pushes"): Route(f"{API}/pushes"),
    ("GET", "/pushes/{id}"): Route("/pushes/{push}"),
    ("GET", f"{API}/pushes/{{id}}"): Route(f"{API}/pushes/{{push}}"),
    ("POST", f"{API}/pushes/{{id}}/undo"): Route(f"{API}/pushes/{{push}}/undo", PUSH, 404),
    ("GET", "/pushes/{id}/undo"): Route("/pushes/{push}/undo", PUSH, 404),
    ("POST", "/pushes/{id}/undo"): Route("/pushes/{push}/undo", PUSH, 404),
    ("GET", "/audit"): Route("/audit", AUDIT),
    ("GET", f"{API}/audit"): Route(f"{API}/audit", AUDIT),
    ("GET", f"{API}/findings.csv"): Route(f"{API}/findings.csv?state=open,unknown,resolved"),
    ("GET", f"{API}/matrix"): Route(f"{API}/matrix"),
    ("GET", f"{API}/matrix.csv"): Route(f"{API}/matrix.csv"),
    ("GET", "/matrix"): Route("/matrix"),
    ("GET", "/hooks"): Route("/hooks"),
    ("GET", f"{API}/hooks"): Route(f"{API}/hooks"),
    # It asks for a secret of its own, whoever asks.
    ("POST", "/hooks/{name}"): Route("/hooks/x", None, 401),
    ("GET", "/search"): Route("/search?q=latest&limit=200"),
    ("GET", f"{API}/search"): Route(f"{API}/search?q=latest&limit=200"),
    ("GET", f"{API}/digests"): Route(f"{API}/digests?limit=200"),
    ("GET", f"{API}/transitions"): Route(f"{API}/transitions?limit=200"),
    ("GET", f"{API}/ready"): Route(
        f"{API}/ready?platform=linux/amd64&reference=registry.test/team/app:v1"
    ),
    ("GET", f"{API}/ready/{{registry}}/{{repository}}/{{tag}}"): Route(
        f"{API}/ready/{{registry}}/{{repository}}/latest?platform=linux/amd64"
    ),
    ("GET", f"{API}/crawls/events"): Route(f"{API}/crawls/events"),
    ("GET", f"{API}/openapi.json"): Route(f"{API}/openapi.json"),
    ("GET", "/badge/{registry}/{repository}/{tag}.svg"): Route(
        "/badge/{registry}/{repository}/latest.svg"
    ),
    ("GET", "/feed.atom"): Route("/feed.atom"),
    ("GET", "/metrics"): Route("/metrics", whole=True),
    ("GET", "/login"): Route("/login", None),
    ("POST", "/login"): Route("/login", None, 403),
    ("GET", "/login/oidc"): Route("/login/oidc", None, 403),
    ("GET", "/login/oidc/back"): Route("/login/oidc/back?state=x&code=y", None, 403),
    ("GET", "/account"): Route("/account", None),
    ("POST", "/logout"): Route("/logout", None, 303),
    ("GET", "/look"): Route("/look", None),
    ("POST", "/look"): Route("/look", None, 200, ("reference",)),
    ("GET", "/static/{name}"): Route("/static/app.css", None),
    ("GET", "/healthz"): Route("/healthz", None),
    ("GET", "/readyz"): Route("/readyz", None),
}
# Who is signed in is led on, who is not is led to the form.
LED_ON: Final = {("GET", "/login"): True, ("GET", "/account"): False}
# What an address names that has to be made first.
MADE: Final = re.compile(r"\{(ignore|silence|acknowledged|delivery)\}")
# What a browser sends by itself, without the secret, is worth nothing to a webhook.
CHANGES: Final = [key for key in TABLE if key[0] != "GET" and key[1] != "/hooks/{name}"]

# Nobody is there to be asked.
OIDC: Final = OidcConfig(issuer="http://127.0.0.1:9", client_id="x", url="http://localhost")


@pytest.fixture
async def full(filled_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """Yield an application on a filled store, with people."""
    async with house(filled_url, tmp_path, config_with(oidc=OIDC)) as full:
        yield full


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(
    filled_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Yield a module's one application with people, for tests in which all is refused."""
    folder = tmp_path_factory.mktemp("refusing")
    async with house(filled_url, folder, config_with(oidc=OIDC)) as full:
        yield full


def routes_of(full: House) -> set[tuple[str, str]]:
    """Return every address that the application answers at."""
    found = set()
    for route in full.client.server.app.router.routes():  # type: ignore[attr-defined]
        if route.method != "HEAD":
            found.add((route.method, route.resource.canonical))
    return found


async def test_every_address_of_the_application_stands_in_the_table(full: House) -> None:
    assert set(TABLE) == routes_of(full)


async def placed(full: House, route: Route, registry: str) -> tuple[str, dict[str, str]]:
    """Return path and body of what is asked about a registry."""
    given = {"registry": registry, "repository": PLACES[registry]}
    if "{crawl}" in route.path:
        page = await crawls.crawls(full.store, registry)
        given["crawl"] = str(page.items[0].id)
    if "{ignore}" in route.path:
        one = Ignore("MFL301", "known", registry, PLACES[registry])
        number = await ignores.set_ignore(full.store, one, who="x", now=filled_store.NOW)
        given["ignore"] = str(number)
    given |= await alerted(full, route, registry)
    if "{push}" in route.path:
        given["push"] = str(await pushed_to(full, registry))
    given |= {"before": f"sha256:{'1' * 64}", "after": f"sha256:{'2' * 64}"}
    given |= {"rule": "MFL301", "reason": "why", "reference": "registry.example/team/app:v1"}
    body = {name: given[name] for name in route.body}
    return route.path.format(**given), body


async def alerted(full: House, route: Route, registry: str) -> dict[str, str]:
    """Return what an address about alerts names: a message, a silence, a finding."""
    store, now = full.store, filled_store.NOW
    until = now + timedelta(days=30)
    given = {"lasts": "1d", "expires": until.isoformat()}
    page = await views.findings_page(store, FindingFilter(registry=registry), limit=1)
    given["fingerprint"] = given["acknowledged"] = page.items[0].finding.fingerprint
    if "{acknowledged}" in route.path:
        mark = given["acknowledged"]
        assert await handling.acknowledge(store, mark, "mine", who="x", now=now)
    if "{silence}" in route.path:
        one = Ignore("MFL301", "known", registry, PLACES[registry], "*", until)
        given["silence"] = str(await handling.set_silence(store, one, who="x", now=now))
    if "{delivery}" in route.path:
        given["delivery"] = str(await dead_letter(full, registry))
    return given


async def dead_letter(full: House, registry: str) -> int:
    """Return the number of a message about a registry that nobody took."""
    now, place = filled_store.NOW, PLACES[registry]
    mark = f"{registry} {uuid4().hex}"
    notice = Notice(
        mark, "team", Group("team", registry), now, (News(mark, Kind.TEST, now, registry),)
    )
    draft = Draft(notice, "hook", f"{place}: broken")
    await messages.add_drafts(full.store, [draft], now)
    (one,) = (await messages.deliveries(full.store, limit=1)).items
    dead = Outcome(one.id, MessageState.DEAD, "the receiver answered 410")
    await messages.finish(full.store, "", [dead], now)
    return one.id


async def pushed_to(full: House, registry: str) -> int:
    """Write down a push to a registry, and return its id."""
    before, after = Digest(f"sha256:{'1' * 64}"), Digest(f"sha256:{'2' * 64}")
    record = PushRecord(
        filled_store.NOW, "editor", registry, PLACES[registry], "latest", before, "{}"
    )
    (number,) = await pushes.begin_push(full.store, record)
    await pushes.end_push(full.store, PushEnd(number, "pushed", after))
    return number


def concerns(route: Route) -> tuple[str, ...]:
    """Return the registries that an address is asked about, one after the other."""
    parts = ("registry", "crawl", "ignore", "silence", "acknowledged", "delivery", "push")
    named = any(f"{{{name}}}" in route.path for name in parts)
    return tuple(PLACES) if named or {"registry", "fingerprint"} & {*route.body} else ("",)


def expected(key: tuple[str, str], route: Route, who: Who, registry: str) -> int:
    """Return the status that somebody must get."""
    signed_in = who.name != "anonymous"
    if key in LED_ON and LED_ON[key] == signed_in:
        return 303
    if route.right is None:
        return route.good
    if route.right not in who.rights or (route.whole and who.sees != frozenset(VISIBLE)):
        if signed_in:
            return 403
        return 303 if key[0] == "GET" and not key[1].startswith(API) else 401
    return 404 if registry and registry not in who.sees else route.good


async def sent(
    full: House, who: Who, key: tuple[str, str], path: str, body: dict[str, str], **more: Any
) -> tuple[int, str]:
    options: dict[str, Any] = dict(more)
    if key[0] == "POST":
        form = not key[1].startswith(API)
        options |= {"data": {"token": who.token, **body}} if form else {"json": body}
    answer = await full.ask(who, key[0], path, **options)
    if answer.content_type == "text/event-stream":
        # It has no end: the first thing that it says of crawls is enough.
        said = [await answer.content.readuntil(b"\n\n") for _ in range(2)]
        answer.close()
        return answer.status, b"".join(said).decode()
    return answer.status, await answer.text() + str(answer.headers)


@pytest.mark.parametrize("who", WHO, ids=lambda who: who.name)
async def test_everybody_gets_what_is_theirs_and_nothing_else(full: House, who: Who) -> None:
    asked = 0
    # Who signed out is nobody any more.
    for key, route in sorted(TABLE.items(), key=lambda item: item[0][1] == "/logout"):
        for registry in concerns(route):
            path, body = await placed(full, route, registry or "hub")
            status, text = await sent(full, who, key, path, body)
            asked += 1
            told = f"{key} {path} as {who.name}"
            assert expected(key, route, who, registry) == status, told
            for name in set(VISIBLE) - who.sees:
                shown = text.replace(path, "").replace(body.get("repository", "\0"), "")
                assert [] == [mark for mark in MARKS[name] if mark in shown], told
    print(f"{asked} requests as {who.name}")
    assert asked > 50


READERS: Final = [who for who in WHO if Right.READ in who.rights]


@pytest.mark.parametrize("who", READERS, ids=lambda who: who.name)
async def test_what_somebody_may_see_they_do_see(full: House, who: Who) -> None:
    _, text = await sent(full, who, ("GET", f"{API}/registries"), f"{API}/registries", {})
    for name, marks in MARKS.items():
        assert (name in who.sees) == (marks[-1] in text)


async def shown(full: House, who: Who) -> dict[tuple[str, str], tuple[int, str]]:
    """Return what somebody reads at each address, about each registry."""
    found = {}
    for key, route in TABLE.items():
        for registry in concerns(route) if key[0] == "GET" else ():
            path, _ = await placed(full, route, registry or "hub")
            found[key[1], registry] = await sent(full, who, key, path, {})
    return found


@pytest.mark.ordeal
async def test_what_is_kept_for_one_is_not_sent_to_another(full: House) -> None:
    admin = next(who for who in WHO if who.name == "admin")
    for who in (admin, *READERS, admin):
        for (path, registry), (status, text) in (await shown(full, who)).items():
            made_anew = ("ignore", "push", "silence", "acknowledgement", "alerts")
            if registry and registry not in who.sees and not any(one in path for one in made_anew):
                assert 404 == status, (path, who.name)
            for name in set(VISIBLE) - who.sees:
                if name != registry:
                    found = [mark for mark in MARKS[name] if mark in text]
                    assert [] == found, (path, who.name)


HIDDEN: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "a badge": ("/badge/{0}/shop/checkout/latest.svg", ()),
    "a place": (f"{API}/ready/{{0}}/shop/checkout/latest?platform=linux/amd64", ()),
    "a reference": (
        f"{API}/ready?reference={{1}}/shop/checkout:latest&platform=linux/amd64",
        ("verified_at", "ready", "checks"),
    ),
    "a host that is looked for": (f"{API}/search?q={{1}}/agent", ("items",)),
    "a registry's changes": (f"{API}/transitions?registry={{0}}", ("items",)),
    "a registry's digests": (f"{API}/digests?registry={{0}}", ("items", "doubts")),
    "a registry's matrix": (f"{API}/matrix?registry={{0}}", ("items", "platforms")),
}


@pytest.mark.parametrize("what", HIDDEN)
async def test_what_may_not_be_known_of_is_answered_like_what_is_not_there(
    full: House, what: str
) -> None:
    path, fields = HIDDEN[what]
    anonymous = next(who for who in WHO if who.name == "anonymous")
    answers = []
    for name, host in (("internal", "registry.internal.example:5000"), ("nowhere", "no.example")):
        answer = await full.ask(anonymous, "GET", path.format(name, host))
        text = await answer.text()
        parts = msgspec.json.decode(text) if fields else {"": text.replace(name, "")}
        answers.append((answer.status, [parts[one] for one in fields or parts]))
    assert answers[0] == answers[1]


async def test_a_stream_ends_when_whoever_asked_may_no_more(full: House) -> None:
    token = next(who for who in WHO if who.name == "read token")
    answer = await full.ask(token, "GET", EVENTS)
    assert b"retry" in await answer.content.readuntil(b"\n\n")
    await api_tokens.revoke_token(full.store, "read", who="shell:test", now=filled_store.NOW)
    async with asyncio.timeout(20):
        await answer.content.read()
    assert answer.content.at_eof()


async def test_what_is_refused_changes_nothing(full: House) -> None:
    before = (await audit.deeds(full.store)).items
    for who in WHO:
        if who.rights & {SCAN, IGNORE, PUSH}:
            continue
        for key in CHANGES:
            if TABLE[key].right is not None and not MADE.search(TABLE[key].path):
                path, body = await placed(full, TABLE[key], "hub")
                await sent(full, who, key, path, body)
    assert before == (await audit.deeds(full.store)).items
    assert () == await looks.pending_looks(full.store)


FOREIGN: Final = {
    "another site's page": {"Origin": "https://evil.example"},
    "a page of nowhere": {"Origin": "null"},
    "a browser that says so": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour on this site": {"Sec-Fetch-Site": "same-site"},
}


@pytest.mark.parametrize("key", CHANGES, ids=" ".join)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_change_that_another_site_makes_a_browser_send_is_refused(
    refusing: House, key: tuple[str, str]
) -> None:
    path, body = await placed(refusing, TABLE[key], "hub")
    before = (await audit.deeds(refusing.store)).items
    for why, headers in FOREIGN.items():
        status, _ = await sent(refusing, EDITOR, key, path, body, headers=headers)
        assert 403 == status, why
    if key[1].startswith(API):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            answer = await refusing.ask(
                EDITOR, key[0], path, data=b"{}", headers={"Content-Type": kind}
            )
            assert key[0] == "DELETE" or 403 == answer.status
    else:
        others = (one.token for one in WHO if one is not EDITOR)
        for token in ("", "x", "é", *others):
            answer = await refusing.ask(EDITOR, "POST", path, data={**body, "token": token})
            assert 403 == answer.status, token
    if key[0] != "DELETE":
        assert before == (await audit.deeds(refusing.store)).items


@pytest.mark.parametrize("key", TABLE, ids=" ".join)
@pytest.mark.asyncio(loop_scope="module")
async def test_under_a_foreign_host_nothing_is_answered(
    refusing: House, key: tuple[str, str]
) -> None:
    path, body = await placed(refusing, TABLE[key], "hub")
    for host in ("evil.example", "localhost.evil.example", "10.0.0.1", "[::2]:80"):
        status, _ = await sent(refusing, EDITOR, key, path, body, headers={"Host": host})
        assert 403 == status, host
