"""How a process that looks at many images keeps its memory."""

from __future__ import annotations

import gc


def calm_collector() -> None:
    """Keep the garbage collector from walking what lives as long as the process, and too often.

    A crawl makes many small values that refer to one another in no circle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
