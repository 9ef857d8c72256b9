"""Jobs that look at what was asked for: which go first, and which host's slot they take."""

from __future__ import annotations

import pytest

from mfl_lint.config import Config, RegistryConfig
from mfl_lint.service.looker import AGAIN, THROTTLED
from mfl_lint.service.slots import HOT, OVERDUE, look_jobs

CONFIG = Config(registries=(RegistryConfig("here", "a.example", concurrency=1),))


@pytest.mark.parametrize(
    ("reason", "priorities"),
    [("webhook", [100]), (OVERDUE, [50]), (HOT, [10]), (AGAIN, []), (THROTTLED, [])],
)
def test_who_waits_for_an_answer_goes_first_and_what_is_to_wait_is_no_job_yet(
    reason: str, priorities: list[int]
) -> None:
    jobs = look_jobs(CONFIG, [("here", "team/app")], reason)
    assert priorities == [job.priority for job in jobs]


def test_a_look_takes_a_slot_of_its_host_and_waits_once() -> None:
    (job,) = look_jobs(CONFIG, [("here", "team/app"), ("gone", "team/app")], "webhook")
    assert ("a.example/0", "look/here/team/app") == (job.lock, job.once)
