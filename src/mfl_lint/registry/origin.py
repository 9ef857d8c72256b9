"""Where a registry is: scheme, host and port, and which schemes it may be spoken to with."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec
import yarl

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.core.reference import HUB_NAMES
from mfl_lint.registry.addresses import is_loopback_name

_HUB_API: Final = "registry-1.docker.io"
_PORTS: Final = {"http": 80, "https": 443}
_ADDRESS: Final = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]{2,45})\]|(?P<name>[A-Za-z0-9._-]{1,253}))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


class Origin(msgspec.Struct, frozen=True):
    """Scheme, host (lower case, no brackets) and port (never absent): RFC 6454's triple."""

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, scheme: str, address: str) -> Origin:
        """Return the origin of `host` or `host:port`; raise ConfigInvalid if it is neither."""
        found = _ADDRESS.fullmatch(address)
        port = int((found and found["port"]) or _PORTS[scheme])
        if found is None or not 0 < port < 65536:
            raise ConfigInvalid(f"host: {address[:100]!r} is neither a host nor host:port")
        return cls(scheme, (found["v6"] or found["name"]).lower(), port)

    @classmethod
    def of(cls, url: yarl.URL) -> Origin:
        """Return the origin of an absolute http(s) URL; raise ValueError for any other."""
        if url.scheme not in _PORTS or not url.raw_host or url.port is None:
            raise ValueError("not an absolute http or https URL")
        return cls(url.scheme, url.raw_host.lower(), url.port)

    @property
    def netloc(self) -> str:
        """Return `host:port` as URLs write it, the port only where it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def url(self, path_and_query: str) -> yarl.URL:
        """Return the URL of a path (and query) that is already encoded."""
        if "?" in path_and_query:
            return yarl.URL(f"{self.scheme}://{self.netloc}{path_and_query}", encoded=True)
        return _root(self).with_path(path_and_query, encoded=True)


@lru_cache(maxsize=256)
def _root(origin: Origin) -> yarl.URL:
    """Return the URL that paths are put on, which is cheaper than parsing each URL."""
    return yarl.URL(f"{origin.scheme}://{origin.netloc}/", encoded=True)


def is_docker_hub(host: str) -> bool:
    """Say whether the host is one of Docker Hub's names."""
    return host.lower() in HUB_NAMES


def api_host(host: str) -> str:
    """Return the host that serves the API: Docker Hub's differs from its name."""
    return _HUB_API if is_docker_hub(host) else host


def is_loopback(registry: RegistryConfig) -> bool:
    """Say whether the registry is on this machine."""
    return is_loopback_name(Origin.parse("https", registry.host).host)


def candidates(registry: RegistryConfig, insecure: Callable[[str], bool]) -> tuple[Origin, ...]:
    """Return the origins to try, in order.

    `insecure` says of a host whether Docker was told to accept it so. As in Docker, loopback
    always is: https first, plain http where that is not spoken.
    """
    host = api_host(registry.host)
    if registry.scheme is not Scheme.AUTO:
        return (Origin.parse(registry.scheme.value, host),)
    schemes = ("https", "http") if is_loopback(registry) or insecure(host) else ("https",)
    return tuple(Origin.parse(scheme, host) for scheme in schemes)
