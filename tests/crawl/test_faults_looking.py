"""What goes wrong while looking, at each place where it can: through a crawl and through a scan.

Before each fault there is an open finding and a good tag. Nothing may resolve, open or be
gone because of it; when it is over, all is as it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import pytest
from aiohttp import web

from mfl_lint.core.observation import LookState
from tests import faults, wire_faults
from tests.builders import image, index, place
from tests.crawl.harm import ARM64, DAY_S, GOOD, WRONG, unharmed
from tests.crawl.world import DOCUMENTS, World
from tests.fault_registry import (
    AT_BLOB,
    AT_CHILD,
    AT_INDEX,
    AT_MANIFEST,
    AT_TAGS,
    AT_TOKEN,
    Behaviour,
    Exchange,
    FaultRegistry,
    Match,
)

NEW = index(image("linux", "amd64", name="new"), image("linux", "arm64", name="new"))

PLACES: Final[dict[str, Match]] = {"token": AT_TOKEN, "index": AT_INDEX, "child": AT_CHILD}
# Bytes of a tag are asked for by its digest too, before anything is said of them.
BODY_PLACES: Final = {
    "index": f"/manifests/(new|{NEW.digest})$",
    "child": rf"/manifests/(?!{NEW.digest})sha256:",
}
STATUSES: Final[dict[str, tuple[Behaviour, LookState]]] = {
    "2 of 500": (faults.status(500), LookState.UNREACHABLE),
    "2 of 502": (faults.status(502), LookState.UNREACHABLE),
    "2 of 503": (faults.status(503), LookState.UNREACHABLE),
    "2 of 504": (faults.html(504), LookState.UNREACHABLE),
    "3 with seconds": (faults.throttled("600"), LookState.THROTTLED),
    "3 with a date": (faults.throttled("Fri, 01 Jan 2100 00:00:00 GMT"), LookState.THROTTLED),
    "3 with junk": (faults.throttled("soon"), LookState.THROTTLED),
    "3 with a year": (faults.throttled("31536000"), LookState.THROTTLED),
    "4 of 401": (faults.status(401), LookState.DENIED),
    "4 of 403": (faults.status(403), LookState.DENIED),
    "5 in html": (faults.html(404), LookState.UNREACHABLE),
    "1 reset": (wire_faults.reset(), LookState.UNREACHABLE),
    "1 hung up": (wire_faults.hung_up(), LookState.UNREACHABLE),
    "1 not http": (wire_faults.not_http(), LookState.UNREACHABLE),
    "15 to nowhere": (faults.redirected("http://127.0.0.1:1/"), LookState.UNREACHABLE),
    "15 in a loop": (faults.looping(), LookState.UNREACHABLE),
    "15 with user info": (faults.redirected("http://a:b@127.0.0.1/"), LookState.UNREACHABLE),
}
BODIES: Final[dict[str, tuple[Behaviour, LookState]]] = {
    "7 cut by length": (wire_faults.cut("length"), LookState.INVALID),
    "7 cut in a chunk": (wire_faults.cut("chunked"), LookState.INVALID),
    "7 cut at the end": (wire_faults.cut("eof"), LookState.INVALID),
    "9 flipped": (faults.flipped(20), LookState.INVALID),
    "17 gzip": (faults.bomb("gzip", 1 << 26), LookState.INVALID),
    "17 brotli": (faults.bomb("br", 1 << 24), LookState.INVALID),
    "17 zstd": (faults.bomb("zstd", 1 << 24), LookState.INVALID),
    "17 nested": (faults.bomb("gzip", 1 << 26, layers=2), LookState.INVALID),
    "17 endless": (wire_faults.endless_body(), LookState.INVALID),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", STATUSES)
async def test_a_failed_answer_changes_no_finding(guarded: World, name: str, place: str) -> None:
    behaviour, expected = STATUSES[name]
    world = guarded

    async with unharmed(world):
        if place == "token":
            assert world.registry.tokens is not None
            world.registry.tokens.revoke()
        world.registry.fault(PLACES[place], behaviour)
        await world.crawl(2 * DAY_S)
        looked = (await world.tag("app", "bad")).look
        if place == "index":
            assert expected is looked
        if place == "token":
            assert LookState.VERIFIED is not looked


@pytest.mark.parametrize("place", ["index", "child"])
@pytest.mark.parametrize("name", [*STATUSES, *BODIES])
async def test_what_was_never_seen_opens_nothing_and_is_not_kept(
    world: World, name: str, place: str
) -> None:
    behaviour, expected = (STATUSES | BODIES)[name]
    world.place("app", NEW, "new")
    match = ("GET", BODY_PLACES[place]) if name in BODIES else PLACES[place]
    world.registry.fault(match, behaviour)
    await world.crawl()
    mismatch = ["app:new MFL203"] * (1 if place == "index" else 2) if name == "9 flipped" else []
    assert mismatch == await world.found()
    state = await world.tag("app", "new")
    if place == "index":
        assert expected is state.look
    assert not state.complete or name == "9 flipped"
    kept = await world.documents()
    assert all(str(child.digest) not in kept for child in NEW.children)
    world.registry.heal()
    await world.crawl(2 * DAY_S)
    assert [] == await world.found()
    assert (await world.tag("app", "new")).complete


@pytest.mark.parametrize("place", ["index", "child"])
@pytest.mark.parametrize("name", [*STATUSES, *BODIES])
async def test_a_scan_says_what_it_could_not_see_and_finds_nothing(
    world: World, name: str, place: str
) -> None:
    behaviour, expected = (STATUSES | BODIES)[name]
    world.place("app", NEW, "new")
    match = ("GET", BODY_PLACES[place]) if name in BODIES else PLACES[place]
    world.registry.fault(match, behaviour)
    scan = await world.scan("app", "new")
    (target,) = scan.targets
    if place == "index":
        assert expected is target.state
    else:
        assert {expected} == {platform.state for platform in target.platforms}
    rules = {finding.rule for finding in scan.findings}
    assert ({"MFL203"} if name == "9 flipped" else set()) == rules


async def test_a_server_error_is_tried_five_times_at_most(world: World) -> None:
    world.place("app", GOOD, "v1")
    fault = world.registry.fault(AT_INDEX, faults.status(503))
    await world.crawl()
    assert 5 == fault.met


@pytest.mark.parametrize("asked", ["600", "31536000", "Fri, 01 Jan 2100 00:00:00 GMT"])
async def test_a_host_that_asks_for_patience_is_left_alone_and_nobody_waits(
    world: World, asked: str
) -> None:
    for number in range(10):
        world.place(f"app{number}", GOOD, "v1")
    world.registry.fault(AT_TAGS, faults.throttled(asked), skip=3)
    before = world.clock.seconds
    world.change_settings(repositories_at_once=1)
    await world.crawl(0)
    assert world.clock.seconds - before < 10
    assert 4 == len(world.asked(AT_TAGS))


@pytest.mark.parametrize("code", [401, 403])
@pytest.mark.parametrize("place", ["listing", "index", "child"])
async def test_of_a_hundred_open_findings_none_resolves_when_access_is_denied(
    world: World, code: int, place: str
) -> None:
    for number in range(100):
        world.place(f"app{number % 5}", WRONG, f"v{number}")
    await world.crawl()
    assert 100 == len(await world.found())
    match = {"listing": AT_TAGS, "index": AT_INDEX, "child": AT_CHILD}[place]
    world.registry.fault(match, faults.status(code), skip=2)
    for _ in range(4):
        await world.crawl(DAY_S + 60)
    assert 100 == len(await world.found("open", "unknown"))
    assert not any(change.endswith("resolved") for change in await world.changes())
    print("0 of 100 findings resolved")


@pytest.mark.parametrize("header", ["sha256:" + "0" * 64, "nonsense", None])
async def test_a_wrong_or_missing_digest_header_proves_nothing(
    world: World, header: str | None
) -> None:
    world.registry.fault(AT_MANIFEST, faults.digest_header(header))
    world.place("app", WRONG, "v1")
    await world.crawl()
    assert WRONG.digest == (await world.tag("app", "v1")).digest
    assert ["app:v1 MFL101"] == await world.found()


async def test_any_flipped_byte_is_seen_and_never_kept(
    world: World, count: Callable[[int], int], seed: int
) -> None:
    chance, tried = random.Random(seed), 0
    for number in range(count(200)):
        tag = f"v{number}"
        built = index(*(image("linux", arch, name=tag) for arch in ("amd64", "arm64")))
        world.place("app", built, tag)
        victim = chance.choice([built, *built.children])
        at = chance.randrange(len(victim.raw))
        target = tag if victim is built else victim.digest
        world.registry.heal()
        world.registry.fault(
            ("GET", f"/app/manifests/({target}|{victim.digest})$"), faults.flipped(at)
        )
        world.change(tags=(tag,))
        await world.crawl()
        assert [f"app:{tag} MFL203"] == await world.found(rules=("MFL203",))
        tried += 1
        assert str(victim.digest) not in await world.documents()
        world.registry.heal()
        await world.crawl(2 * DAY_S)
        assert [] == await world.found(rules=("MFL203",))
    print(f"{tried} flipped bytes")


async def test_a_child_deleted_in_the_walk_is_dangling_only_if_the_index_still_stands(
    world: World,
) -> None:
    world.place("app", GOOD, "v1")

    def delete(_: object) -> None:
        world.registry.demo.delete_manifest("app", ARM64.digest)

    world.registry.fault(("GET", "/v1$"), faults.after(delete), times=1)
    await world.crawl()
    assert ["app:v1 MFL201"] == await world.found()


async def test_a_child_whose_404_could_not_be_confirmed_is_not_dangling(world: World) -> None:
    world.place("app", GOOD, "v1")
    world.registry.demo.delete_manifest("app", ARM64.digest)
    world.registry.fault(("HEAD", "/v1$"), faults.status(503), skip=1)
    await world.crawl()
    assert [] == await world.found()
    assert not (await world.tag("app", "v1")).complete


async def test_a_redirect_to_another_host_carries_no_authorization(guarded: World) -> None:
    world = guarded
    async with FaultRegistry() as elsewhere:
        world.place("app", NEW, "new")
        place(elsewhere.demo, "app", NEW, "new")
        world.registry.fault(AT_BLOB, redirect_to(elsewhere))
        await world.crawl()
        assert elsewhere.requests
        assert all("authorization" not in one.headers for one in elsewhere.requests)
        assert (await world.tag("app", "new")).complete


def redirect_to(elsewhere: FaultRegistry) -> Behaviour:
    """Send every request to the same path on another registry."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        return await faults.redirected(elsewhere.url + exchange.request.path_qs)(exchange)

    return answer


async def test_the_request_log_of_a_healthy_registry_shows_no_document_twice(world: World) -> None:
    world.place("app", GOOD, "a", "b", "c")
    await world.crawl()
    assert len(set(world.asked(DOCUMENTS))) == len(world.asked(DOCUMENTS)) == 5
