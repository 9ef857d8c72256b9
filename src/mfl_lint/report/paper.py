"""What text reports are written on: a width, colour or none, and signs that can be encoded."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Final, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mfl_lint.report.inert import inert

PIPED_WIDTH: Final = 100
_NARROWEST: Final = 40
_JUSTIFY: Final[dict[str, Literal["right"]]] = {"#": "right", "size": "right"}
_PLAIN: Final = str.maketrans("✓✗│…·–×", "+x|.--x")


class Paper:
    """Collects a report's lines. Whatever is put on it is shown as it is: no markup is read."""

    def __init__(
        self, width: int = PIPED_WIDTH, *, color: bool = False, unicode: bool = True
    ) -> None:
        self.width = max(width, _NARROWEST)
        self.console = Console(
            file=io.StringIO(),
            width=self.width,
            force_terminal=color,
            color_system="standard" if color else None,
            no_color=not color,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
            _environ={},
        )
        self._unicode = unicode

    def line(self, *parts: tuple[str, str] | str) -> None:
        """Write one line of (text, style) pieces, never broken: it can be copied whole."""
        self.console.print(_assembled(parts), soft_wrap=True)

    def block(self, first: str, parts: Iterable[tuple[str, str] | str], *, style: str = "") -> None:
        """Write text, wrapped; each line begins with `first`, so with nothing of a registry's."""
        inside = max(self.width - len(first), _NARROWEST // 2)
        for row in _assembled(parts).wrap(self.console, inside):
            row.rstrip()
            self.console.print(Text.assemble((first, style), row), soft_wrap=True)

    def table(self, titles: Iterable[str], rows: Iterable[tuple[Iterable[str], str]]) -> None:
        """Write a table of (cells, style) rows. Its frame begins each line, however cells wrap."""
        frame = box.ROUNDED if self._unicode else box.ASCII
        table = Table(box=frame, border_style="dim", header_style="bold")
        for title in titles:
            table.add_column(Text(title), overflow="fold", justify=_JUSTIFY.get(title, "left"))
        for cells, style in rows:
            table.add_row(*(Text(inert(cell)) for cell in cells), style=style)
        self.console.print(table)

    def text(self) -> str:
        """Return all that was written."""
        file = self.console.file
        assert isinstance(file, io.StringIO)  # noqa: S101  # made above
        written = file.getvalue()
        return written if self._unicode else written.translate(_PLAIN)


def _assembled(parts: Iterable[tuple[str, str] | str]) -> Text:
    pieces = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((inert(text), style) for text, style in pieces))
