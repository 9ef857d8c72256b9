"""A part of a page is drawn once, while it and what its times are called are the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from mfl_lint.core.access import Person, Role
from mfl_lint.core.policy import Severity
from mfl_lint.core.rule import Finding
from mfl_lint.core.truth import FindingState
from mfl_lint.core.views import FindingView
from mfl_lint.resources import templates_path
from mfl_lint.web import present
from mfl_lint.web.fragments import Fragments, Shown
from mfl_lint.web.items import FindingItem
from mfl_lint.web.rendering import Pages
from mfl_lint.web.viewer import Viewer
from tests.web.filled_store import NOW

DAY = timedelta(days=1)


def item(fingerprint: str = "f" * 64, **changes: Any) -> FindingItem:
    """Return a finding that was seen two days ago."""
    finding = Finding(
        rule="MFL101",
        slug="wrong-platform",
        severity=Severity.ERROR,
        registry="one",
        repository="team/app",
        tag="v1",
        reference="one.example/team/app:v1",
        digest=None,
        platform="linux/arm64",
        position=0,
        subject="linux/arm64",
        message="it is not",
        fix="",
        fingerprint=fingerprint,
    )
    view = FindingView(finding, FindingState.OPEN, NOW - 2 * DAY, NOW)
    return msgspec.structs.replace(present.finding_item(view, ()), **changes)


class Drawing:
    """Parts whose macros only count how often they are asked."""

    def __init__(self) -> None:
        self.drawn = 0
        self.fragments = Fragments(lambda name: self._draw)

    def _draw(self, one: FindingItem, **how: Any) -> str:
        self.drawn += 1
        return f"{one.message} since {how['when'](one.first_seen_at)} {how['may_ignore']};"

    def text(self, one: FindingItem, after: timedelta = timedelta(), **how: Any) -> str:
        return str(Shown(self.fragments, NOW + after).findings([one], **how))


def test_the_same_finding_is_drawn_once() -> None:
    drawing = Drawing()
    assert drawing.text(item()) == drawing.text(item(), timedelta(seconds=1))
    assert 1 == drawing.drawn


def test_what_a_time_is_called_goes_on() -> None:
    drawing = Drawing()
    assert "2 days ago" in drawing.text(item())
    assert "3 days ago" in drawing.text(item(), DAY)
    assert 2 == drawing.drawn


def test_another_finding_or_another_right_is_drawn_anew() -> None:
    drawing = Drawing()
    editor = Viewer(Person("eve", Role.EDITOR))
    drawing.text(item())
    drawing.text(item(message="it is another"))
    drawing.text(item(), where=False)
    assert " True;" in drawing.text(item(), viewer=editor)
    assert 4 == drawing.drawn
    assert " False;" in drawing.text(item(), viewer=Viewer())
    assert 4 == drawing.drawn


def test_parts_that_become_too_many_are_forgotten_and_drawn_again() -> None:
    drawing = Drawing()
    long = "x" * 1_000_000
    for number in range(40):
        drawing.text(item(fingerprint=f"{number:064}", message=long))
    assert 40 == drawing.drawn
    drawing.text(item(fingerprint=f"{39:064}", message=long))
    assert 40 == drawing.drawn
    drawing.text(item(fingerprint=f"{0:064}", message=long))
    assert 41 == drawing.drawn


def test_what_is_hostile_stays_text_however_often_it_is_shown() -> None:
    pages = Pages(templates_path(), lambda: NOW)
    hostile = item(message="<script>alert(1)</script>\u202e")
    texts = [str(Shown(pages._fragments, NOW).findings([hostile])) for _ in range(2)]
    assert texts[0] == texts[1]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e" in texts[0]
    assert "<script" not in texts[0]
