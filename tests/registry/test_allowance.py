"""Pulls left to others: the headers, the bound by an injected clock, and a registry that counts."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from mfl_lint.config import CredentialsConfig, RegistryConfig, Scheme
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.errors import RateLimited
from mfl_lint.core.observation import LookState, Observation
from mfl_lint.core.reference import Reference
from mfl_lint.registry.allowance import Allowance, Pulls, parse_allowance
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.observe import NOTHING_KNOWN, Unchanged, observe
from mfl_lint.registry.source import Known
from mfl_lint.registry.transport import Transport
from tests.builders import LOOKED_AT, Built, image, index, place
from tests.fault_registry import AT_MANIFEST, Exchange, FaultRegistry
from tests.faults import status
from tests.stub_server import FakeTime, transport

APP = "team/app"
LIST = index(image(), image(arch="arm64"))
WINDOW_S = 21600.0
DAY_S = 86400.0


def said(limit: str, remaining: str, source: str = "") -> dict[str, str]:
    return {
        "RateLimit-Limit": limit,
        "RateLimit-Remaining": remaining,
        "Docker-RateLimit-Source": source,
    }


def left(remaining: int, limit: int = 100, source: str = "") -> dict[str, str]:
    return said(f"{limit};w=21600", f"{remaining};w=21600", source)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (said("100;w=21600", "76;w=21600"), Allowance(100, 76, WINDOW_S)),
        (said("100;w=21600", "76;w=21600", "192.0.2.1"), Allowance(100, 76, WINDOW_S, "192.0.2.1")),
        (said("100;w=21600", "76", "2001:db8::1"), Allowance(100, 76, WINDOW_S, "2001:db8::1")),
        (said("100", "76;w=60"), Allowance(100, 76, 60.0)),
        (said(" 200 ; W=21600", "0; w=21600 "), Allowance(200, 0, WINDOW_S)),
        (said("0;w=21600", "0;w=21600"), Allowance(0, 0, WINDOW_S)),
        (said("100;w=999999999", "76"), Allowance(100, 76, DAY_S)),
        (said("100;w=21600", "76", "a\tb"), Allowance(100, 76, WINDOW_S)),
        (said("100;w=21600", "76", "a" * 65), Allowance(100, 76, WINDOW_S)),
    ],
)
def test_headers_say_what_is_left(headers: dict[str, str], expected: Allowance) -> None:
    assert expected == parse_allowance(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Docker-RateLimit-Source": "192.0.2.1"},
        {"RateLimit-Remaining": "76;w=21600"},
        {"RateLimit-Limit": "100;w=21600"},
        said(";w=21600", ";w=21600"),
        said("100;w=21600", ""),
        said("-1;w=21600", "76;w=21600"),
        said("100;w=-1", "76"),
        said("1e3;w=21600", "76;w=21600"),
        said("1000000000;w=21600", "76;w=21600"),
        said("100;w=1000000000", "76;w=1000000000"),
        said("9" * 60_000, "76;w=21600"),
        said("١٠٠;w=21600", "76;w=21600"),
        said("100;w=21600\n", "76;w=21600, 5;w=60"),
        said("100;w=21600, 10;w=60", "76;w=21600"),
        said("100", "76"),
        said("100;w=0", "76;w=0"),
        said("10;w=1", "1;w=1"),
    ],
)
def test_what_is_no_allowance_of_pulls_is_ignored(headers: dict[str, str]) -> None:
    assert parse_allowance(headers) is None


@pytest.mark.parametrize(
    ("limit", "reserve"), [(0, 0), (1, 1), (4, 1), (5, 1), (6, 2), (99, 20), (100, 20), (101, 21)]
)
def test_a_fifth_is_rounded_up(limit: int, reserve: int) -> None:
    assert reserve == Allowance(limit, limit, WINDOW_S).reserve


class Bench:
    """The pulls of a host, by a clock that is set."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.pulls = Pulls("registry.test", self.time.clock)

    def hear(self, headers: dict[str, str], account: str = "hub", began: int | None = None) -> None:
        self.pulls.hear(account, headers, self.pulls.falls if began is None else began)

    def allows(self, account: str = "hub") -> bool:
        try:
            self.pulls.check(account)
        except RateLimited:
            return False
        return True


@pytest.mark.parametrize(
    ("remaining", "limit", "allowed"),
    [(21, 100, True), (20, 100, False), (0, 100, False), (1, 1, False), (0, 0, True), (9, 0, True)],
)
def test_pulls_end_where_the_next_would_touch_the_last_fifth(
    remaining: int, limit: int, allowed: bool
) -> None:
    bench = Bench()
    bench.hear(left(remaining, limit))
    assert allowed is bench.allows()


def test_who_was_never_told_is_not_bounded() -> None:
    bench = Bench()
    assert bench.pulls.begin("hub") is None
    bench.hear(said(";w=21600", ";w=21600"))
    assert bench.allows()


def test_a_refusal_says_how_many_are_left_and_what_to_do() -> None:
    bench = Bench()
    bench.hear(left(7))
    bench.time.now += 600
    with pytest.raises(RateLimited) as refused:
        bench.pulls.check("hub")
    assert (
        "registry.test: manifest not asked for: 7 of 100 pulls are left, and the last 20 are for "
        "people; sign in for more, or wait 21000 s"
    ) == str(refused.value)
    assert 21000.0 == refused.value.retry_after_s


def test_the_wait_is_a_day_at_most() -> None:
    bench = Bench()
    bench.hear(said("100;w=999999999", "0"))
    with pytest.raises(RateLimited) as refused:
        bench.pulls.check("hub")
    assert DAY_S == refused.value.retry_after_s


def test_pulls_go_on_when_an_answer_shows_more() -> None:
    bench = Bench()
    bench.hear(left(20))
    assert not bench.allows()
    bench.hear(left(90))
    assert bench.allows()


def test_pulls_go_on_when_the_limit_is_lifted() -> None:
    bench = Bench()
    bench.hear(left(0))
    bench.hear(left(0, limit=0))
    assert bench.allows()


def test_pulls_go_on_when_the_window_has_passed_and_stop_where_that_changed_nothing() -> None:
    bench = Bench()
    bench.hear(left(3))
    bench.time.now += WINDOW_S - 1
    bench.hear(left(3))
    assert not bench.allows()
    bench.time.now += 1
    assert bench.allows()
    bench.hear(left(3))
    assert not bench.allows()


def test_the_window_begins_anew_when_somebody_else_pulls() -> None:
    bench = Bench()
    bench.hear(left(3))
    bench.time.now += WINDOW_S - 1
    bench.hear(left(2))
    bench.time.now += 1
    assert not bench.allows()


def test_pulls_under_way_are_reckoned_with() -> None:
    bench = Bench()
    bench.hear(left(22))
    first, second = bench.pulls.begin("hub"), bench.pulls.begin("hub")
    assert first is not None
    assert second is not None
    assert not bench.allows()
    first.end(spent=False)
    assert bench.allows()


def test_a_pull_that_nobody_answered_is_taken_as_counted() -> None:
    bench = Bench()
    bench.hear(left(21))
    purse = bench.pulls.begin("hub")
    assert purse is not None
    purse.end(spent=True)
    assert not bench.allows()


def test_a_pull_that_was_answered_with_junk_is_taken_as_counted() -> None:
    bench = Bench()
    bench.hear(left(21))
    purse = bench.pulls.begin("hub")
    assert purse is not None
    bench.pulls.hear("hub", said(";w=21600", ";w=21600"), bench.pulls.falls, purse)
    purse.end(spent=False)
    assert not bench.allows()


def test_a_pull_of_an_unlimited_image_is_not_counted() -> None:
    bench = Bench()
    bench.hear(left(21))
    purse = bench.pulls.begin("hub")
    assert purse is not None
    bench.pulls.hear("hub", {}, bench.pulls.falls, purse)
    purse.end(spent=False)
    assert bench.allows()


def test_an_answer_that_was_overtaken_raises_nothing() -> None:
    bench = Bench()
    bench.hear(left(22))
    began = bench.pulls.falls
    bench.hear(left(20), began=began)
    bench.hear(left(21), began=began)
    assert not bench.allows()
    bench.hear(left(21))
    assert bench.allows()


def test_accounts_of_one_source_share_and_those_of_others_do_not() -> None:
    bench = Bench()
    bench.hear(left(90, source="192.0.2.1"), "anonymous")
    bench.hear(left(150, 200, "account"), "signed-in")
    bench.hear(left(20, source="192.0.2.1"), "too")
    assert [False, False, True] == [bench.allows(x) for x in ("anonymous", "too", "signed-in")]


def test_an_account_is_held_to_the_source_of_its_last_answer() -> None:
    bench = Bench()
    bench.hear(left(0, source="192.0.2.1"))
    bench.hear(left(150, 200, "account"))
    assert bench.allows()


def test_sources_without_end_are_not_all_kept() -> None:
    bench = Bench()
    for number in range(1000):
        bench.hear(left(0, source=f"s{number}"))
    assert 64 == len(bench.pulls._purses)
    assert not bench.allows()


class Meter:
    """Counts GETs of manifests as Docker Hub does; HEAD is free and says what is left."""

    def __init__(self, remaining: int, limit: int = 100) -> None:
        self.limit = limit
        self.remaining = remaining
        self.lowest = remaining

    async def __call__(self, exchange: Exchange) -> web.StreamResponse:
        self.remaining -= exchange.request.method == "GET"
        self.lowest = min(self.lowest, self.remaining)
        headers = left(self.remaining, self.limit, "192.0.2.1")
        await asyncio.sleep(0)
        response = await exchange.real()
        response.headers.update(headers)
        return response


def client(name: str, host: str, http: Transport, token_env: str = "") -> RegistryClient:
    credentials = CredentialsConfig(token_env=token_env)
    registry = RegistryConfig(name, host, scheme=Scheme.HTTP, credentials=credentials)
    return RegistryClient(registry, http, keychain=Keychain({"T": "secret"}))


def metered(registry: FaultRegistry, remaining: int, built: Built = LIST) -> Meter:
    place(registry.demo, APP, built, "v1")
    meter = Meter(remaining)
    registry.fault(AT_MANIFEST, meter)
    return meter


async def look(
    source: RegistryClient, known: Known = NOTHING_KNOWN, previous: Digest | None = None
) -> Observation | Unchanged:
    reference = Reference("hub", APP, "v1")
    return await observe(
        source, "hub", reference, now=lambda: LOOKED_AT, known=known, previous=previous
    )


async def test_manifests_are_fetched_down_to_a_fifth_and_no_further(
    fault_registry: FaultRegistry,
) -> None:
    meter = metered(fault_registry, 25)
    async with transport() as http:
        source = client("hub", fault_registry.host, http)
        for _ in range(5):
            await source.document(APP, "v1")
        for _ in range(5):
            with pytest.raises(RateLimited, match="20 of 100 pulls are left") as refused:
                await source.document(APP, "v1")
        assert WINDOW_S == refused.value.retry_after_s
        assert (20, 5) == (meter.lowest, fault_registry.count("GET", "/manifests/"))
        traffic = http.stats.of(fault_registry.host)
        assert {"hub": Allowance(100, 20, WINDOW_S, "192.0.2.1")} == traffic.allowances
        assert {("GET", "ok"): 5} == traffic.requests


async def test_all_else_goes_on_while_manifests_are_not_fetched(
    fault_registry: FaultRegistry,
) -> None:
    metered(fault_registry, 20)
    raw = LIST.children[0].blobs[0]
    async with transport() as http:
        source = client("hub", fault_registry.host, http)
        assert LIST.digest == (await source.head(APP, "v1")).digest
        with pytest.raises(RateLimited):
            await source.document(APP, "v1")
        assert LIST.digest == (await source.head(APP, "v1")).digest
        assert ("v1",) == (await source.tags(APP)).names
        assert (APP,) == (await source.repositories()).names
        assert raw == await source.blob(APP, digest_of(raw), len(raw))
    assert 0 == fault_registry.count("GET", "/manifests/")


async def test_a_head_that_shows_more_lets_manifests_be_fetched_again(
    fault_registry: FaultRegistry,
) -> None:
    meter = metered(fault_registry, 20)
    async with transport() as http:
        source = client("hub", fault_registry.host, http)
        await source.head(APP, "v1")
        with pytest.raises(RateLimited):
            await source.document(APP, "v1")
        meter.remaining = 60
        await source.head(APP, "v1")
        assert LIST.digest == (await source.document(APP, "v1")).digest
        allowances = http.stats.of(fault_registry.host).allowances
        assert 59 == allowances["hub"].remaining


async def test_manifests_are_fetched_again_when_the_window_has_passed(
    fault_registry: FaultRegistry,
) -> None:
    time, meter = FakeTime(), metered(fault_registry, 20)
    async with transport(time) as http:
        source = client("hub", fault_registry.host, http)
        await source.head(APP, "v1")
        meter.remaining = 100
        time.now += WINDOW_S - 1
        with pytest.raises(RateLimited):
            await source.document(APP, "v1")
        time.now += 1
        assert LIST.digest == (await source.document(APP, "v1")).digest


async def test_many_at_once_never_touch_the_last_fifth(fault_registry: FaultRegistry) -> None:
    built = index(*(image(os=f"os{number}") for number in range(60)))
    meter = metered(fault_registry, 50, built)
    async with transport() as http:
        source = client("hub", fault_registry.host, http)
        looks = await asyncio.gather(*(look(source) for _ in range(5)))
    assert 20 <= meter.lowest < 35
    assert {LookState.VERIFIED} == {x.look.state for x in looks if isinstance(x, Observation)}
    root = looks[0].root if isinstance(looks[0], Observation) else None
    assert root is not None
    states = {child.look.state for child in root.children if child.look}
    assert {LookState.VERIFIED, LookState.THROTTLED} == states


async def test_after_a_rush_the_last_pull_above_a_fifth_can_still_be_taken(
    fault_registry: FaultRegistry,
) -> None:
    built = index(*(image(os=f"os{number}") for number in range(60)))
    meter = metered(fault_registry, 30, built)
    async with transport() as http:
        source = client("hub", fault_registry.host, http)
        await look(source)
        meter.remaining = 21
        await source.head(APP, "v1")
        await source.document(APP, "v1")
    assert 20 == meter.lowest


async def test_what_is_refused_takes_no_turn_at_the_host(fault_registry: FaultRegistry) -> None:
    time = FakeTime()
    metered(fault_registry, 20)
    registry = RegistryConfig("hub", fault_registry.host, scheme=Scheme.HTTP, rate=1.0)
    async with transport(time) as http:
        source = RegistryClient(registry, http)
        await source.head(APP, "v1")
        for _ in range(10):
            with pytest.raises(RateLimited):
                await source.document(APP, "v1")
    assert [] == time.slept


@pytest.mark.parametrize("code", [429, 503])
async def test_what_is_left_is_known_through_a_failure_that_is_tried_again(
    fault_registry: FaultRegistry, code: int
) -> None:
    place(fault_registry.demo, APP, LIST, "v1")
    fault_registry.fault(AT_MANIFEST, status(code, headers=left(20)), times=1)
    async with transport() as http:
        source = client("hub", fault_registry.host, http)
        await source.head(APP, "v1")
        with pytest.raises(RateLimited, match="20 of 100"):
            await source.document(APP, "v1")
    assert ["HEAD", "HEAD"] == [one.method for one in fault_registry.requests]


async def test_a_failing_get_is_not_tried_again_below_the_bound(
    fault_registry: FaultRegistry,
) -> None:
    place(fault_registry.demo, APP, LIST, "v1")
    fault_registry.fault(AT_MANIFEST, status(503, headers=left(20)))
    async with transport() as http:
        with pytest.raises(RateLimited, match="20 of 100"):
            await client("hub", fault_registry.host, http).document(APP, "v1")
    assert 1 == len(fault_registry.requests)


async def test_a_tag_that_may_not_be_fetched_is_throttled_and_nothing_else(
    fault_registry: FaultRegistry,
) -> None:
    metered(fault_registry, 20)
    async with transport() as http:
        seen = await look(client("hub", fault_registry.host, http))
    assert isinstance(seen, Observation)
    assert (LookState.THROTTLED, None, False) == (seen.look.state, seen.root, seen.complete)
    assert "20 of 100 pulls are left" in seen.look.detail
    assert "sign in" in seen.look.detail


async def test_a_tag_that_is_gone_is_throttled_while_nothing_may_be_fetched(
    fault_registry: FaultRegistry,
) -> None:
    metered(fault_registry, 20)
    async with transport() as http:
        source = client("hub", fault_registry.host, http)
        await source.head(APP, "v1")
        seen = await observe(source, "hub", Reference("hub", APP, "gone"), now=lambda: LOOKED_AT)
    assert isinstance(seen, Observation)
    assert LookState.THROTTLED is seen.look.state


async def test_an_unchanged_tag_needs_no_pull(fault_registry: FaultRegistry) -> None:
    metered(fault_registry, 0)
    async with transport() as http:
        source = client("hub", fault_registry.host, http)
        await source.head(APP, "v1")
        assert isinstance(await look(source, previous=LIST.digest), Unchanged)


async def test_registries_of_one_host_are_bounded_by_what_their_own_source_has_left(
    fault_registry: FaultRegistry,
) -> None:
    place(fault_registry.demo, APP, LIST, "v1")

    async def by_user(exchange: Exchange) -> web.StreamResponse:
        response = await exchange.real()
        known = "Authorization" in exchange.request.headers
        response.headers.update(left(150, 200, "account") if known else left(3, source="192.0.2.1"))
        return response

    fault_registry.fault(AT_MANIFEST, by_user)
    async with transport() as http:
        anonymous = client("nobody", fault_registry.host, http)
        signed_in = client("somebody", fault_registry.host, http, "T")
        await anonymous.head(APP, "v1")
        await signed_in.head(APP, "v1")
        with pytest.raises(RateLimited):
            await anonymous.document(APP, "v1")
        assert LIST.digest == (await signed_in.document(APP, "v1")).digest
        allowances = http.stats.of(fault_registry.host).allowances
    assert {"nobody": 3, "somebody": 150} == {x: y.remaining for x, y in allowances.items()}


async def test_a_registry_without_such_headers_is_not_bounded(
    fault_registry: FaultRegistry,
) -> None:
    place(fault_registry.demo, APP, LIST, "v1")
    async with transport() as http:
        seen = await look(client("hub", fault_registry.host, http))
        assert {} == http.stats.of(fault_registry.host).allowances
    assert isinstance(seen, Observation)
    assert seen.complete
