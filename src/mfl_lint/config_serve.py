"""Settings of pages as frozen values: where they are served, and who says who somebody is."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from mfl_lint.config_kinds import Positive, RoleName, Seconds, Settings, SomeSeconds


class ProxyConfig(Settings, frozen=True):
    """A reverse proxy that says who somebody is, in `user_header`, from one of `addresses`.

    Addresses are networks too (`10.0.0.0/8`). `role` is of those who are no users here.
    """

    user_header: str = ""
    addresses: tuple[str, ...] = ()
    role: RoleName = "viewer"


class OidcConfig(Settings, frozen=True):
    """Sign-in by an OpenID Connect issuer; off unless `issuer` is set.

    `url` is where people reach this service (`https://lint.example.com`). `name_claim`: which
    claim names the user; nobody may be able to choose it. `role` is of those who are new here.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret_env: str = ""
    client_secret_file: str = ""
    url: str = ""
    name_claim: str = "email"
    role: RoleName = "viewer"


class FormConfig(Settings, frozen=True):
    """The page on which anybody may have a public image looked at; off unless `enabled`."""

    enabled: bool = False
    per_hour: Positive = 10


class ServeConfig(Settings, frozen=True):
    """Where pages are served, and to whom.

    `hosts`: the names by which it is known, besides loopback and `host`. `https`: it is reached
    by https, through a proxy. `hsts_s`: for how long browsers shall insist on that (0 = they
    are not told). `session_s`: how long somebody stays signed in. `log`: how events are written,
    `access_log`: whether a line is written for every request, and how.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    hosts: tuple[str, ...] = ()
    https: bool = False
    hsts_s: Seconds = 0.0
    session_s: SomeSeconds = 12 * 3600.0
    log: Literal["text", "json"] = "text"
    access_log: Literal["off", "text", "json"] = "off"
    proxy: ProxyConfig = ProxyConfig()
    oidc: OidcConfig = OidcConfig()
    form: FormConfig = FormConfig()
