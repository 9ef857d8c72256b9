"""What a repository's crawl has come to so far."""

from __future__ import annotations

from collections.abc import Iterable

from mfl_lint.core.observation import Look, LookState
from mfl_lint.core.records import Batch, TagState, TagWrite
from mfl_lint.core.truth import Change
from mfl_lint.crawl.job import RepositoryResult


class Outcome:
    """Counts what was recorded; `failed` is why the first tag that was not read was not.

    A tag counts once, however often it was looked at.
    """

    def __init__(self) -> None:
        self._opened = self._resolved = 0
        self._looked: set[str] = set()
        self._failed = ""
        self._ended: set[LookState] = set()

    def add(self, batch: Batch) -> None:
        """Count a slice of tags that were looked at."""
        self._looked.update(batch.unchanged)
        self.add_states(write.state for write in batch.tags)
        self.add_changes(batch.tags)

    def add_states(self, states: Iterable[TagState]) -> None:
        """Count tags by how their last look ended, whoever took it."""
        for state in states:
            if state.look in (LookState.VERIFIED, LookState.ABSENT):
                self._looked.add(state.name)
            else:
                self._failed = self._failed or state.detail or str(state.look)
                self._ended.add(state.look)

    def add_changes(self, writes: Iterable[TagWrite]) -> None:
        """Count the findings of tags that were only judged again."""
        for write in writes:
            for transition in write.settlement.transitions:
                self._opened += transition.change is Change.OPENED
                self._resolved += transition.change is Change.RESOLVED

    def result(self, repository: str, look: Look, tags: int) -> RepositoryResult:
        """Return how the crawl ended whose listing ended with `look`."""
        return RepositoryResult(
            repository=repository,
            look=look.state,
            tags=tags,
            looked=len(self._looked),
            opened=self._opened,
            resolved=self._resolved,
            detail=look.detail or self._failed,
            failed=tuple(sorted(self._ended)),
        )
