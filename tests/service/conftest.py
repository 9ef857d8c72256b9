"""An empty store for each test, on both databases, as the store's own tests have it."""

from __future__ import annotations

from tests.store.conftest import store, upgraded_file, upgraded_postgresql, url

__all__ = ["store", "upgraded_file", "upgraded_postgresql", "url"]
