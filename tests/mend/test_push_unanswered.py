"""A push that was not answered may be carried out later than anybody looks: nobody knows then."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from mfl_lint.core.errors import Unanswered, Unreachable
from mfl_lint.mend.outcome import End
from mfl_lint.mend.push import push
from mfl_lint.mend.store_audit import StoreAudit
from mfl_lint.registry.push import Writer
from mfl_lint.store.engine import open_store
from mfl_lint.store.migrate import upgrade
from mfl_lint.store.pushes import known_pushes
from tests import faults
from tests.builders import place
from tests.fault_registry import Exchange, FaultRegistry
from tests.mend.pushing import clients, plan_for, pushed, tag_of
from tests.mend.test_push import GET_TAG, LIST, OLD, OTHER, PUT_TAG, filled


async def lost(exchange: Exchange) -> web.StreamResponse:
    """Take what is sent, and hang up; it is kept when the test says so."""
    await exchange.request.read()
    transport = exchange.request.transport
    assert isinstance(transport, asyncio.Transport)
    transport.abort()
    return web.Response()


async def test_what_was_not_answered_is_no_failure_since_it_may_arrive_later() -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        registry.fault(PUT_TAG, lost)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert (End.UNKNOWN, OLD.digest) == (outcome.last.end, outcome.last.now)
        place(registry.demo, "app", LIST, "v1")
        restore = f"mfl-lint manifest restore {registry.host}/app:v1@{OLD.digest}"
        assert f"{restore} --over {LIST.digest}" == outcome.last.restore


async def test_what_arrives_a_moment_later_is_seen_by_another_look() -> None:
    async with FaultRegistry() as registry:
        filled(registry)

        async def arrive(exchange: Exchange) -> web.StreamResponse:
            answer = await lost(exchange)
            seen = registry.count("GET", GET_TAG[1])
            then = faults.after(lambda it: place(it.demo, "app", LIST, "v1"))
            registry.fault(("GET", GET_TAG[1]), then, 1)
            assert 0 == seen
            return answer

        registry.fault(PUT_TAG, arrive)
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert (End.PUSHED, LIST.digest) == (outcome.last.end, outcome.last.now)
        assert 2 == registry.count("GET", GET_TAG[1])


@pytest.mark.parametrize("code", [502, 503, 504])
async def test_a_gateway_that_gave_up_does_not_say_that_nothing_happens(code: int) -> None:
    async with FaultRegistry() as registry:
        filled(registry)
        registry.fault(PUT_TAG, faults.html(code))
        outcome = await pushed(plan_for(registry.host, "app:v1", LIST, "app", OLD.digest))
        assert (End.UNKNOWN, OLD.digest) == (outcome.last.end, outcome.last.now)
        assert f"{code}" in outcome.last.detail


async def test_where_it_would_overwrite_somebody_else_s_push_that_is_what_is_put_back(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/lab.db"
    upgrade(url)
    async with FaultRegistry() as registry:
        filled(registry)

        async def overtaken(exchange: Exchange) -> web.StreamResponse:
            place(registry.demo, "app", OTHER, "v1")
            return await lost(exchange)

        registry.fault(PUT_TAG, overtaken)
        plan = plan_for(registry.host, "app:v1", LIST, "app", OLD.digest)
        async with open_store(url) as store, clients() as found:
            outcome = await push(plan, found, StoreAudit(store, "ada"))
            (known,) = (await known_pushes(store)).items
        assert (End.UNKNOWN, OTHER.digest) == (outcome.last.end, outcome.last.now)
        assert OTHER.digest == tag_of(registry, "app:v1")
        assert outcome.last.restore.endswith(f"app:v1@{OTHER.digest} --over {LIST.digest}")
        said = f"when last seen it was {OTHER.digest}; if this came later, to put that back: "
        assert known.problem.endswith(said + outcome.last.restore)


async def test_what_reached_nobody_is_a_failure_for_certain() -> None:
    async with clients() as found:
        writer = Writer(found("127.0.0.1:1"))
        with pytest.raises(Unreachable) as caught:
            await writer.put_manifest("app", "v1", LIST.raw, LIST.media_type, once=True)
        assert not isinstance(caught.value, Unanswered)
