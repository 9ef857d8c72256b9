"""How a repository's tags are listed: a listing that fails or breaks off is a look that did."""

from __future__ import annotations

from mfl_lint.core.errors import RegistryError
from mfl_lint.core.observation import VERIFIED, Look, LookState
from mfl_lint.registry.source import Listing, Source
from mfl_lint.registry.tree import look_of


async def listed(source: Source, repository: str) -> tuple[Listing, Look]:
    """Return a repository's tags as far as they were listed, and how the listing ended."""
    try:
        listing = await source.tags(repository)
    except RegistryError as error:
        return Listing((), "not listed"), look_of(error)
    look = VERIFIED if listing.complete else Look(LookState.INVALID, listing.problem)
    return listing, look
