"""Measure scan and crawl against the bare loop, and against loops over other tools.

    python -m benchmarks.crawl [--quick] [--rounds N] [--tools-sample N]

Each measured thing runs in a process of its own; rounds alternate their order, because other
work on the machine comes and goes. What is printed is the median, with least and most.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.images import PLATFORMS, TAGS
from benchmarks.machine import description, load
from benchmarks.processes import Figures, fast_registry, measure
from benchmarks.tools import tool_times

_ORDER: Final = ("bare", "lean", "scan", "crawl", "warm")
_LISTINGS: Final = ("GET repositories", "GET tags")
_GROWTH: Final = 4


class Round(NamedTuple):
    """One run of everything."""

    bare: Figures
    lean: Figures
    scan: Figures
    crawl: Figures
    warm: Figures


def say(text: str) -> None:
    """Say what is being done, to who looks on."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


@contextmanager
def _new_database() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "bench.db"


def _round(host: str, number: int, rounds: int) -> Round:
    """Return one round; the odd ones go backwards, but for the warm crawl behind the cold one."""
    order = _ORDER if number % 2 == 0 else ("crawl", "warm", "scan", "lean", "bare")
    found: dict[str, Figures] = {}
    with _new_database() as database:
        for what in order:
            say(f"round {number + 1} of {rounds}: {what} … ")
            crawls = what in ("crawl", "warm")
            found[what] = measure("crawl" if crawls else what, host, database if crawls else None)
    say("")
    return Round(**found)


def spread(values: Sequence[float], form: str = "6.2f") -> str:
    """Return the median, with least and most."""
    middle = statistics.median(values)
    return f"{middle:{form}} ({min(values):{form.lstrip('67')}}–{max(values):{form.lstrip('67')}})"


def _print_times(rounds: Sequence[Round], tags: int) -> None:
    print(f"\n{'':24}{'seconds':22}{'CPU seconds':22}ms a tag")
    titles = ("bare loop", "lean loop", "scan", "crawl into SQLite", "the same again, warm")
    for title, what in zip(titles, _ORDER, strict=True):
        runs: list[Figures] = [getattr(one, what) for one in rounds]
        wall = [run.wall_s for run in runs]
        cpu = [run.cpu_s for run in runs]
        per_tag = statistics.median(wall) / tags * 1000
        print(f"{title:24}{spread(wall):22}{spread(cpu):22}{per_tag:6.2f}")
    print()
    for loop in ("bare", "lean"):
        for what in ("scan", "crawl"):
            pairs = [(getattr(one, loop), getattr(one, what)) for one in rounds]
            wall = [mine.wall_s / ours.wall_s for mine, ours in pairs]
            cpu = [mine.cpu_s / ours.cpu_s for mine, ours in pairs]
            print(f"{loop} loop ÷ {what:12}{spread(wall):22}{spread(cpu):22}")


def _print_requests(rounds: Sequence[Round], tags: int) -> None:
    print(f"\n{'requests a tag':24}{'HEAD':>8}{'GET':>8}{'listings':>10}")
    for title, run in (
        ("bare loop", rounds[0].bare),
        ("scan", rounds[0].scan),
        ("crawl, cold", rounds[0].crawl),
        ("crawl, warm", rounds[0].warm),
    ):
        heads = run.asked("HEAD manifests", "HEAD blobs") / tags
        gets = run.asked("GET manifests", "GET blobs") / tags
        print(f"{title:24}{heads:8.2f}{gets:8.2f}{run.asked(*_LISTINGS):10}")
    print(f"\nfindings: scan {rounds[0].scan.findings}, crawl {rounds[0].crawl.findings}")


def _print_memory(rounds: Sequence[Round], repositories: int) -> None:
    small = [one.crawl.peak_mib for one in rounds]
    with fast_registry(repositories * _GROWTH) as host, _new_database() as database:
        say(f"crawl of {repositories * _GROWTH} repositories … ")
        large = measure("crawl", host, database)
        say(f"scan of {repositories * _GROWTH} repositories … ")
        scanned = measure("scan", host)
        say("")
    print(f"\n{'peak memory, MiB':24}{'1×':>8}{f'{_GROWTH}×':>8}{'growth':>10}")
    _print_growth("crawl", statistics.median(small), large.peak_mib)
    _print_growth("scan", statistics.median(one.scan.peak_mib for one in rounds), scanned.peak_mib)


def _print_growth(title: str, small: float, large: float) -> None:
    print(f"{title:24}{small:8.0f}{large:8.0f}{(large / small - 1) * 100:9.0f}%")


def _print_tools(host: str, rounds: Sequence[Round], tags: int, sample: int) -> None:
    print(f"\nseconds a tag, a sample of {sample} tags:")
    scanned = statistics.median(one.scan.wall_s for one in rounds) / tags
    for title, seconds in tool_times(host, sample):
        if seconds is None:
            print(f"{title:42}not installed")
        else:
            print(f"{title:42}{seconds:8.4f}   {seconds / scanned:6.0f} times scan's")
    print(f"{'scan, all tags':42}{scanned:8.4f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crawl", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20 repositories instead of 200")
    parser.add_argument("--rounds", type=int, default=5, help="how often (default: %(default)s)")
    parser.add_argument("--tools-sample", type=int, default=10, help="tags for the tools' loops")
    given = parser.parse_args()
    repositories = 20 if given.quick else 200
    tags = repositories * len(TAGS)
    documents = tags * (1 + 2 * len(PLATFORMS))
    print(description())
    print(
        f"size       {repositories} repositories × {len(TAGS)} tags × {len(PLATFORMS)} platforms,"
    )
    print(f"           {documents} distinct documents; {given.rounds} rounds: median (least–most);")
    print(f"           load of the machine before: {load()}")
    with fast_registry(repositories) as host:
        rounds = [_round(host, number, given.rounds) for number in range(given.rounds)]
        _print_times(rounds, tags)
        _print_requests(rounds, tags)
        _print_tools(host, rounds, tags, given.tools_sample)
    _print_memory(rounds, repositories)


if __name__ == "__main__":
    main()
