"""What a registry demands in WWW-Authenticate, and the scopes of its tokens.

Source: RFC 9110 section 11.6.1; distribution's token specification ("jwt", "scope").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME: Final = re.compile(rf'[\s,]*"?({_WORD})"?(?:\s+|$)(?!\s*=)')
_PARAMETER: Final = re.compile(
    rf'[\s,]*"?({_WORD})"?\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))\s*(?=,|$)'
)
_ESCAPED: Final = re.compile(r"\\(.)")
_MAX_HEADER: Final = 16 * 1024


class Challenge(msgspec.Struct, frozen=True):
    """One challenge: its scheme and parameters, names in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(header: str) -> tuple[Challenge, ...]:
    """Return the challenges of one header; what cannot be read ends it."""
    header, found, at = header[:_MAX_HEADER], [], 0
    while (scheme := _SCHEME.match(header, at)) is not None:
        parameters: dict[str, str] = {}
        at = scheme.end()
        while (piece := _PARAMETER.match(header, at)) is not None:
            name, quoted, token = piece.groups()
            parameters.setdefault(name.lower(), token or _ESCAPED.sub(r"\1", quoted or ""))
            at = piece.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return tuple(found)


def choose(headers: Sequence[str]) -> Challenge | None:
    """Return the challenge to answer: Bearer with a realm, else Basic, None if there is neither."""
    offered = [challenge for header in headers for challenge in challenges(header)]
    for challenge in offered:
        if challenge.scheme == "bearer" and challenge.parameters.get("realm"):
            return challenge
    return next((challenge for challenge in offered if challenge.scheme == "basic"), None)


def clean_actions(actions: Iterable[str]) -> tuple[str, ...]:
    """Return the actions sorted, once each, without empty ones; `*` stands for all."""
    kept = sorted({action for action in actions if action})
    return ("*",) if "*" in kept else tuple(kept)


def repository_scope(repository: str, actions: Iterable[str] = ("pull",)) -> str:
    """Return the scope of these actions on a repository, "" if either is missing."""
    kept = clean_actions(actions)
    return f"repository:{repository}:{','.join(kept)}" if repository and kept else ""


def clean_scopes(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the scopes sorted, one for each resource, their actions united.

    A scope that is no `type:name:actions` stays as it is; one without actions is dropped.
    """
    united: dict[str, list[str]] = {}
    others: set[str] = set()
    for scope in scopes:
        resource, _, actions = scope.rpartition(":")
        if ":" not in resource:
            others.add(scope)
        else:
            united.setdefault(resource, []).extend(actions.split(","))
    cleaned = {name: clean_actions(actions) for name, actions in united.items()}
    whole = {f"{name}:{','.join(actions)}" for name, actions in cleaned.items() if actions}
    return tuple(sorted(whole | {scope for scope in others if scope}))
