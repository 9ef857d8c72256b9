"""News made in a line, and settings with one route."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mfl_lint.config_alert import AlertConfig, ChannelConfig, RouteConfig
from mfl_lint.core.news import Kind, News
from mfl_lint.core.policy import Severity

NOW: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO: Final = NOW - timedelta(days=30)
KNOWN: Final = {"hub": LONG_AGO, "lab": LONG_AGO}


def later(**spans: float) -> datetime:
    """Return a time after NOW."""
    return NOW + timedelta(**spans)


def news(mark: str = "a", kind: Kind = Kind.OPENED, **changed: Any) -> News:
    """Return news of the finding `mark` of hub/team/app:v1."""
    fields: dict[str, Any] = {
        "id": f"{kind}/{mark}",
        "at": NOW,
        "registry": "hub",
        "repository": "team/app",
        "tag": "v1",
        "rule": "MFL101",
        "slug": "platform-contradicts-config",
        "severity": Severity.ERROR,
        "reference": "registry.test/team/app:v1",
        "platform": "linux/arm64",
        "digest": "sha256:" + "a" * 64,
        "message": "the entry says linux/arm64, the config linux/amd64",
        "fix": "docker manifest annotate registry.test/team/app:v1 --arch amd64",
        "fingerprint": mark,
        "since": NOW,
    }
    return News(kind=kind, **(fields | changed))


def route(name: str = "team", **settings: Any) -> RouteConfig:
    """Return a route to one channel that gathers nothing."""
    fields: dict[str, Any] = {"name": name, "channels": ("hook",), "wait_s": 0.0}
    return RouteConfig(**(fields | settings))


def alerts(*routes: RouteConfig, **settings: Any) -> AlertConfig:
    """Return settings with these routes, or with the usual one."""
    hook = ChannelConfig("hook", "webhook", url="http://127.0.0.1:9/hook")
    return AlertConfig(channel=(hook,), route=routes or (route(),), **settings)
