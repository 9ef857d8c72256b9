"""Messages on their way, and what people do about findings beside mending them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from mfl_lint.core.news import Group, Kind, News
from mfl_lint.core.policy import Ignore


class Notice(msgspec.Struct, frozen=True):
    """What one message says, whatever channel it goes to. `left_out` news are counted only.

    `digest`: it is a report over a time. `url`: where this service is, "" if nobody said.
    `counts`: how many news of each kind there are, shown or not. `part`: which of several it is,
    0 where it is whole; `more` follow.
    """

    id: str
    route: str
    group: Group
    at: datetime
    items: tuple[News, ...]
    left_out: int = 0
    digest: bool = False
    url: str = ""
    counts: dict[Kind, int] = {}
    part: int = 0
    more: bool = False

    @property
    def counted(self) -> Mapping[Kind, int]:
        """Return how many news of each kind there are; of older messages, how many are shown."""
        return self.counts or Counter(item.kind for item in self.items)


class Ready(msgspec.Struct, frozen=True):
    """A group whose time has come: its news since, and what stands if it is to be said again.

    What stands can be much: it is read anew each time somebody asks.
    """

    id: int
    group: Group
    news: tuple[News, ...] = ()
    standing: Iterable[News] = ()
    repeats: bool = False


class Later(msgspec.Struct, frozen=True):
    """When a group's time comes again.

    `told`: what waited is done with, but for the news `kept`, by their ids, which wait on.
    `repeat`: when what stands is said again; with `repeat_stays` the time that was set before
    counts, if there is one. `lasts`: nothing but other settings can make `due` sooner.
    """

    id: int
    told: bool
    due: datetime | None = None
    repeat: datetime | None = None
    repeat_stays: bool = False
    lasts: bool = False
    kept: frozenset[str] = frozenset()


class Gathered(msgspec.Struct, frozen=True):
    """The messages to send now, and when each group's time comes again.

    `whole`: all news of those that have no place for them, by their ids.
    """

    notices: tuple[Notice, ...] = ()
    groups: tuple[Later, ...] = ()
    whole: Mapping[str, Iterable[News]] = {}


class MessageState(StrEnum):
    """Whether a message was delivered; a dead letter is tried no more unless somebody says so."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"


class Draft(msgspec.Struct, frozen=True):
    """A message to be written."""

    notice: Notice
    channel: str
    title: str


class Message(msgspec.Struct, frozen=True):
    """A notice on its way to one channel. `key` is the same at each try."""

    id: int
    key: str
    channel: str
    notice: Notice
    attempts: int
    created_at: datetime


class Outcome(msgspec.Struct, frozen=True):
    """How a try to deliver a message ended; `again` is when to try next, None for never."""

    id: int
    state: MessageState
    problem: str = ""
    again: datetime | None = None


class Delivery(msgspec.Struct, frozen=True):
    """A message as people see it."""

    id: int
    key: str
    route: str
    channel: str
    registry: str
    title: str
    state: MessageState
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None
    sent_at: datetime | None
    problem: str


class Silence(msgspec.Struct, frozen=True):
    """News that nobody is told of, why, and until when."""

    id: int
    matcher: Ignore
    who: str
    created_at: datetime


class Acknowledgement(msgspec.Struct, frozen=True):
    """A finding that somebody takes care of: it is not said again while it stands."""

    fingerprint: str
    who: str
    reason: str
    at: datetime
    place: str = ""
    rule: str = ""
    registry: str = ""


class Handling(msgspec.Struct, frozen=True):
    """What people did about findings: ignores, silences, and acknowledged fingerprints.

    `flapping`: fingerprints of which nothing is said until they are calm.
    """

    ignores: tuple[Ignore, ...] = ()
    silences: tuple[Ignore, ...] = ()
    acknowledged: frozenset[str] = frozenset()
    flapping: frozenset[str] = frozenset()

    def hides(self, news: News, now: datetime) -> bool:
        """Say whether nobody is told now: what is ignored or silenced."""
        return _covered(self.ignores, news, now) or _covered(self.silences, news, now)

    def silenced_until(self, news: News, now: datetime) -> datetime | None:
        """Return when those will be told who are not now, None where nothing is silenced only."""
        ends = [one.expires for one in _covering(self.silences, news, now) if one.expires]
        return max(ends) if ends and not _covered(self.ignores, news, now) else None


def _covered(matchers: Iterable[Ignore], news: News, now: datetime) -> bool:
    return next(_covering(matchers, news, now), None) is not None


def _covering(matchers: Iterable[Ignore], news: News, now: datetime) -> Iterator[Ignore]:
    return (
        one
        for one in matchers
        if one.covers(news.rule, news.registry, news.repository, news.tag, now)
    )
