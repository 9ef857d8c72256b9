"""Measure the pages of a large database while a crawl writes into it.

    python -m benchmarks.pages [--quick] [--rounds N] [--seconds S] [--database FILE]

Everything is a process of its own: the crawl, the load, and each server. In each round, each page
is asked of one server after the other, and ratios are those of a round. What is printed is the
median, with least and most.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.counted import Filled
from benchmarks.crawl import say, spread
from benchmarks.filled import REGISTRY, fill, repository_name
from benchmarks.machine import description, load
from benchmarks.page_server import KINDS
from benchmarks.processes import fast_registry
from benchmarks.talking import Talking, page_cursor

_LIMIT: Final = 50
_FAR: Final = 1000
_CONNECTIONS: Final = 4
# Before anything is counted: what is read and made for the first time is no part of it.
_WARM_S: Final = 0.3
_RATE: Final = 200.0
# So many repositories last longer, at that rate, than all that is measured.
_CRAWLED: Final = 1200


class Took(NamedTuple):
    """What one server did with one page: answers a second, and a second of its processor."""

    rate: float
    cpu_rate: float
    p50_ms: float
    p99_ms: float
    size: int


Round = Mapping[tuple[str, str], Took]


class Bench:
    """The processes, and what is asked of them."""

    def __init__(self, servers: Mapping[str, Talking], loader: Talking, seconds: float) -> None:
        self._servers = servers
        self._ports = {kind: int(server.heard) for kind, server in servers.items()}
        self._loader = loader
        self._seconds = seconds

    def take(self, kind: str, path: str, seconds: float | None = None) -> Took:
        """Return what a server did with a path."""
        server = self._servers[kind]
        before = server.ask_number("cpu")
        told = f"{self._ports[kind]} {seconds or self._seconds} {_CONNECTIONS} {path}"
        found = self._loader.ask_json(told)
        spent = server.ask_number("cpu") - before
        return Took(
            rate=found["answers"] / found["wall_s"],
            cpu_rate=found["answers"] / max(spent, 0.01),
            p50_ms=found["p50_ms"],
            p99_ms=found["p99_ms"],
            size=int(found["bytes"]),
        )

    def round(self, number: int, pages: Mapping[str, str], seconds: float | None = None) -> Round:
        """Return one round; the odd ones ask the servers in another order."""
        kinds = KINDS if number % 2 == 0 else tuple(reversed(KINDS))
        found: dict[tuple[str, str], Took] = {}
        for at, (page, path) in enumerate(pages.items()):
            for kind in kinds:
                say(f"round {number + 1}: {page}, {kind} … ")
                own = {"empty": "/", "raw": f"/{at}"}.get(kind, path)
                found[page, kind] = self.take(kind, own, seconds)
        say("")
        return found


def pages_of(port: int) -> dict[str, str]:
    """Return the paths that are measured, by name."""
    place = f"/r/{REGISTRY}/{repository_name(7)}"
    far = f"/findings?cursor={page_cursor(port, (_FAR - 1) * _LIMIT)}"
    shown = {
        "overview": "/",
        "repository": place,
        "findings, page 1": "/findings",
        f"findings, page {_FAR}": far,
    }
    told = {name: f"/api/v1{path if path != '/' else '/overview'}" for name, path in shown.items()}
    return shown | {f"{name}, JSON": path for name, path in told.items()}


@contextmanager
def _database(given: Path | None, repositories: int) -> Iterator[tuple[Path, Filled | None]]:
    """Yield the database, made now unless one is given that is there."""
    if given is not None and given.exists():
        yield given, None
        return
    with tempfile.TemporaryDirectory() as folder:
        file = given or Path(folder) / "pages.db"
        say("filling the database … ")
        yield file, fill(file, repositories, datetime.now(UTC))


def _print_rates(rounds: Sequence[Round], pages: Sequence[str]) -> None:
    print(
        f"\n{'':28}{'requests a second':>24}{'a CPU second':>16}{'p50 ms':>9}{'p99 ms':>9}{'kB':>8}"
    )
    for page in pages:
        for kind in KINDS:
            runs = [one[page, kind] for one in rounds]
            cpu = statistics.median(run.cpu_rate for run in runs)
            p50 = statistics.median(run.p50_ms for run in runs)
            p99 = statistics.median(run.p99_ms for run in runs)
            title = page if kind == KINDS[0] else ""
            rates = spread([run.rate for run in runs], "7.0f")
            print(
                f"{title:28}{kind:7}{rates:>20}{cpu:13.0f}{p50:9.2f}{p99:9.2f}"
                f"{runs[0].size / 1000:8.1f}"
            )


def _print_ratios(rounds: Sequence[Round], pages: Sequence[str]) -> None:
    print(f"\n{'':34}{'wall time':>22}{'processor time':>22}")
    for kind, yardstick, least in (("kept", "empty", 0.5), ("anew", "raw", 0.5)):
        for page in pages:
            pairs = [(one[page, kind], one[page, yardstick]) for one in rounds]
            _print_ratio(f"{page}: {kind} ÷ {yardstick}", pairs, least)
    for kind in ("kept", "anew"):
        for form in ("", ", JSON"):
            near, far = f"findings, page 1{form}", f"findings, page {_FAR}{form}"
            pairs = [(one[near, kind], one[far, kind]) for one in rounds]
            _print_ratio(f"page {_FAR} ÷ page 1{form}, time, {kind}", pairs, None)


def _print_ratio(title: str, pairs: Sequence[tuple[Took, Took]], least: float | None) -> None:
    wall = [mine.rate / other.rate for mine, other in pairs]
    cpu = [mine.cpu_rate / other.cpu_rate for mine, other in pairs]
    missed = " missed" if least is not None and statistics.median(wall) < least else ""
    print(f"{title:42}{spread(wall):>20}{spread(cpu):>22}{missed}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the tags, for a second")
    parser.add_argument("--rounds", type=int, default=3, help="how often (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each page and server")
    parser.add_argument("--database", type=Path, help="keep it there, or use what is there")
    given = parser.parse_args()
    seconds = 0.5 if given.quick else given.seconds
    with ExitStack() as stack:
        file, filled = stack.enter_context(_database(given.database, 100 if given.quick else 1000))
        host = stack.enter_context(fast_registry(100 if given.quick else _CRAWLED))
        loader = stack.enter_context(Talking.to("benchmarks.load", greets=False))
        _describe(filled, given.rounds, seconds)
        ours = {
            kind: stack.enter_context(Talking.to("benchmarks.page_server", kind, str(file), host))
            for kind in ("empty", "kept", "anew")
        }
        pages = pages_of(int(ours["kept"].heard))
        server = Talking.to("benchmarks.page_server", "raw", str(file), host, *pages.values())
        ours["raw"] = stack.enter_context(server)
        crawl = stack.enter_context(Talking.to("benchmarks.writing", host, str(file), str(_RATE)))
        bench = Bench(ours, loader, seconds)
        bench.round(0, pages, _WARM_S)
        rounds = [bench.round(number, pages) for number in range(given.rounds)]
        _print_rates(rounds, tuple(pages))
        _print_ratios(rounds, tuple(pages))
        print(f"\nthe crawl meanwhile: {crawl.last_words()}")


def _describe(filled: Filled | None, rounds: int, seconds: float) -> None:
    print(description())
    if filled is not None:
        print(
            f"size       {filled.repositories} repositories, {filled.tags} tags, "
            f"{filled.entries} entries, {filled.findings} findings"
        )
    print(f"           {_CONNECTIONS} connections, {seconds} s for each figure;")
    print(f"           {rounds} rounds: median (least–most); load before: {load()}")


if __name__ == "__main__":
    main()
