"""Measure the rules alone: indexes in memory, judged whole; entries a second.

    python -m benchmarks.rules [--entries N] [--rounds N] [--each]

No registry and no database takes part. Each index is another digest, as in a first crawl; parsing
is not measured. What is printed is the median of the rounds, with least and most.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from benchmarks.images import PLATFORMS
from benchmarks.machine import description, load
from mfl_lint.core.digest import Digest, digest_of
from mfl_lint.core.history import History
from mfl_lint.core.kind import decide_kind
from mfl_lint.core.manifest import Descriptor
from mfl_lint.core.observation import VERIFIED, Node, Observation
from mfl_lint.core.parse import parse_config, parse_document
from mfl_lint.core.policy import Policy
from mfl_lint.core.reference import Reference
from mfl_lint.core.rule import Rule, Siblings
from mfl_lint.demo.build import Built, BuiltImage, attestation, image, index
from mfl_lint.lint import judge
from mfl_lint.rules import discover

_AT: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _node(built: Built, position: int | None, entry: Descriptor) -> Node:
    """Return the tree of a built document as a complete look gives it."""
    document = parse_document(built.raw, built.media_type, built.digest)
    kind = decide_kind(entry, document)
    config = None
    if isinstance(built, BuiltImage):
        config = parse_config(built.config, digest_of(built.config))
    children = tuple(
        _node(child, at, below)
        for at, (child, below) in enumerate(zip(built.children, document.entries, strict=True))
    )
    seen = VERIFIED if config is not None else None
    return Node(position, entry, kind, VERIFIED, document, seen, config, children)


def _observations(entries: int) -> Iterator[Observation]:
    """Yield observations of indexes with images and their attestations, that many entries."""
    made = number = 0
    while made < entries:
        images = [
            image(one["os"], one["architecture"], one.get("variant", ""), name=f"n{number}")
            for one in PLATFORMS
        ]
        built = index(*images, *(attestation(one) for one in images))
        entry = Descriptor(built.media_type, Digest(built.digest), len(built.raw))
        reference = Reference("bench", f"team/app{number}", "v1.0.0")
        yield Observation("bench", reference, _AT, VERIFIED, _node(built, None, entry))
        made += len(built.children)
        number += 1


def _seconds(seen: Sequence[Observation], rules: Sequence[Rule]) -> float:
    """Return the CPU seconds that judging everything takes."""
    policy, siblings, history = Policy(), Siblings(tags=()), History()
    begun = time.process_time()
    for observation in seen:
        judge(observation, rules, policy, siblings, history=history)
    return time.process_time() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--each", action="store_true", help="the cost of each rule as well")
    given = parser.parse_args()
    rules = discover()
    seen = list(_observations(given.entries))
    entries = sum(len(one.root.children) for one in seen if one.root is not None)
    print(description())
    print(f"size       {len(seen)} indexes, {entries} entries, {len(rules)} rules;")
    print(f"           {given.rounds} rounds: median (least–most); load before: {load()}")
    rates = sorted(entries / _seconds(seen, rules) for _ in range(given.rounds))
    print(
        f"\nentries a CPU second  {statistics.median(rates):10.0f} ({rates[0]:.0f}–{rates[-1]:.0f})"
    )
    if given.each:
        for rule in rules:
            each_us = _seconds(seen, [rule]) / entries * 1e6
            print(f"{rule.id} {rule.slug:40}{each_us:8.2f} µs an entry")


if __name__ == "__main__":
    main()
