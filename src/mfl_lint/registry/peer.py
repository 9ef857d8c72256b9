"""What is kept of one host that is asked."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import yarl

from mfl_lint.registry.allowance import Pulls, Purse
from mfl_lint.registry.answer import Answer
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.politeness import Host
from mfl_lint.registry.route import Request
from mfl_lint.registry.traffic import HostTraffic


class Peer(NamedTuple):
    """A host with its limits, its pulls, its traffic, and the proxy by which it is reached."""

    host: Host
    pulls: Pulls
    traffic: HostTraffic
    proxy: yarl.URL | None
    large: asyncio.Semaphore

    async def enter(self, request: Request, origin: Origin) -> Purse | None:
        """Wait for a turn; return the purse where the request is a pull that is bounded."""
        if request.pull and origin == request.route.origin:
            account, hurried = request.route.account, request.route.hurried
            return await self.pulls.enter(self.host, account, hurried=hurried)
        await self.host.enter(hurried=request.route.hurried)
        return None

    def hear(self, answer: Answer, account: str, began: int, purse: Purse | None) -> None:
        """Keep what the answer's headers say for whoever asks next."""
        allowance = self.pulls.hear(account, answer.headers, began, purse)
        if allowance is not None:
            self.traffic.allowances[account] = allowance
        if "Warning" in answer.headers:
            self.traffic.warn(answer.headers["Warning"])
