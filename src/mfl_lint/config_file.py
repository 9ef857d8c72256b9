"""Read settings from TOML; every mistake is named with its key and what to write instead."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from mfl_lint.config import (
    Config,
    CrawlConfig,
    DatabaseConfig,
    HttpConfig,
    RegistryConfig,
    Seconds,
    ServeConfig,
    Settings,
)
from mfl_lint.config_checks import check_globs, check_known, check_registry
from mfl_lint.core.errors import ConfigInvalid, PlatformInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Ignore, Policy, Requirement, Severity
from mfl_lint.rules import discover

ENVIRONMENT: Final = "MFL_LINT_CONFIG"
DEFAULT_NAME: Final = "mfl-lint.toml"
MAX_BYTES: Final = 1024 * 1024

_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|m|h|d|w)", re.ASCII)
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
# tomllib takes time and memory by the square of a dotted key's length.
_ENDLESS_KEY: Final = re.compile(r"(?:\.\s*+[\w\"'\\-]++\s*+){64}")
_IN_TOML: Final = (
    ("Object missing required field", "missing:"),
    ("`object`", "a table"),
    ("`array`", "a list"),
)


class RequireTable(Settings, frozen=True):
    """One `[[policy.require]]` table."""

    platforms: tuple[str, ...]
    repositories: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ("*",)


class IgnoreTable(Settings, frozen=True):
    """One `[[policy.ignore]]` table."""

    rule: str
    reason: str
    registry: str = "*"
    repository: str = "*"
    tag: str = "*"
    expires: Any = None


class PolicyTable(Settings, frozen=True):
    """The `[policy]` table."""

    require: tuple[RequireTable, ...] = ()
    severities: Mapping[str, str] = {}
    disabled: tuple[str, ...] = ()
    ignore: tuple[IgnoreTable, ...] = ()
    known_platforms: tuple[str, ...] = ()
    windows_builds: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    settle_s: Seconds = 6 * 3600.0


class File(Settings, frozen=True):
    """A whole settings file."""

    registry: tuple[RegistryConfig, ...] = ()
    database: DatabaseConfig = DatabaseConfig()
    crawl: CrawlConfig = CrawlConfig()
    http: HttpConfig = HttpConfig()
    serve: ServeConfig = ServeConfig()
    policy: PolicyTable = PolicyTable()


def parse_duration(value: object, key: str) -> float:
    """Return seconds; `value` is a number of seconds or text like "90s", "10m", "24h", "14d"."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12:
        return float(value)
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ConfigInvalid(f'{key}: {value!r:.60} is no duration; write "90s", "10m" or "24h"')
    return float(match[1]) * _UNITS_S[match[2]]


def _struct_of(kind: Any) -> type[Settings] | None:
    """Return the settings type that a field holds, alone or in a tuple."""
    for candidate in (kind, *get_args(kind)):
        if isinstance(candidate, type) and issubclass(candidate, Settings):
            return candidate
    return None


def _prepared(table: object, kind: type[Settings], path: str) -> object:
    """Return the table with durations in seconds, under the fields' own names."""
    if not isinstance(table, dict):
        return table
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    keys = {name.removesuffix("_s"): name for name in fields}
    made: dict[str, object] = {}
    for key, value in table.items():
        at = f"{path}.{key}" if path else key
        if key not in keys:
            close = difflib.get_close_matches(key, keys, 1)
            hint = f'; did you mean "{close[0]}"?' if close else f"; known: {', '.join(keys)}"
            raise ConfigInvalid(f"{at}: there is no such setting{hint}")
        name = keys[key]
        below = _struct_of(fields[name].type)
        if name.endswith("_s"):
            made[name] = parse_duration(value, at)
        elif below is not None and isinstance(value, list):
            made[name] = [_prepared(x, below, f"{at}[{n}]") for n, x in enumerate(value)]
        elif below is not None:
            made[name] = _prepared(value, below, at)
        else:
            made[name] = value
    return made


def _convert(table: Mapping[str, object]) -> File:
    """Return the file's tables as values; raise ConfigInvalid with the key."""
    try:
        return msgspec.convert(_prepared(dict(table), File, ""), File)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        key = path.rstrip("`").lstrip(".").removesuffix("_s")
        for said, better in _IN_TOML:
            text = text.replace(said, better)
        raise ConfigInvalid(f"{key or 'the file'}: {text}") from None


def _platforms(texts: tuple[str, ...], key: str) -> tuple[Platform, ...]:
    """Return the parsed platforms; raise ConfigInvalid with the key."""
    try:
        return tuple(Platform.parse(text) for text in texts)
    except PlatformInvalid as error:
        raise ConfigInvalid(f"{key}: {error}") from None


def _rule_id(text: str, key: str, known: Mapping[str, str]) -> str:
    """Return the id of a rule named by id or slug; raise ConfigInvalid with the key."""
    found = known.get(text.upper()) or known.get(text.lower())
    if found is None:
        close = difflib.get_close_matches(text.lower(), known, 1)
        hint = f'did you mean "{close[0]}"?' if close else "`mfl-lint rules` lists them"
        raise ConfigInvalid(f"{key}: there is no rule {text!r:.60}; {hint}")
    return found


def _ignores(table: PolicyTable, known: Mapping[str, str]) -> Iterator[Ignore]:
    """Yield the ignores with their expiry as an instant."""
    for index, item in enumerate(table.ignore):
        key = f"policy.ignore[{index}]"
        if not item.reason.strip():
            raise ConfigInvalid(f"{key}.reason: say why this is ignored")
        check_globs((item.rule, item.registry, item.repository, item.tag), key)
        rule = item.rule if "*" in item.rule else _rule_id(item.rule, f"{key}.rule", known)
        when = _instant(item.expires, f"{key}.expires")
        yield Ignore(rule, item.reason, item.registry, item.repository, item.tag, when)


def _instant(value: object, key: str) -> datetime | None:
    """Return TOML's date (its first moment) or time as aware UTC; raise ConfigInvalid."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ConfigInvalid(f"{key}: {value!r:.60} is no date; write 2027-06-30, without quotes")


def _severity(text: str, rule: str) -> Severity:
    if text not in set(Severity):
        raise ConfigInvalid(f"policy.severities.{rule}: {text!r:.60}: error, warning or info")
    return Severity(text)


def _policy(table: PolicyTable) -> Policy:
    """Return the policy that the table describes."""
    known = {name: rule.id for rule in discover() for name in (rule.id, rule.slug)}
    for index, item in enumerate(table.require):
        check_globs((*item.repositories, *item.tags), f"policy.require[{index}]")
    canonical = _platforms(table.known_platforms, "policy.known_platforms")
    demands: list[Requirement] = []
    for at, item in enumerate(table.require):
        key = f"policy.require[{at}].platforms"
        platforms = _platforms(item.platforms, key)
        check_known(platforms, canonical, key)
        demands.append(Requirement(platforms, item.repositories, item.tags))
    severities = {
        _rule_id(name, f"policy.severities.{name}", known): _severity(text, name)
        for name, text in table.severities.items()
    }
    disabled = (_rule_id(name, "policy.disabled", known) for name in table.disabled)
    return Policy(
        requirements=tuple(demands),
        severities=severities,
        disabled=frozenset(disabled),
        ignores=tuple(_ignores(table, known)),
        known_platforms=canonical,
        windows_builds=table.windows_builds,
        hosts=_platforms(table.hosts, "policy.hosts"),
        settle_s=table.settle_s,
    )


def parse_config(text: str, path: Path | None = None) -> Config:
    """Return the settings that the TOML text holds; raise ConfigInvalid."""
    if _ENDLESS_KEY.search(text):
        raise ConfigInvalid("not valid TOML here: a key of more than 64 parts")
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigInvalid(f"not valid TOML: {error}"[:300]) from None
    file = _convert(table)
    names: set[str] = set()
    for index, registry in enumerate(file.registry):
        check_registry(registry, f"registry[{index}]")
        if registry.name in names:
            raise ConfigInvalid(f"registry[{index}].name: {registry.name!r} is used twice")
        names.add(registry.name)
    policy = _policy(file.policy)
    return Config(
        file.registry, file.database, file.crawl, file.http, file.serve, policy=policy, path=path
    )


def load_config(path: Path) -> Config:
    """Return the settings of a file; raise ConfigInvalid naming the file."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise ConfigInvalid("more than 1 MiB is no settings file")
        return parse_config(raw.decode("utf-8"), path)
    except OSError as error:
        raise ConfigInvalid(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{path}: not UTF-8") from None
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{path}: {error}") from None


def find_config(given: Path | None, environment: Mapping[str, str] = os.environ) -> Config:
    """Return the settings: of the path given, of $MFL_LINT_CONFIG, of ./mfl-lint.toml, or none."""
    named = environment.get(ENVIRONMENT)
    if given is not None or named:
        return load_config(given or Path(named or ""))
    default = Path(DEFAULT_NAME)
    return load_config(default) if default.is_file() else Config()
