"""Ask a configured registry for what a crawl would ask first, and say how that ended."""

from __future__ import annotations

import os
from typing import Final

import msgspec

from mfl_lint.config import HttpConfig, RegistryConfig
from mfl_lint.core.errors import (
    ConfigInvalid,
    Denied,
    MflLintError,
    NotFound,
    RateLimited,
    RegistryError,
)
from mfl_lint.crawl.watch import exact_names
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.credentials import Keychain
from mfl_lint.registry.source import Listing
from mfl_lint.registry.transport import Transport

_TIMEOUT_S: Final = 10.0


class Reached(msgspec.Struct, frozen=True):
    """How one registry answered; `cure` is what to do, "" where nothing is to be done."""

    ok: bool | None
    said: str
    cure: str = ""


async def reach(registry: RegistryConfig, http: HttpConfig) -> Reached:
    """Return how the registry answers, and as whom it was asked; nothing is raised."""
    keychain = Keychain.load(os.environ)
    try:
        credentials = await keychain.find(registry)
    except ConfigInvalid as error:
        return Reached(False, str(error), "set it, or take it out of the configuration")
    found = await _asked(registry, http, keychain)
    who = "with credentials" if credentials else "anonymously"
    return msgspec.structs.replace(found, said=f"asked {who}: {found.said}")


async def _asked(registry: RegistryConfig, http: HttpConfig, keychain: Keychain) -> Reached:
    once = msgspec.structs.replace(http, retries=0, timeout_s=min(http.timeout_s, _TIMEOUT_S))
    names = exact_names(registry)
    async with Transport(once, environment=os.environ) as transport:
        client = RegistryClient(registry, transport, keychain=keychain, max_pages=1)
        try:
            if names:
                return _counted(await client.tags(names[0]), f"tags in {names[0]}")
            return _counted(await client.repositories(), "repositories")
        except NotFound:
            cure = "check its name; nothing else is wrong"
            return Reached(None, f"it answers, but has no {names[0] if names else 'names'}", cure)
        except RegistryError as error:
            return Reached(False, str(error), _cure(error))
        except MflLintError as error:
            return Reached(False, str(error), "mend the configuration")


def _counted(listing: Listing, what: str) -> Reached:
    if listing.names or listing.complete:
        more = "" if listing.complete else " or more"
        return Reached(True, f"it answers: {len(listing.names)}{more} {what}")
    return Reached(False, listing.problem, "write exact names into `repositories`")


def _cure(error: RegistryError) -> str:
    if isinstance(error, Denied):
        return "check the credentials; without the right to list, write exact names"
    if isinstance(error, RateLimited):
        return "wait; with credentials many registries allow more"
    return "check host, scheme, ca_file and proxies; is the registry running?"
