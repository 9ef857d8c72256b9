"""The settings that a command runs with: the file's, and what the command line says on top."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from mfl_lint.cli.failures import say
from mfl_lint.config import Config
from mfl_lint.config_checks import check_known
from mfl_lint.config_file import find_config, load_config
from mfl_lint.config_policy import RuleNames, named_rules, rule_names, severities_of
from mfl_lint.config_tables import Reading
from mfl_lint.core.errors import ConfigInvalid, PlatformInvalid
from mfl_lint.core.platform import Platform
from mfl_lint.core.policy import Policy, Requirement, Severity


class RuleChoice(msgspec.Struct, frozen=True):
    """What --select, --ignore and --severity say, as it was typed."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()


def settings(path: Path | None) -> Config:
    """Return the settings that are found, and say what their user should know of that."""
    config = find_config(path)
    for notice in config.notices:
        say(f"note: {notice}")
    return config


def read_again(held: Config, path: Path | None) -> Config:
    """Return what the file says now that was found at the start: one that is gone is a mistake."""
    return load_config(held.path) if held.path is not None else find_config(path)


def settled(path: Path | None, choice: RuleChoice, required: Iterable[str]) -> Config:
    """Return the settings with the command line's policy; raise ConfigInvalid."""
    config = settings(path)
    policy = demanding(chosen(config.policy, choice), required)
    return msgspec.structs.replace(config, policy=policy)


def chosen(policy: Policy, choice: RuleChoice) -> Policy:
    """Return the policy with the rules that were chosen; raise ConfigInvalid with every mistake.

    --select stands in place of `policy.disabled`; --ignore and --severity come on top.
    """
    if choice == RuleChoice():
        return policy
    known, reading = rule_names(), Reading()
    disabled = policy.disabled
    severities: dict[str, Severity] = {}
    with reading.gathering():
        wanted = named_rules(_parts(choice.select), "--select", known)
        if choice.select:
            disabled = frozenset(known[name][0] for name in known) - frozenset(wanted)
    with reading.gathering():
        disabled |= frozenset(named_rules(_parts(choice.ignore), "--ignore", known))
    with reading.gathering():
        severities = _severities(choice.severity, known)
    reading.finish()
    return msgspec.structs.replace(
        policy, disabled=disabled, severities={**policy.severities, **severities}
    )


def _severities(texts: Iterable[str], known: RuleNames) -> dict[str, Severity]:
    pairs = [part.partition("=") for part in _parts(texts)]
    for name, equals, _ in pairs:
        if not equals:
            raise ConfigInvalid(f"--severity {name!r:.60}: write RULE=SEVERITY, MFL106=error")
    return severities_of(((f"--severity {name[:60]}", name, x) for name, _, x in pairs), known)


def _parts(texts: Iterable[str]) -> Iterator[str]:
    return (part.strip() for text in texts for part in text.split(","))


def demanding(policy: Policy, required: Iterable[str]) -> Policy:
    """Return the policy with the platforms of --require for everything; raise ConfigInvalid."""
    platforms = platforms_of(required, "--require", policy)
    if not platforms:
        return policy
    requirements = (*policy.requirements, Requirement(platforms))
    return msgspec.structs.replace(policy, requirements=requirements)


def platforms_of(texts: Iterable[str], option: str, policy: Policy) -> tuple[Platform, ...]:
    """Return the platforms that an option names; raise ConfigInvalid for typing errors.

    They may stand with commas between them.
    """
    parts = list(_parts(texts))
    if "" in parts:
        raise ConfigInvalid(f"{option}: a platform is empty; write linux/amd64,linux/arm64")
    try:
        platforms = tuple(dict.fromkeys(map(Platform.parse, parts)))
    except PlatformInvalid as error:
        raise ConfigInvalid(f"{option}: {error}") from None
    check_known(platforms, policy.known_platforms, option)
    return platforms
