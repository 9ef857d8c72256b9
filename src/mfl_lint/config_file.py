"""Settings files: where they are found, and what they hold; every mistake names file and key."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from mfl_lint.config import (
    Config,
    CrawlConfig,
    DatabaseConfig,
    DeepConfig,
    HookConfig,
    HttpConfig,
    QueueConfig,
    RegistryConfig,
    ScanConfig,
)
from mfl_lint.config_alert import AlertConfig
from mfl_lint.config_alert_checks import alert_of
from mfl_lint.config_checks import check_hook, check_registry, check_retention, check_serve
from mfl_lint.config_kinds import Settings
from mfl_lint.config_policy import PolicyTable, policy_of
from mfl_lint.config_retention import RetentionConfig
from mfl_lint.config_serve import ServeConfig
from mfl_lint.config_tables import Reading
from mfl_lint.core.errors import ConfigInvalid

ENVIRONMENT: Final = "MFL_LINT_CONFIG"
DEFAULT_NAME: Final = "mfl-lint.toml"
PROJECT_NAME: Final = "pyproject.toml"
# In place of a path: no file is read, whatever there is.
NO_FILE: Final = Path(os.devnull)
MAX_BYTES: Final = 1024 * 1024

_TABLE: Final = ("tool", "mfl-lint")
# tomllib takes time and memory by the square of a dotted key's length.
_ENDLESS_KEY: Final = re.compile(r"(?:\.\s*+[\w\"'\\-]++\s*+){64}")


class File(Settings, frozen=True):
    """A whole settings file."""

    registry: tuple[RegistryConfig, ...] = ()
    hook: tuple[HookConfig, ...] = ()
    database: DatabaseConfig = DatabaseConfig()
    queue: QueueConfig = QueueConfig()
    crawl: CrawlConfig = CrawlConfig()
    http: HttpConfig = HttpConfig()
    serve: ServeConfig = ServeConfig()
    deep: DeepConfig = DeepConfig()
    scan: ScanConfig = ScanConfig()
    alert: AlertConfig = AlertConfig()
    retention: RetentionConfig = RetentionConfig()
    policy: PolicyTable = PolicyTable()


def parse_config(text: str, path: Path | None = None) -> Config:
    """Return the settings that the TOML text holds; raise ConfigInvalid with every mistake."""
    return _config(_toml(text), path)


def load_config(path: Path) -> Config:
    """Return the settings of a file; raise ConfigInvalid naming the file in every mistake.

    Of a pyproject.toml it is the table [tool.mfl-lint], which must be there.
    """
    try:
        text = _read(path).decode("utf-8")
        if path.name != PROJECT_NAME:
            return parse_config(text, path)
        table = _project_table(text)
        if table is None:
            raise ConfigInvalid(f"there is no table [{'.'.join(_TABLE)}] in it")
    except OSError as error:
        raise ConfigInvalid(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{path}: not UTF-8") from None
    except ConfigInvalid as error:
        raise ConfigInvalid(*(f"{path}: {line}" for line in error.mistakes)) from None
    try:
        return _config(table, path)
    except ConfigInvalid as error:
        before = f"{path}: {'.'.join(_TABLE)}."
        raise ConfigInvalid(*(f"{before}{line}" for line in error.mistakes)) from None


def find_config(given: Path | None, environment: Mapping[str, str] = os.environ) -> Config:
    """Return the settings: of the path given, of $MFL_LINT_CONFIG, of the project, or none.

    The project's are the first found from the working directory upwards, as far as the root of
    its repository. In one directory mfl-lint.toml is read and not pyproject.toml; where both hold
    settings, a line in `notices` says so.
    """
    named = environment.get(ENVIRONMENT)
    if given is None and named:
        given = Path(named)
    if given is not None:
        return Config() if given == NO_FILE else load_config(given)
    for folder in _folders():
        own, project = folder / DEFAULT_NAME, folder / PROJECT_NAME
        if os.path.isfile(own):
            config = load_config(own)
            return msgspec.structs.replace(config, notices=_unread(project, own))
        if _is_configured(project):
            return load_config(project)
    return Config()


def _unread(project: Path, own: Path) -> tuple[str, ...]:
    """Return what to say of a pyproject.toml that is not read because of the file beside it."""
    try:
        beside = _is_configured(project)
    except ConfigInvalid:
        beside = False
    return (f"{project}: [{'.'.join(_TABLE)}] is not read: {own} goes first",) if beside else ()


def _folders() -> Iterator[Path]:
    """Yield the working directory (as `.`) and those above it, up to the repository's root."""
    try:
        here = Path.cwd()
    except OSError:
        return
    for folder in (here, *here.parents):
        yield Path() if folder == here else folder
        if os.path.lexists(folder / ".git"):
            return


def _is_configured(project: Path) -> bool:
    """Say whether a pyproject.toml is there and means us: others' are not even read whole."""
    if not os.path.isfile(project):
        return False
    try:
        raw = _read(project)
    except OSError as error:
        raise ConfigInvalid(f"{project}: {error.strerror}") from None
    except ConfigInvalid:
        return False
    if _TABLE[1].encode() not in raw:
        return False
    try:
        return _project_table(raw.decode("utf-8")) is not None
    except UnicodeDecodeError:
        raise ConfigInvalid(f"{project}: not UTF-8") from None
    except ConfigInvalid as error:
        raise ConfigInvalid(f"{project}: {error}") from None


def _project_table(text: str) -> dict[str, object] | None:
    """Return [tool.mfl-lint], None where there is none; raise ConfigInvalid."""
    table: object = _toml(text)
    for name in _TABLE:
        table = table.get(name) if isinstance(table, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigInvalid(f"{'.'.join(_TABLE)}: write it as a table")
    return table


def _read(path: Path) -> bytes:
    """Return the file's bytes; raise OSError, or ConfigInvalid for more than 1 MiB."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise ConfigInvalid("more than 1 MiB is no settings file")
    return raw


def _toml(text: str) -> dict[str, object]:
    if _ENDLESS_KEY.search(text):
        raise ConfigInvalid("not valid TOML here: a key of more than 64 parts")
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigInvalid(f"not valid TOML: {error}"[:300]) from None


def _config(table: object, path: Path | None) -> Config:
    """Return the settings that the tables hold; raise ConfigInvalid with every mistake."""
    reading = Reading()
    file = reading.table(table, File, "") or File()
    _check_named(reading)
    with reading.gathering():
        check_serve(file.serve)
    policy = policy_of(file.policy, reading)
    alert = alert_of(file.alert, reading)
    with reading.gathering():
        check_retention(file.retention, alert.flapping_s)
    reading.finish()
    return Config(
        registries=file.registry,
        hooks=file.hook,
        database=file.database,
        queue=file.queue,
        crawl=file.crawl,
        http=file.http,
        serve=file.serve,
        deep=file.deep,
        scan=file.scan,
        alert=alert,
        retention=file.retention,
        policy=policy,
        path=path,
    )


def _check_named(reading: Reading) -> None:
    """Note what is wrong with registries and webhooks, by themselves and beside one another."""
    registries: set[str] = set()
    for key, registry in reading.tables(RegistryConfig):
        with reading.gathering():
            check_registry(registry, key)
        if registry.name in registries:
            reading.add(f"{key}.name: {registry.name!r:.70} is used twice")
        registries.add(registry.name)
    hooks: set[str] = set()
    for key, hook in reading.tables(HookConfig):
        with reading.gathering():
            check_hook(hook, key, registries)
        if hook.name in hooks:
            reading.add(f"{key}.name: {hook.name!r:.70} is used twice")
        hooks.add(hook.name)
