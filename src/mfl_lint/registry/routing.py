"""How a registry is reached: which scheme it speaks, found out once, and how far answers lead."""

from __future__ import annotations

from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import BodyInvalid, Unreachable
from mfl_lint.registry.addresses import Reach
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.origin import Origin, candidates, is_loopback
from mfl_lint.registry.politeness import Flights, limits_of
from mfl_lint.registry.route import Request, Route
from mfl_lint.registry.transport import Transport


class Routing:
    """The route to one registry; `known` is None until `find` has found it."""

    def __init__(
        self,
        registry: RegistryConfig,
        transport: Transport,
        keychain: Keychain,
        reach: Reach,
        *,
        hurried: bool,
    ) -> None:
        self.known: Route | None = None
        self._registry = registry
        self._transport = transport
        self._keychain = keychain
        self._reach = reach
        self._hurried = hurried
        self._flights = Flights()

    async def find(self) -> Route:
        """Return how the registry is reached, found out once."""
        if self.known is None:
            self.known = await self._flights.join("route", self._find)
        return self.known

    async def _find(self) -> Route:
        """Return the first route that answers, or the only one without asking."""
        *tentative, last = candidates(self._registry, self._keychain.is_insecure)
        for origin in tentative:
            route = await self._route_by(origin, insecure=True)
            ping = Request("GET", origin.url("/v2/"), route, redirects=0, tries=1)
            try:
                await self._transport.fetch(ping)
            except (Unreachable, BodyInvalid):
                continue
            return route
        return await self._route_by(last, insecure=False)

    async def _route_by(self, origin: Origin, *, insecure: bool) -> Route:
        """Return the route by an origin. Insecure registries' certificates are not looked at."""
        registry = self._registry
        trusted = await self._transport.trust(registry.ca_file)
        unverified = not registry.verify_tls or (insecure and not registry.ca_file)
        inside = registry.own or is_loopback(registry)
        return Route(
            origin=origin,
            limits=limits_of(registry),
            tls=False if unverified else trusted,
            foreign_tls=trusted,
            reach=self._reach,
            foreign_reach=Reach.INSIDE if inside else Reach.PUBLIC,
            friends=frozenset(host.lower() for host in registry.realm_hosts),
            account=registry.name,
            hurried=self._hurried,
        )
