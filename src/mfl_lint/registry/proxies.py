"""Which proxy a URL goes through, by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

import yarl

from mfl_lint.core.errors import Unreachable
from mfl_lint.registry.addresses import is_loopback_name, literal
from mfl_lint.registry.origin import Origin


class Proxies:
    """The environment's proxies. Loopback is never asked through one, as in Docker.

    Lower-case names win over upper-case ones. NO_PROXY holds hosts, `.suffixes`, addresses,
    networks (`10.0.0.0/8`) and `*`.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._chosen: dict[Origin, yarl.URL | None] = {}

    def choose(self, origin: Origin) -> yarl.URL | None:
        """Return the proxy of the origin, None for none; raise Unreachable for an unusable one."""
        if origin not in self._chosen:
            self._chosen[origin] = self._look_up(origin)
        return self._chosen[origin]

    def _look_up(self, origin: Origin) -> yarl.URL | None:
        name = f"{origin.scheme}_proxy"
        text = self._value(name) or self._value("all_proxy")
        if not text or self._bypassed(origin):
            return None
        try:
            proxy = yarl.URL(text if "://" in text else f"http://{text}")
        except ValueError:
            proxy = yarl.URL()
        if proxy.scheme not in ("http", "https") or not proxy.host:
            raise Unreachable(f"{name.upper()}: only http:// and https:// proxies can be used")
        return proxy

    def _value(self, name: str) -> str:
        return self._environment.get(name) or self._environment.get(name.upper()) or ""

    def _bypassed(self, origin: Origin) -> bool:
        """Say whether NO_PROXY covers the host, or it is this machine."""
        entries = (entry.strip().lower() for entry in self._value("no_proxy").split(","))
        return is_loopback_name(origin.host) or any(_covers(e, origin) for e in entries if e)


def _covers(entry: str, origin: Origin) -> bool:
    """Say whether one entry of NO_PROXY covers the origin."""
    address = literal(origin.host)
    if address is not None and "/" in entry:
        try:
            return address in ip_network(entry, strict=False)
        except ValueError:
            return False
    name, _, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
    name = name.removeprefix("*.").lstrip(".").strip("[]")
    if port and port != str(origin.port):
        return False
    return entry == "*" or origin.host == name or origin.host.endswith(f".{name}")
