"""What Prometheus scrapes: crawls, requests, findings, queues, allowances.

Labels come from the configuration and from closed sets, so that no registry can make many.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from aiohttp import web

from mfl_lint import __version__
from mfl_lint.config import RegistryConfig
from mfl_lint.core.records import CrawlStatus
from mfl_lint.core.views import RegistryView
from mfl_lint.registry.origin import Origin, api_host
from mfl_lint.registry.traffic import Stats
from mfl_lint.store import view_figures, views
from mfl_lint.store.view_figures import Figures
from mfl_lint.web.hook_log import UNKNOWN, Came, HookLog, Told
from mfl_lint.web.overview import last_ended
from mfl_lint.web.sending import services_of
from mfl_lint.web.services import Services
from mfl_lint.web.wording import visible

if TYPE_CHECKING:
    from prometheus_client import Metric

PATH: Final = "/metrics"
_OTHER: Final = "other"
# No webhook can be called so.
_NOBODYS: Final = "(unknown)"
_METHODS: Final = ("GET", "HEAD", "POST")


class Scrape:
    """One scrape's families: the library asks a collector for them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterator[Metric]:
        """Yield the families."""
        yield from self._families


async def metrics(request: web.Request) -> web.Response:
    """Answer with all figures in the format that the scraper asks for."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    services = services_of(request)
    families = await _families(services)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Scrape(families))
    encode, kind = choose_encoder(request.headers.get("Accept", ""))
    text = await asyncio.to_thread(encode, registry)
    return web.Response(body=text, headers={"Content-Type": kind, "Cache-Control": "no-store"})


async def _families(services: Services) -> list[Metric]:
    known = [view for view in await views.registries(services.store) if view.watched]
    figures = await view_figures.figures(services.store)
    traffic = services.traffic()
    names = {view.name for view in known}
    hosts = _hosts(one for one in services.config().registries if one.name in names)
    return [
        _gauge("mfl_lint_info", "The release that runs", ("version",), {(__version__,): 1}),
        *_registries(known),
        *await _crawls(known, services),
        *_stored(figures),
        _requests(traffic, hosts),
        *_allowances(traffic, hosts, names),
        *_hooks(services.hooks, (hook.name for hook in services.config().hooks)),
    ]


def _hosts(registries: Iterable[RegistryConfig]) -> dict[str, str]:
    """Return the configured hosts by the names that their traffic is counted under."""
    return {
        Origin.parse(scheme, api_host(one.host)).netloc: one.host
        for one in registries
        for scheme in ("https", "http")
    }


def _gauge(
    name: str, about: str, labels: Iterable[str], values: Mapping[tuple[str, ...], float]
) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, about, labels=tuple(labels))
    for key, value in values.items():
        family.add_metric([visible(text) for text in key], value)
    return family


def _counter(
    name: str, about: str, labels: Iterable[str], values: Mapping[tuple[str, ...], float]
) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    family = CounterMetricFamily(name, about, labels=tuple(labels))
    for key, value in sorted(values.items()):
        family.add_metric([visible(text) for text in key], value)
    return family


def _registries(known: Iterable[RegistryView]) -> Iterator[Metric]:
    views_by_name = {(view.name,): view for view in known}
    yield _gauge(
        "mfl_lint_repositories",
        "Watched repositories",
        ("registry",),
        {key: view.repositories for key, view in views_by_name.items()},
    )
    yield _gauge(
        "mfl_lint_tags",
        "Watched tags",
        ("registry",),
        {key: view.tags for key, view in views_by_name.items()},
    )


async def _crawls(known: Iterable[RegistryView], services: Services) -> list[Metric]:
    found = {(view.name,): await last_ended(services, view) for view in known}
    ended = {key: crawl for key, crawl in found.items() if crawl is not None}
    label = ("registry",)
    return [
        _gauge(
            "mfl_lint_crawl_duration_seconds",
            "How long the last crawl that ended took",
            label,
            {
                key: (crawl.finished_at - crawl.started_at).total_seconds()
                for key, crawl in ended.items()
                if crawl.finished_at is not None
            },
        ),
        _gauge(
            "mfl_lint_crawl_started_timestamp_seconds",
            "When the last crawl that ended began",
            label,
            {key: crawl.started_at.timestamp() for key, crawl in ended.items()},
        ),
        _gauge(
            "mfl_lint_crawl_succeeded",
            "Whether the last crawl that ended was whole (1), or failed or was interrupted (0)",
            label,
            {key: crawl.status is CrawlStatus.DONE for key, crawl in ended.items()},
        ),
        _gauge("mfl_lint_crawls_running", "Crawls in this process", (), {(): len(services.live())}),
    ]


def _stored(figures: Figures) -> Iterator[Metric]:
    yield _gauge(
        "mfl_lint_findings",
        "Findings that stand; severity unknown: those that could not be seen any more",
        ("registry", "rule", "severity"),
        figures.findings,
    )
    yield _gauge(
        "mfl_lint_look_requests",
        "Looks that were asked for",
        ("state",),
        {(state,): number for state, number in figures.looks.items()},
    )
    yield _gauge(
        "mfl_lint_alerts_outbox",
        "Messages about changes",
        ("state",),
        {(state,): number for state, number in figures.messages.items()},
    )


def _requests(traffic: Stats, hosts: Mapping[str, str]) -> Metric:
    total: Counter[tuple[str, ...]] = Counter()
    for host, counted in tuple(traffic.hosts.items()):
        name = hosts.get(host, _OTHER)
        for (method, outcome), number in tuple(counted.requests.items()):
            total[name, method if method in _METHODS else _OTHER, outcome] += number
    return _counter(
        "mfl_lint_requests",
        "Requests to registries since this process began",
        ("host", "method", "outcome"),
        total,
    )


def _hooks(log: HookLog, names: Iterable[str]) -> Iterator[Metric]:
    """Yield what came of webhooks; all that is sent to names that nobody configured is one."""
    records = {name or _NOBODYS: log.of(name) for name in (*names, UNKNOWN)}
    labels = ("hook", "outcome")
    yield _counter(
        "mfl_lint_hook_requests",
        "Requests to webhooks since this process began",
        labels,
        {(name, came): one.requests[came] for name, one in records.items() for came in Came},
    )
    yield _counter(
        "mfl_lint_hook_events",
        "Events in requests to webhooks since this process began",
        labels,
        {(name, told): one.events[told] for name, one in records.items() for told in Told},
    )


def _allowances(
    traffic: Stats, hosts: Mapping[str, str], registries: Iterable[str]
) -> Iterator[Metric]:
    """Yield what hosts said last of pulls: only of registries that are configured."""
    names = frozenset(registries)
    said = {
        (hosts.get(host, _OTHER), registry): allowance
        for host, counted in tuple(traffic.hosts.items())
        for registry, allowance in tuple(counted.allowances.items())
        if registry in names
    }
    labels = ("host", "registry")
    yield _gauge(
        "mfl_lint_pulls_remaining",
        "Pulls that the host still allows within its window",
        labels,
        {key: one.remaining for key, one in said.items()},
    )
    yield _gauge(
        "mfl_lint_pulls_limit",
        "Pulls that the host allows within its window",
        labels,
        {key: one.limit for key, one in said.items()},
    )
