"""The `[policy]` table, and the policy that it describes; rules by the names that users give."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from mfl_lint.config_checks import MAX_MISTAKES, check_globs, check_known
from mfl_lint.config_kinds import Positive, Seconds, Settings
from mfl_lint.config_tables import Reading
from mfl_lint.core.errors import ConfigInvalid, PlatformInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import AnnotationDemand, Ignore, Policy, Requirement, Severity
from mfl_lint.rules import discover

_ID: Final = re.compile(r"mfl[0-9]*")
_FAMILY_LENGTH: Final = 4
_CANDIDATES: Final = 30
RuleNames = Mapping[str, tuple[str, ...]]


class RequireTable(Settings, frozen=True):
    """One `[[policy.require]]` table."""

    platforms: tuple[str, ...]
    repositories: tuple[str, ...] = ("*",)
    tags: tuple[str, ...] = ("*",)


class AnnotationTable(Settings, frozen=True):
    """One `[[policy.annotation]]` table."""

    keys: tuple[str, ...]
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
    annotation: tuple[AnnotationTable, ...] = ()
    immutable_tags: tuple[str, ...] = ()
    stale_days: Positive = 14
    known_platforms: tuple[str, ...] = ()
    windows_builds: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    settle_s: Seconds | None = None


def rule_names() -> RuleNames:
    """Return the ids of the rules that a name stands for: an id, a slug, a family like MFL3."""
    names: dict[str, tuple[str, ...]] = {}
    for rule in discover():
        family = rule.id[:_FAMILY_LENGTH]
        names[rule.id] = names[rule.slug] = (rule.id,)
        names[family] = (*names.get(family, ()), rule.id)
    return names


def named_rules(texts: Iterable[str], key: str, known: RuleNames) -> tuple[str, ...]:
    """Return the ids of the rules that ids, slugs and families name; raise ConfigInvalid."""
    found: dict[str, None] = {}
    mistakes: list[str] = []
    for text in texts:
        ids = known.get(text.upper()) or known.get(text.lower())
        found.update(dict.fromkeys(ids or ()))
        if ids is None and len(mistakes) < MAX_MISTAKES:
            mistakes.append(f"{key}: there is no rule {text!r:.60}; {_nearest(text, known)}")
    if mistakes:
        raise ConfigInvalid(*mistakes)
    return tuple(found)


def _nearest(text: str, known: RuleNames) -> str:
    spelt = {name.lower(): name for name in known if len(name) > _FAMILY_LENGTH}
    typed = text[:100].lower()
    close = difflib.get_close_matches(typed, spelt, _CANDIDATES)
    # Ids are all alike: what begins alike is rather meant.
    begun = [name for name in close if name.startswith(typed[:_FAMILY_LENGTH])]
    likely = begun if _ID.fullmatch(typed) else begun or close
    return f'did you mean "{spelt[likely[0]]}"?' if likely else "`mfl-lint rules` lists them"


def severities_of(named: Iterable[tuple[str, str, str]], known: RuleNames) -> dict[str, Severity]:
    """Return severities by rule id, of (key, rule, severity); a rule's own over its family's.

    Raises ConfigInvalid with every rule and severity that there is not.
    """
    reading = Reading()
    found: dict[str, Severity] = {}
    single: dict[str, Severity] = {}
    for key, name, text in named:
        with reading.gathering():
            ids = named_rules([name], key, known)
            if text not in set(Severity):
                raise ConfigInvalid(f"{key}: {text!r:.60} is none of error, warning, info")
            into = found if name.upper() in known and len(name) == _FAMILY_LENGTH else single
            into.update(dict.fromkeys(ids, Severity(text)))
    reading.finish()
    return found | single


def policy_of(table: PolicyTable, reading: Reading) -> Policy:
    """Return the policy that the tables describe; what is wrong is noted and left out."""
    known = rule_names()
    canonical = _platforms(table.known_platforms, "policy.known_platforms", reading)
    severities: dict[str, Severity] = {}
    disabled: tuple[str, ...] = ()
    with reading.gathering():
        check_globs(table.immutable_tags, "policy.immutable_tags")
    with reading.gathering():
        named = table.severities.items()
        severities = severities_of(((f"policy.severities.{x}", x, y) for x, y in named), known)
    with reading.gathering():
        disabled = named_rules(table.disabled, "policy.disabled", known)
    return Policy(
        requirements=tuple(_requirements(canonical, reading)),
        severities=severities,
        disabled=frozenset(disabled),
        ignores=tuple(_ignores(known, reading)),
        known_platforms=canonical,
        windows_builds=table.windows_builds,
        hosts=_platforms(table.hosts, "policy.hosts", reading),
        settle_s=table.settle_s,
        annotations=tuple(_annotations(reading)),
        immutable_tags=table.immutable_tags,
        stale_days=table.stale_days,
    )


def _platforms(texts: Iterable[str], key: str, reading: Reading) -> tuple[Platform, ...]:
    """Return the platforms that parse; note the others."""
    found: list[Platform] = []
    for text in texts:
        try:
            found.append(Platform.parse(text))
        except PlatformInvalid as error:
            reading.add(f"{key}: {error}")
    return tuple(found)


def _requirements(canonical: tuple[Platform, ...], reading: Reading) -> Iterator[Requirement]:
    for key, table in reading.tables(RequireTable):
        platforms = _platforms(table.platforms, f"{key}.platforms", reading)
        with reading.gathering():
            check_known(platforms, canonical, f"{key}.platforms")
        with reading.gathering():
            check_globs((*table.repositories, *table.tags), key)
        yield Requirement(platforms, table.repositories, table.tags)


def _annotations(reading: Reading) -> Iterator[AnnotationDemand]:
    for key, table in reading.tables(AnnotationTable):
        with reading.gathering():
            check_globs((*table.repositories, *table.tags), key)
        if not table.keys or not all(one.strip() and one.isprintable() for one in table.keys):
            reading.add(f"{key}.keys: name at least one annotation, and none that is empty")
        yield AnnotationDemand(table.keys, table.repositories, table.tags)


def _ignores(known: RuleNames, reading: Reading) -> Iterator[Ignore]:
    """Yield the ignores with their rule as a pattern of ids, and their expiry as an instant."""
    for key, table in reading.tables(IgnoreTable):
        if not table.reason.strip():
            reading.add(f"{key}.reason: say why this is ignored")
        with reading.gathering():
            check_globs((table.rule, table.registry, table.repository, table.tag), key)
            rule = rule_pattern(table.rule, f"{key}.rule", known)
            when = _instant(table.expires, f"{key}.expires")
            place = table.registry, table.repository, table.tag
            yield Ignore(rule, table.reason, *place, when)


def rule_pattern(text: str, key: str, known: RuleNames) -> str:
    """Return what an ignore compares ids with; of an id, a slug, a family, or a pattern.

    Raises ConfigInvalid for a rule that there is not.
    """
    if "*" in text:
        return text
    ids = named_rules([text], key, known)
    return ids[0] if len(ids) == 1 else f"{ids[0][:_FAMILY_LENGTH]}*"


def _instant(value: object, key: str) -> datetime | None:
    """Return TOML's date (its first moment) or time as aware UTC; raise ConfigInvalid."""
    if value is None:
        return None
    if isinstance(value, datetime):
        try:
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        except OverflowError:
            raise ConfigInvalid(f"{key}: {value} is in no year from 1 to 9999 of UTC") from None
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    raise ConfigInvalid(f"{key}: {value!r:.60} is no date; write 2027-06-30, without quotes")
