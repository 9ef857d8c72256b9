"""Jobs that look at what was asked for: which go first, and which host's slot they take."""

from __future__ import annotations

import pytest

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.core.records import ASKED, WEBHOOK
from mfl_lint.service.slots import look_jobs
from mfl_lint.store.looks import AGAIN, HOT, THROTTLED
from mfl_lint.store.queue_due import DuePlace

CONFIG = Config(registries=(RegistryConfig("here", "a.example", concurrency=1),))


@pytest.mark.parametrize(
    ("reasons", "priority"),
    [
        ((WEBHOOK,), 100),
        ((ASKED, HOT), 100),
        ((HOT, AGAIN), 10),
        ((AGAIN,), 0),
        ((THROTTLED,), 0),
    ],
)
def test_who_waits_for_an_answer_goes_first(reasons: tuple[str, ...], priority: int) -> None:
    (job,) = look_jobs(CONFIG, [DuePlace("here", "team/app", reasons)])
    assert priority == job.priority


def test_a_look_takes_a_slot_of_its_host_and_waits_once() -> None:
    places = [DuePlace(name, "team/app", (WEBHOOK,)) for name in ("here", "gone")]
    (job,) = look_jobs(CONFIG, places)
    assert ("a.example/0", "look/here/team/app") == (job.lock, job.once)
