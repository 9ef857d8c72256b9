"""What came of webhooks since the service began. Kept in memory, by configured names only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# Whatever is sent to a name that nobody configured.
UNKNOWN = ""


class Came(StrEnum):
    """What became of a request."""

    ACCEPTED = "accepted"
    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    FAILED = "failed"


class Told(StrEnum):
    """What became of an event: a look was queued, or waited already; or why there is none."""

    QUEUED = "queued"
    WAITING = "waiting"
    IGNORED = "ignored"
    INVALID = "invalid"
    OUTSIDE = "outside"


@dataclass(slots=True)
class HookRecord:
    """One webhook's counts; times are of the last request that was accepted, and was not."""

    requests: Counter[Came] = field(default_factory=Counter)
    events: Counter[Told] = field(default_factory=Counter)
    accepted_at: datetime | None = None
    refused_at: datetime | None = None

    @property
    def refused(self) -> int:
        """Return how many requests were not accepted."""
        return self.requests.total() - self.requests[Came.ACCEPTED]


class HookLog:
    """The records of all webhooks by name."""

    def __init__(self) -> None:
        self._records: dict[str, HookRecord] = {}

    def of(self, name: str) -> HookRecord:
        """Return a webhook's record; `name` is a configured one, or UNKNOWN."""
        return self._records.setdefault(name, HookRecord())

    def note(self, name: str, came: Came, now: datetime) -> None:
        """Count a request."""
        record = self.of(name)
        record.requests[came] += 1
        if came is Came.ACCEPTED:
            record.accepted_at = now
        else:
            record.refused_at = now

    def records(self) -> dict[str, HookRecord]:
        """Return all records by name."""
        return dict(self._records)
