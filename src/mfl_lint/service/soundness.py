"""Settings that are valid and still not what anybody wants: what is wrong, and the cure.

`doctor` tells all of it, `serve` what concerns pages and crawls, when it starts.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mfl_lint.config import Config
from mfl_lint.config_serve import ServeConfig
from mfl_lint.core.access import EVERYONE, USERS
from mfl_lint.core.errors import ConfigInvalid

_FEW: Final = 256
_MANY: Final = 65536
_ADD_USER: Final = "`mfl-lint users add NAME --role admin`"
# The releases without the fault that turns guard against, of each line that was mended.
_MENDED: Final = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `ok` None = worth knowing, no reason to fail."""

    what: str
    ok: bool | None
    said: str
    cure: str = ""


def wrong_with_service(config: Config, users: frozenset[str]) -> Iterator[Check]:
    """Yield what is wrong with who may see what, and with what is crawled. `users` are names."""
    yield from _guarded(config.serve, bool(users))
    yield from _proxied(config.serve)
    yield from _reached(config.serve)
    yield from _seen(config, users)
    if not config.registries:
        cure = f"add [[registry]] to {config.path or 'mfl-lint.toml'}"
        yield Check("registries", None, "none is configured: nothing is crawled", cure)
    for registry in config.registries:
        if not (registry.interval_s or registry.cron):
            yield Check(
                f"registry {registry.name}",
                None,
                "it has no interval and no cron: `serve` crawls it on request only",
                'set interval = "6h"',
            )


def wrong_with_files(config: Config, database: Path | None) -> Iterator[Check]:
    """Yield which files say more to others on this machine than they should.

    `database` is SQLite's file, None for PostgreSQL.
    """
    secrets = [config.serve.oidc.client_secret_file, *(one.secret_file for one in config.hooks)]
    for registry in config.registries:
        for own in (registry.credentials, registry.push.credentials):
            secrets += [own.password_file, own.token_file]
    for channel in config.alert.channel:
        secrets += [channel.url_file, channel.secret_file, channel.token_file]
    if config.path is not None and _has_password(config):
        secrets.append(str(config.path))
    files = [Path(name) for name in secrets if name]
    files += [database] if database is not None else []
    for file in dict.fromkeys(files):
        if _is_open(file):
            cure = f"chmod 600 {file}"
            yield Check(f"{file}", False, "everybody on this machine can read it", cure)


def wrong_with_sqlite(
    database: Path, held: tuple[int, ...] = sqlite3.sqlite_version_info
) -> Check | None:
    """Return what endangers a database that several processes write, None for nothing.

    `held` is SQLite's release.
    """
    from mfl_lint.store.turns import Turns

    mended = any(held[:2] == good[:2] and held >= good for good in _MENDED)
    if mended or held >= _MENDED[-1] or Turns(database, 0.0).works():
        return None
    return Check(
        "SQLite",
        None,
        f"{'.'.join(map(str, held))} can lose a commit when two processes write at once, and files "
        f"in {database.parent} cannot be locked so that they take turns",
        "keep the database on a local disk, or crawl in `serve` only, or take SQLite 3.51.3",
    )


def _guarded(serve: ServeConfig, has_users: bool) -> Iterator[Check]:
    """Yield where people come in who are asked nothing."""
    from mfl_lint.web.gate import LOOPBACK, is_vouched

    if has_users or is_vouched(serve):
        return
    if serve.host not in LOOPBACK:
        said = f"{serve.host} is not loopback, and nobody would be asked who they are"
        yield Check("serve.host", False, said, f"{_ADD_USER}, or set serve.proxy or serve.oidc")
    elif serve.hosts or serve.https:
        said = (
            "there are no users: who comes through a proxy that does not say so is taken for the "
            "owner of this machine, and may change everything"
        )
        yield Check("serve.hosts" if serve.hosts else "serve.https", False, said, _ADD_USER)


def _proxied(serve: ServeConfig) -> Iterator[Check]:
    """Yield proxies that are believed from more addresses than proxies have."""
    does = (
        f"set {serve.proxy.user_header} and be any user"
        if serve.proxy.user_header
        else "pass for any address when sign-ins are counted"
    )
    for text in serve.proxy.addresses:
        network = ip_network(text, strict=False)
        number = network.num_addresses
        if network.prefixlen == 0 or number > (_MANY if network.is_private else _FEW):
            worst = bool(serve.proxy.user_header) and not network.is_private
            yield Check(
                "serve.proxy.addresses",
                False if worst else None,
                f"{text} is wide: whoever asks from there can {does}",
                "name the proxies' own addresses",
            )


def _reached(serve: ServeConfig) -> Iterator[Check]:
    """Yield names and schemes that do not go together."""
    from mfl_lint.web.gate import LOOPBACK

    if serve.https and not serve.hosts:
        said = "https is a proxy's, and every name but loopback's is refused"
        yield Check("serve.hosts", None, said, 'hosts = ["lint.example.com"], the name people use')
    if serve.host not in LOOPBACK and not serve.https:
        said = "passwords and cookies travel by plain http"
        yield Check("serve.https", None, said, "put a proxy with TLS before it, and https = true")
    oidc = serve.oidc
    if not oidc.issuer:
        return
    for name, url in (("issuer", oidc.issuer), ("url", oidc.url)):
        if urlsplit(url).scheme == "http":
            said = f"{url} is plain http, which works on this machine only"
            yield Check(f"serve.oidc.{name}", None, said, "use https where others sign in")
    there = urlsplit(oidc.url)
    known = {name.lower() for name in (*LOOPBACK, serve.host, *serve.hosts)}
    if there.hostname not in known:
        said = f"people come back to {there.hostname}, which is refused"
        yield Check("serve.oidc.url", False, said, f'add "{there.hostname}" to serve.hosts')
    if there.scheme == "https" and not serve.https:
        said = "people come by https, and cookies are sent by http too"
        yield Check("serve.https", None, said, "https = true")


def _seen(config: Config, users: frozenset[str]) -> Iterator[Check]:
    """Yield names in `visible_to` that nobody has."""
    from mfl_lint.web.gate import is_vouched

    vouched = is_vouched(config.serve)
    for registry in config.registries:
        unknown = sorted({*registry.visible_to} - {EVERYONE, USERS} - users)
        if unknown:
            yield Check(
                f"registry {registry.name}",
                None if vouched else False,
                f"visible_to names who is no user: {', '.join(unknown)}"[:300],
                "correct the name, or `mfl-lint users add NAME`",
            )


def _has_password(config: Config) -> bool:
    return bool(not config.database.url_env and urlsplit(config.database.url).password)


def _is_open(file: Path) -> bool:
    if os.name != "posix":
        return False
    try:
        return bool(stat.S_IMODE(file.stat().st_mode) & stat.S_IROTH)
    except OSError:
        return False


def unservable(config: Config) -> tuple[str, ...]:
    """Return why `serve` would refuse to start, one line each."""
    from mfl_lint.service.server import check_served

    try:
        check_served(config)
    except ConfigInvalid as error:
        return error.mistakes
    return ()
