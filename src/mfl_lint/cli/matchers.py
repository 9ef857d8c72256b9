"""What silences and ignores on the command line are about, and for how long they hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mfl_lint.config import Config
    from mfl_lint.core.policy import Ignore


def end_after(lasts: str) -> datetime:
    """Return the end of what lasts for so long from now on, aware UTC; raise UsageError."""
    from mfl_lint.config_tables import parse_duration

    try:
        return datetime.now(UTC) + timedelta(seconds=parse_duration(lasts, "--for"))
    except OverflowError:
        raise click.UsageError("--for: that is longer than a calendar goes") from None


def matcher_of(
    rule: str, registry: str, repository: str, tag: str, reason: str, until: datetime | None
) -> Ignore:
    """Return what is matched until then, None for ever; raise ConfigInvalid or UsageError."""
    from mfl_lint.config_checks import check_globs
    from mfl_lint.config_policy import rule_names, rule_pattern
    from mfl_lint.core.policy import Ignore

    check_globs((rule, registry, repository, tag), "--rule, --registry, --repository, --tag")
    pattern = rule_pattern(rule, "--rule", rule_names())
    return Ignore(pattern, reason_of(reason), registry, repository, tag, until)


def check_registry(pattern: str, config: Config) -> None:
    """Refuse a name that no registry has; say of a pattern that it matches none."""
    from mfl_lint.cli.failures import say
    from mfl_lint.core.policy import any_glob

    known = [one.name for one in config.registries]
    if any(any_glob((pattern,), name) for name in known):
        return
    there = f"configured are {', '.join(known)}" if known else "none is configured"
    if set(pattern) & set("*?["):
        say(f"note: --registry {pattern} matches no registry: {there}")
    else:
        raise click.UsageError(f"--registry: no registry is called {pattern!r:.80}; {there}")


def reason_of(text: str) -> str:
    """Return a reason as one line; raise UsageError for none, or what is no text."""
    reason = " ".join(text.split())
    if not 0 < len(reason) <= 500 or not reason.isprintable():
        raise click.UsageError("--reason: say why, in at most 500 characters")
    return reason


def shown(matcher: Ignore) -> str:
    """Return what a silence or an ignore is about, in one word each."""
    from mfl_lint.report.inert import inert

    place = f"{matcher.registry}/{matcher.repository}:{matcher.tag}"
    return inert(f"{'all rules' if matcher.rule == '*' else matcher.rule} on {place}")


def say_unmatched(matcher: Ignore, unmatched: str) -> None:
    """Say which pattern matches nothing so far: it may be a typing error."""
    from mfl_lint.cli.failures import say
    from mfl_lint.config_policy import rule_names
    from mfl_lint.core.policy import glob_matches

    rules = {rule for ids in rule_names().values() for rule in ids}
    if not any(glob_matches(matcher.rule, rule) for rule in rules):
        say(f"note: nothing matched --rule {matcher.rule}; `mfl-lint rules` lists the rules")
    if unmatched:
        pattern = matcher.repository if unmatched == "repository" else matcher.tag
        say(f"note: nothing matched --{unmatched} {pattern} yet: no crawl has seen such a one")
