"""Finding what a path names."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from mfl_lint.core.reference import is_repository
from mfl_lint.core.views import RegistryView, RepositoryView
from mfl_lint.store import views
from mfl_lint.web.overview import registry_of
from mfl_lint.web.services import Services

# Registry, repository, tag.
Place = tuple[str, str, str]


async def repository_of(
    services: Services, match: Mapping[str, str]
) -> tuple[RegistryView, RepositoryView]:
    """Return the repository that a path names, and its registry; 404 if it is not known."""
    registry, name = await registry_of(services, match["registry"]), match["repository"]
    known = is_repository(name)
    view = await views.repository_view(services.store, registry.name, name) if known else None
    if view is None:
        raise web.HTTPNotFound(
            text=f"{registry.name} has no repository {name[:255]!a} that is known"
        )
    return registry, view
