"""What is valid and still not what anybody wants is found, with its cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.config_file import parse_config
from mfl_lint.service.soundness import (
    unservable,
    wrong_with_files,
    wrong_with_service,
    wrong_with_sqlite,
)

NOBODY: frozenset[str] = frozenset()
ALICE = frozenset({"alice"})
OIDC = 'oidc = { issuer = "https://id.example", client_id = "x", url = "https://lint.example" }\n'


def found(text: str, users: frozenset[str] = NOBODY) -> dict[str, bool | None]:
    """Return what is wrong with the service under [serve] settings."""
    crawled = '[[registry]]\nname = "a"\nhost = "h.example"\ninterval = "1h"\n'
    checks = [*wrong_with_service(parse_config(f"{crawled}[serve]\n{text}"), users)]
    assert all(check.said and check.cure for check in checks)
    return {check.what: check.ok for check in checks}


def test_nothing_is_wrong_with_the_defaults() -> None:
    assert {} == found("")
    assert {} == found("", ALICE)


@pytest.mark.parametrize(
    ("text", "users", "wrong"),
    [
        ("host = '10.0.0.5'\nhttps = true\nhosts = ['l.example']", NOBODY, {"serve.host": False}),
        ("host = '10.0.0.5'\nhttps = true\nhosts = ['l.example']", ALICE, {}),
        ("host = '10.0.0.5'", ALICE, {"serve.https": None}),
        ("hosts = ['l.example']", NOBODY, {"serve.hosts": False}),
        ("hosts = ['l.example']", ALICE, {}),
        ("https = true", ALICE, {"serve.hosts": None}),
    ],
)
def test_who_may_come_in_is_looked_at(
    text: str, users: frozenset[str], wrong: dict[str, bool | None]
) -> None:
    assert wrong == found(text, users)


@pytest.mark.parametrize(
    ("address", "header", "ok"),
    [
        ("127.0.0.1", True, "fine"),
        ("10.1.0.0/16", True, "fine"),
        ("203.0.113.0/24", True, "fine"),
        ("10.0.0.0/8", True, None),
        ("8.8.0.0/16", True, False),
        ("8.8.0.0/16", False, None),
        ("0.0.0.0/0", True, False),
        ("::/0", True, False),
    ],
)
def test_a_proxy_that_is_believed_from_everywhere_is_wrong(
    address: str, header: bool, ok: bool | str | None
) -> None:
    named = 'user_header = "X-User"\n' if header else ""
    wrong = found(f'[serve.proxy]\n{named}addresses = ["{address}"]', ALICE)
    assert ({} if ok == "fine" else {"serve.proxy.addresses": ok}) == wrong


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ('https = true\nhosts = ["lint.example"]', {}),
        ('https = true\nhosts = ["other.example"]', {"serve.oidc.url": False}),
        ('hosts = ["lint.example"]', {"serve.https": None}),
    ],
)
def test_where_an_issuer_leads_back_to_must_be_known(
    more: str, wrong: dict[str, bool | None]
) -> None:
    assert wrong == found(f"{more}\n{OIDC}")


def test_an_issuer_by_http_is_for_trials() -> None:
    oidc = 'oidc = { issuer = "http://localhost:1", client_id = "x", url = "http://localhost:2" }'
    assert {"serve.oidc.issuer": None, "serve.oidc.url": None} == found(oidc)


def _registry(**settings: Any) -> Config:
    return Config(registries=(RegistryConfig("team", "registry.example", **settings),))


def test_a_registry_that_nobody_crawls_is_said() -> None:
    (check,) = wrong_with_service(_registry(), NOBODY)
    assert ("registry team", None, True) == (check.what, check.ok, "interval" in check.cure)
    assert [] == [*wrong_with_service(_registry(interval_s=60.0), NOBODY)]
    assert [] == [*wrong_with_service(_registry(cron="0 3 * * *"), NOBODY)]


def test_that_nothing_is_crawled_is_said() -> None:
    (check,) = wrong_with_service(Config(), NOBODY)
    assert ("registries", None) == (check.what, check.ok)
    assert "add [[registry]] to mfl-lint.toml" == check.cure


def test_names_that_nobody_has_see_nothing() -> None:
    config = _registry(interval_s=60.0, visible_to=("everyone", "users", "alice", "alicia"))
    (check,) = wrong_with_service(config, ALICE)
    assert (False, "visible_to names who is no user: alicia") == (check.ok, check.said)
    assert [] == [*wrong_with_service(config, ALICE | {"alicia"})]


def test_what_cannot_be_served_is_said_with_its_key() -> None:
    assert () == unservable(Config())
    (line,) = unservable(parse_config('[serve]\nhost = "0.0.0.0"'))
    assert "serve.hosts" in line


def test_secrets_that_everybody_reads_are_found(tmp_path: Path) -> None:
    secret, database = tmp_path / "password", tmp_path / "mfl-lint.db"
    settings = tmp_path / "mfl-lint.toml"
    settings.write_text('[database]\nurl = "postgresql://me:secret@db/x"\n')
    config = parse_config(
        '[[registry]]\nname = "a"\nhost = "r.example"\n[registry.credentials]\n'
        f'username = "x"\npassword_file = "{secret}"\n'
    )
    for file in (secret, database):
        file.write_text("x")
        file.chmod(0o644)
    wrong = [*wrong_with_files(config, database)]
    assert [str(secret), str(database)] == [check.what for check in wrong]
    assert f"chmod 600 {secret}" == wrong[0].cure
    for file in (secret, database):
        file.chmod(0o640)
    assert [] == [*wrong_with_files(config, database)]
    url = msgspec.structs.replace(config.database, url="postgresql://me:secret@db/x")
    named = msgspec.structs.replace(config, database=url, path=settings)
    settings.chmod(0o644)
    assert [str(settings)] == [check.what for check in wrong_with_files(named, None)]


def test_the_secrets_of_webhooks_channels_and_pushes_are_for_nobody_else(tmp_path: Path) -> None:
    names = ("password", "token", "hook", "url", "signed", "bearer")
    files = {name: tmp_path / name for name in names}
    config = parse_config(
        f"""
        [[registry]]
        name = "a"
        host = "h"
        push.credentials.password_file = "{files["password"]}"
        push.credentials.token_file = "{files["token"]}"
        [[hook]]
        name = "a"
        kind = "generic"
        registry = "a"
        secret_file = "{files["hook"]}"
        [[alert.channel]]
        name = "w"
        kind = "webhook"
        url_file = "{files["url"]}"
        secret_file = "{files["signed"]}"
        [[alert.channel]]
        name = "m"
        kind = "alertmanager"
        url = "https://example.org"
        token_file = "{files["bearer"]}"
        """
    )
    for file in files.values():
        file.write_text("x")
        file.chmod(0o644)
    wrong = {check.what for check in wrong_with_files(config, None)}
    assert set(map(str, files.values())) == wrong


@pytest.mark.parametrize(
    ("held", "mended"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
    ],
)
def test_old_releases_of_sqlite_are_dangerous_only_where_writers_cannot_take_turns(
    held: tuple[int, ...], mended: bool, tmp_path: Path
) -> None:
    assert None is wrong_with_sqlite(tmp_path / "mfl-lint.db", held)
    # No file can be locked where none can be made.
    check = wrong_with_sqlite(tmp_path / "missing" / "mfl-lint.db", held)
    assert mended == (check is None)
