"""A filled store with people in it, and clients that ask as each of them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import ClientResponse, DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from mfl_lint.config import Config, FormConfig, ServeConfig
from mfl_lint.core.access import Right, Role
from mfl_lint.core.observation import LookState
from mfl_lint.core.password import Cost, hash_password
from mfl_lint.core.reference import Reference
from mfl_lint.core.scan import Scan, ScannedTarget
from mfl_lint.core.secret import form_token, secret_digest
from mfl_lint.store import api_tokens, sessions, users
from mfl_lint.store.engine import Store, open_store
from mfl_lint.web.application import create_app
from mfl_lint.web.services import Services
from tests.web import filled_store
from tests.web.conftest import Client, services_of

PASSWORD: Final = "correct horse battery"
VISIBLE: Final[Mapping[str, tuple[str, ...]]] = {
    "hub": ("everyone",),
    "internal": ("users",),
    "edge": ("alice",),
    "archive": (),
}
# What only those who may know of a registry ever read.
MARKS: Final[Mapping[str, tuple[str, ...]]] = {
    "hub": ("acme/agent", "/registries/hub"),
    "internal": ("shop/checkout", "registry.internal.example", "/registries/internal"),
    "edge": ("fleet/probe", "cr.edge.example", "/registries/edge"),
    "archive": ("archive.example", "/registries/archive"),
}
_PEOPLE: Final = {
    "viewer": Role.VIEWER,
    "alice": Role.VIEWER,
    "editor": Role.EDITOR,
    "admin": Role.ADMIN,
}


@dataclass(frozen=True)
class Who:
    """Somebody who asks: their name, what they may, what they see, and what they send."""

    name: str
    rights: frozenset[Right]
    sees: frozenset[str]
    token: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def _session(name: str) -> dict[str, str]:
    return {"Cookie": f"mfl_lint=session-of-{name}"}


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


_READ, _ALL = frozenset({Right.READ}), frozenset(VISIBLE)
_SIGNED_IN = frozenset({"hub", "internal"})
_EDITS = _READ | {Right.SCAN, Right.IGNORE, Right.PUSH}
WHO: Final = (
    Who(
        "anonymous",
        _READ,
        frozenset({"hub"}),
        form_token("form"),
        {"Cookie": "mfl_lint_form=form"},
    ),
    Who("viewer", _READ, _SIGNED_IN, form_token("session-of-viewer"), _session("viewer")),
    Who("alice", _READ, _SIGNED_IN | {"edge"}, form_token("session-of-alice"), _session("alice")),
    Who("editor", _EDITS, _SIGNED_IN, form_token("session-of-editor"), _session("editor")),
    Who("admin", frozenset(Right), _ALL, form_token("session-of-admin"), _session("admin")),
    Who("read token", _READ, _SIGNED_IN, "", _bearer("read")),
    Who("admin's read token", _READ, _ALL, "", _bearer("admin-read")),
    Who("admin's audit token", frozenset({Right.AUDIT}), _ALL, "", _bearer("admin-audit")),
    Who("scan token", frozenset({Right.SCAN}), _SIGNED_IN, "", _bearer("scan")),
    Who("ignore token", frozenset({Right.IGNORE}), _SIGNED_IN, "", _bearer("ignore")),
    Who("push token", frozenset({Right.PUSH}), _SIGNED_IN, "", _bearer("push")),
)
EDITOR: Final = next(one for one in WHO if one.name == "editor")


def config_with(**serve: Any) -> Config:
    """Return the configuration of the filled store, in which people see what they may."""
    registries = tuple(
        msgspec.structs.replace(one, visible_to=VISIBLE[one.name])
        for one in filled_store.CONFIG.registries
    )
    settings: dict[str, Any] = {"form": FormConfig(enabled=True), **serve}
    return msgspec.structs.replace(
        filled_store.CONFIG, registries=registries, serve=ServeConfig(**settings)
    )


async def fill(store: Store) -> None:
    """Add a person for each role, each signed in, and tokens of the editor."""
    now = filled_store.NOW
    kept = hash_password(PASSWORD, b"salt" * 4, Cost(log_n=4, p=1))
    for name, role in _PEOPLE.items():
        await users.add_user(store, name, role, kept, who="shell:test", now=now)
        digest = secret_digest(f"session-of-{name}")
        await sessions.begin_session(store, name, digest, now=now, expires=now + timedelta(hours=1))
    for scope in (Right.READ, Right.SCAN, Right.IGNORE, Right.PUSH):
        await api_tokens.add_token(
            store,
            "editor",
            str(scope),
            secret_digest(str(scope)),
            {scope},
            expires=None,
            who="shell:test",
            now=now,
        )
    for name, scope in (("metrics", Right.READ), ("audits", Right.AUDIT)):
        digest = secret_digest(f"admin-{scope}")
        await api_tokens.add_token(
            store, "admin", name, digest, {scope}, expires=None, who="shell:test", now=now
        )


@dataclass
class House:
    """An application on a store of its own."""

    store: Store
    client: Client
    services: Services

    async def ask(self, who: Who | None, method: str, path: str, **options: Any) -> ClientResponse:
        """Return the answer that somebody gets; no redirect is followed."""
        headers = {**(who.headers if who else {}), **options.pop("headers", {})}
        return await self.client.request(
            method, path, headers=headers, allow_redirects=False, **options
        )


async def looked(reference: Reference) -> Scan:
    """Return that an image was looked at, and nothing found."""
    target = ScannedTarget(
        reference=reference.familiar,
        digest=None,
        media_type="",
        state=LookState.VERIFIED,
        detail="",
        platforms=(),
    )
    return Scan(filled_store.NOW, (target,), ())


@asynccontextmanager
async def house(
    filled_url: str,
    folder: Path,
    config: Config | None = None,
    *,
    people: bool = True,
    remember_s: float = 0.0,
    **services: Any,
) -> AsyncIterator[House]:
    """Yield an application on a copy of the filled store; nothing is remembered."""
    file = folder / "house.db"
    shutil.copyfile(filled_url.removeprefix("sqlite:///"), file)
    async with open_store(f"sqlite:///{file}") as store:
        if people:
            await fill(store)
        held = config or config_with()
        services.setdefault("look", looked)
        made = dataclasses.replace(await services_of(store), config=lambda: held, **services)
        app = create_app(made, remember_s=remember_s)
        async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as client:
            yield House(store, client, made)
