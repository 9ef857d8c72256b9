"""Whether platforms can be pulled, as lines for people and as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from mfl_lint.core.readiness import Answer, Readiness, together
from mfl_lint.core.scan import Unresolved
from mfl_lint.report.inert import inert
from mfl_lint.report.json_v1 import PlaceV1, UnresolvedV1, places_v1, to_json

_WORDS: Final = {Answer.YES: "ready", Answer.NO: "not ready", Answer.UNKNOWN: "unknown"}


class CheckV1(msgspec.Struct, frozen=True):
    """One platform of one reference; `digests` are the images that engines take."""

    reference: str
    platform: str
    ready: bool | None
    why: str
    digests: tuple[str, ...]
    places: tuple[PlaceV1, ...]


class ReadyV1(msgspec.Struct, frozen=True):
    """All that was asked for; `ready` is null where it is unknown."""

    version: Literal[1]
    ready: bool | None
    checks: tuple[CheckV1, ...]
    unresolved: tuple[UnresolvedV1, ...]


def overall(checks: Sequence[Readiness], unresolved: Sequence[Unresolved]) -> Answer:
    """Return the answer for everything; what could not be resolved is unknown."""
    unread = [Answer.UNKNOWN for _ in unresolved]
    return together([*(check.answer for check in checks), *unread])


def render_ready(checks: Sequence[Readiness], unresolved: Sequence[Unresolved]) -> str:
    """Return one line for each platform of each reference."""
    rows = [_line(check) for check in checks]
    rows += [f"unknown: {item}" for item in unresolved]
    rows = rows or ["ready: no file names an image"]
    return "".join(f"{inert(row)}\n" for row in rows)


def _line(check: Readiness) -> str:
    where = f" (in {', '.join(map(str, check.places[:3]))})" if check.places else ""
    return f"{_WORDS[check.answer]}: {check.reference} {check.platform}{where}: {check.why}"


def render_ready_json(checks: Sequence[Readiness], unresolved: Sequence[Unresolved]) -> str:
    """Return the same as JSON text in ASCII."""
    return to_json(
        ReadyV1(
            1,
            _truth(overall(checks, unresolved)),
            tuple(
                CheckV1(
                    check.reference,
                    check.platform,
                    _truth(check.answer),
                    check.why,
                    check.digests,
                    places_v1(check.places),
                )
                for check in checks
            ),
            tuple(UnresolvedV1(x.text, x.file, x.line, x.why) for x in unresolved),
        )
    )


def _truth(answer: Answer) -> bool | None:
    return None if answer is Answer.UNKNOWN else answer is Answer.YES
