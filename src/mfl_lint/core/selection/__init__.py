"""Which child of an index an engine takes on a host, and why the others fell out.

Pure: what was seen of an index in, one of its entries out. Evidence that an engine would read and
that nobody saw raises NotObserved.
"""

from __future__ import annotations

from mfl_lint.core.selection.choose import Listing
from mfl_lint.core.selection.engines import (
    COMMON_HOSTS,
    ENGINES,
    Engine,
    detected,
    is_32_bit_fallback,
    runs,
)
from mfl_lint.core.selection.reasons import EntryReason, Selection, select
from mfl_lint.core.selection.sides import Machines, Side, agree, sides
from mfl_lint.core.selection.windows import runs_build

__all__ = [
    "COMMON_HOSTS",
    "ENGINES",
    "Engine",
    "EntryReason",
    "Listing",
    "Machines",
    "Selection",
    "Side",
    "agree",
    "detected",
    "is_32_bit_fallback",
    "runs",
    "runs_build",
    "select",
    "sides",
]
