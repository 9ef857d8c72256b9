"""A worker: does jobs of the queue until it is told to end. Any number may, on any machines."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from mfl_lint.config import Config
from mfl_lint.core.errors import ConfigInvalid, StoreError
from mfl_lint.rules import discover
from mfl_lint.service.crawling import bring_up_to_date, database_url, utc_now
from mfl_lint.service.jobs import Hand
from mfl_lint.service.memory import calm_collector
from mfl_lint.service.outage import Outage
from mfl_lint.service.reloading import Reloaded, handled
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.pulse import Pulse
from mfl_lint.store.queue import QUEUE_NAME, Queue, live, save_stalled, worker_app

if TYPE_CHECKING:
    from procrastinate import App

_LOG: Final = logging.getLogger("mfl_lint")
_POLL_S: Final = 0.5
_GRACE_S: Final = 20.0
_AGAIN_S: Final = 1.0
# Of its own: what gives signs of life. What waits for news has one beside the pool's.
_MORE_CONNECTIONS: Final = 1


async def work(
    load: Callable[[], Config],
    *,
    concurrency: int,
    ready: Callable[[], None] = lambda: None,
    stop: asyncio.Event | None = None,
) -> None:
    """Do `concurrency` jobs at a time until SIGTERM, SIGINT or `stop`; SIGHUP reloads.

    What is being done at the end is done to its end. `load` reads the configuration.
    """
    settings, ended = Reloaded(load), stop or asyncio.Event()
    config = settings.config
    url = database_url(config)
    if config.queue.backend != "postgresql":
        raise ConfigInvalid('queue.backend: a worker needs "postgresql" there')
    await asyncio.to_thread(bring_up_to_date, config, url)
    discover()  # imports all rules, which would keep a job from giving signs of life
    calm_collector()
    async with open_store(url) as store, _hand(store, settings) as hand:
        with handled(_handlers(ended, settings)):
            ready()
            while not ended.is_set():
                await _work_on(url, store, hand, config, concurrency, ended)


@asynccontextmanager
async def _hand(store: Store, settings: Reloaded) -> AsyncIterator[Hand]:
    """Yield what does jobs, while it tells other workers of hosts and hears them."""
    hand = Hand(store, Queue(), lambda: settings.config, utc_now)
    telling = asyncio.ensure_future(hand.manners.run())
    try:
        yield hand
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await hand.slots.close()


def _handlers(
    ended: asyncio.Event, settings: Reloaded
) -> Mapping[signal.Signals, Callable[[], None]]:
    return {
        signal.SIGTERM: ended.set,
        signal.SIGINT: ended.set,
        signal.SIGHUP: settings.reload,
    }


async def _work_on(
    url: str, store: Store, hand: Hand, config: Config, concurrency: int, ended: asyncio.Event
) -> None:
    """Do jobs until somebody ends that, or the database is lost: then it is tried again."""
    stalled_s = config.queue.stalled_s
    pulse = Pulse(stalled_s)
    app = worker_app(url, concurrency + _MORE_CONNECTIONS, pulse)
    hand.register(app, pulse)
    try:
        try:
            await _unless(ended, _open(app))
            if not ended.is_set():
                hand.outage.worked("queue")
                await _run(app, store, hand.outage, concurrency, stalled_s, ended)
        finally:
            await app.close_async()
    except Exception as error:
        await _unless(ended, hand.outage.failed("queue", error, _AGAIN_S))


async def _open(app: App) -> None:
    await app.open_async()


async def _unless(ended: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, and break it off where this is told to end; raise what it raises."""
    working, ending = asyncio.ensure_future(work), asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait([working, ending], return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        for task in (working, ending):
            task.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)


async def _run(
    app: App,
    store: Store,
    outage: Outage,
    concurrency: int,
    stalled_s: float,
    ended: asyncio.Event,
) -> None:
    """Do jobs, and save those of the dead, until somebody ends that; raise what it breaks by."""
    running = asyncio.ensure_future(_working(app, concurrency))
    saving = asyncio.ensure_future(_save(store, outage, stalled_s))
    living = asyncio.ensure_future(live(app))
    ending = asyncio.ensure_future(ended.wait())
    every = (running, saving, living, ending)
    try:
        done, _ = await asyncio.wait(every, return_when=asyncio.FIRST_COMPLETED)
        for task in done:  # without any of them it is no worker
            task.result()
    finally:
        for task in (saving, ending, running):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await running
        living.cancel()
        await asyncio.gather(saving, ending, living, return_exceptions=True)


async def _working(app: App, concurrency: int) -> None:
    await app.run_worker_async(
        queues=[QUEUE_NAME],
        concurrency=concurrency,
        fetch_job_polling_interval=_POLL_S,
        shutdown_graceful_timeout=_GRACE_S,
        delete_jobs="successful",
        install_signal_handlers=False,
        # procrastinate gives none while it ends: see `live`.
        update_heartbeat_interval=3600.0,
        # Nobody's row goes before its jobs were taken over.
        stalled_worker_timeout=3600.0,
    )


async def _save(store: Store, outage: Outage, stalled_s: float) -> None:
    """Have done by others what dead workers were at."""
    while True:
        await asyncio.sleep(stalled_s / 4)
        try:
            if saved := await save_stalled(store, stalled_s):
                _LOG.warning("jobs of workers that died are done by others: %d", saved)
        except StoreError as error:
            await outage.failed("jobs of the dead", error, _AGAIN_S)
        else:
            outage.worked("jobs of the dead")
