"""What pages and API are given: everything they read comes from here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from aiohttp import web

from mfl_lint.config import Config
from mfl_lint.core.records import CrawlRecord
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Rule
from mfl_lint.core.scan import Scan
from mfl_lint.mend.mender import Mender
from mfl_lint.registry.traffic import Stats
from mfl_lint.store.engine import Store
from mfl_lint.web.hook_log import HookLog


@dataclass(frozen=True, slots=True)
class Services:
    """The running service as the web sees it.

    `config` gives the configuration that holds now, `now` aware UTC. `next_crawl` gives the
    time of a registry's next crawl, None where none is planned. `live` are the crawls that run
    in this process, with figures newer than the store's. `insecure`: somebody insists on showing
    everything to everybody. `hurry` has looks that were asked for made at once.
    `look` looks at an image for somebody who did not sign in, None where nobody does. `traffic` is
    what this process asked of registries, `hooks` what came of what they told it. `mender` pushes
    what mends a list, None where nothing does.
    """

    store: Store
    config: Callable[[], Config]
    rules: tuple[Rule, ...]
    now: Callable[[], datetime]
    next_crawl: Callable[[str], datetime | None]
    live: Callable[[], tuple[CrawlRecord, ...]]
    insecure: bool = False
    hurry: Callable[[], None] = lambda: None
    look: Callable[[Reference], Awaitable[Scan]] | None = None
    traffic: Callable[[], Stats] = Stats
    hooks: HookLog = field(default_factory=HookLog)
    mender: Mender | None = None


SERVICES: Final = web.AppKey("services", Services)


def of_this_moment(services: Services) -> Services:
    """Return the same services as they are now, to be read from in another thread."""
    config, now, live = services.config(), services.now(), services.live()
    planned = {one.name: services.next_crawl(one.name) for one in config.registries}
    return replace(
        services,
        config=lambda: config,
        now=lambda: now,
        next_crawl=planned.get,
        live=lambda: live,
    )
