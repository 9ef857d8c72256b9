"""Whoever asks, as pages and API see them."""

from __future__ import annotations

import dataclasses
from typing import Final

import msgspec
from aiohttp import web

from mfl_lint.core.access import Person, Right
from mfl_lint.core.secret import form_token, new_secret
from mfl_lint.web.services import SERVICES, Services

_NOTHING: Final[frozenset[str]] = frozenset()


class Viewer(msgspec.Struct, frozen=True):
    """Who asks: `person` is None for whoever did not sign in.

    `sees` are the registries that they may know of, None for all. `secret` is what their forms
    are made for, "" where none was made yet, and `cookie` the name of the cookie that has to bring
    it, "" where it came. `session`: the secret is that of a session.
    """

    person: Person | None = None
    sees: frozenset[str] | None = _NOTHING
    secret: str = ""
    cookie: str = ""
    session: bool = False

    @property
    def name(self) -> str:
        """Return who does what is done, for the audit."""
        return self.person.name if self.person is not None else "anonymous"

    @property
    def rights(self) -> frozenset[Right]:
        """Return what may be done. Whoever did not sign in reads what is meant for everyone."""
        if self.person is not None:
            return self.person.rights
        return frozenset({Right.READ}) if self.sees else frozenset()

    def may(self, right: str) -> bool:
        """Say whether something may be done."""
        return Right(right) in self.rights

    @property
    def sight(self) -> tuple[frozenset[str] | None, frozenset[Right], bool]:
        """Return all that a page may depend on: those with the same sight get the same page."""
        return self.sees, self.rights, self.person is None


VIEWER: Final = web.RequestKey("viewer", Viewer)
READING: Final = ("GET", "HEAD")
_ASKED: Final = web.RequestKey("form_asked", bool)


def services_for(request: web.Request) -> Services:
    """Return what whoever asks may read; nothing where nobody asked who that is."""
    services, sees = request.app[SERVICES], request.get(VIEWER, Viewer()).sees
    if sees is None:
        return services
    return dataclasses.replace(
        services,
        store=services.store.seeing(sees),
        live=lambda: tuple(one for one in services.live() if one.registry in sees),
    )


def with_secret(viewer: Viewer, cookie: str, held: str, *, at_once: bool = True) -> Viewer:
    """Return the viewer with the secret that its cookie brought, or with a new one to be sent.

    Not `at_once`: the new one is made when a form is.
    """
    if viewer.session:
        return viewer
    if held:
        return msgspec.structs.replace(viewer, secret=held)
    return msgspec.structs.replace(viewer, secret=new_secret() if at_once else "", cookie=cookie)


def token_for(request: web.Request) -> str:
    """Return what a form for whoever asks has to carry; its cookie goes with the answer."""
    viewer = request[VIEWER]
    if not viewer.secret:
        viewer = request[VIEWER] = msgspec.structs.replace(viewer, secret=new_secret())
    request[_ASKED] = True
    return form_token(viewer.secret)


def cookie_to_send(request: web.Request) -> tuple[str, str] | None:
    """Return name and value of the cookie that a form of this answer needs; None for none."""
    viewer = request.get(VIEWER)
    if viewer is None or not viewer.cookie or not request.get(_ASKED, False):
        return None
    return viewer.cookie, viewer.secret
