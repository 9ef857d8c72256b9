"""What is found in the corpus: `python -m tests.corpus_findings` writes the table anew.

Lists are judged as `mfl-lint scan file:…` does, without their children; layouts whole. Read the
table's differences before they are kept: a finding that is not true is a defect of a rule.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mfl_lint.config import RegistryConfig
from mfl_lint.core.errors import ManifestInvalid
from mfl_lint.core.observation import LookState
from mfl_lint.core.policy import Policy
from mfl_lint.crawl.scan import Asked, scan
from mfl_lint.registry.bare import BareSource
from mfl_lint.registry.layout import LayoutSource
from mfl_lint.rules import discover

CORPUS: Final = Path(__file__).parent / "corpus"
TABLE: Final = CORPUS / "expected_findings.json"
_NOW: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

Found = dict[str, dict[str, int]]


async def _scanned(asked: Asked) -> dict[str, int]:
    """Return how often each rule fired, with its severity; and how an empty look ended."""

    async def groups() -> AsyncIterator[Asked]:
        yield asked

    result = await scan(groups(), rules=discover(), policy=Policy(), now=lambda: _NOW)
    counted = Counter(f"{item.rule} {item.severity.value}" for item in result.findings)
    unseen = (one.state for one in result.targets if one.state is not LookState.VERIFIED)
    counted.update(f"look {state}" for state in unseen)
    return dict(sorted(counted.items()))


async def _all() -> Found:
    found: Found = {}
    registry = RegistryConfig(name="corpus", host="corpus")
    for path in sorted((CORPUS / "lists").glob("*.json")):
        if path.name != "index.json":
            source = BareSource.from_file(path)
            name = f"lists/{path.name}"
            found[name] = await _scanned(Asked(source, registry, (source.reference(name),)))
    for folder in sorted(path for path in (CORPUS / "layouts").iterdir() if path.is_dir()):
        try:
            layout = LayoutSource(folder)
        except ManifestInvalid:
            continue
        for reference in layout.references():
            name = f"layouts/{folder.name}:{reference.target[:40]}"
            found[name] = await _scanned(Asked(layout, registry, (reference,)))
    return found


def corpus_findings() -> Found:
    """Return the findings of each list, and of each tag of each layout."""
    return asyncio.run(_all())


def kept() -> dict[str, Found]:
    """Return the table as it is checked in: `found`, and `reasons` for what may surprise."""
    table: dict[str, Found] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


if __name__ == "__main__":
    reasons = kept()["reasons"] if TABLE.exists() else {}
    made = {"reasons": reasons, "found": corpus_findings()}
    TABLE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
