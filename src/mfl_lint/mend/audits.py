"""Where pushes are written down: a journal in a file, beside the database where there is one.

The journal has one JSON object a line: `begin` before the first request that writes, `end` with
the same `id` afterwards. A push that was killed has no `end`.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from mfl_lint.core.errors import StoreError
from mfl_lint.core.pushes import BEGUN, LEFT_OUT
from mfl_lint.mend.intent import Audit, Intent
from mfl_lint.mend.outcome import End, Outcome, TagEnd

JOURNAL: Final = "pushes.jsonl"
MAX_DETAIL: Final = 2000


def told(intent: Intent) -> dict[str, Any]:
    """Return what is written down of a plan, as JSON has it."""
    plan = intent.plan
    moved = [
        TagEnd(one, End.PUSHED, intent.before.get(one.tag or ""), ours=plan.digest)
        for one in plan.references()
    ]
    return {
        "digest": plan.digest,
        "media_type": plan.media_type,
        "size": len(plan.raw),
        "tags": dict(intent.before),
        "children": [
            {"digest": child.entry.digest, "source": replace(child.source, digest=None).name}
            for child in plan.children
        ],
        "restore": [end.restore for end in moved if end.restore],
        **plan.notes,
    }


class Journal:
    """Pushes in a file that is only ever added to. The file is made, and its folder too."""

    def __init__(self, folder: Path, who: str) -> None:
        self._path = folder / JOURNAL
        self._who = who
        self._id = secrets.token_hex(8)

    async def begin(self, intent: Intent) -> None:
        """Add a line, and have it on the disk."""
        fields = {
            "id": self._id,
            "event": BEGUN,
            "at": intent.at.isoformat(),
            "who": self._who,
            "reference": str(intent.plan.target),
            **told(intent),
        }
        try:
            await self._add(fields)
        except StoreError as error:
            raise StoreError(f"{error}: nothing is pushed that is not written down") from None

    async def end(self, outcome: Outcome) -> None:
        """Add how it ended."""
        ends = {
            str(tag.reference): {"end": tag.end, "now": tag.now, "restore": tag.restore}
            for tag in outcome.tags
        } | {str(one): {"end": LEFT_OUT, "now": None, "restore": ""} for one in outcome.left_out}
        await self._add(
            {"id": self._id, "event": "end", "ends": ends, "detail": detail_of(outcome)}
        )

    async def _add(self, fields: Mapping[str, Any]) -> None:
        try:
            await asyncio.to_thread(_append, self._path, json.dumps(fields).encode() + b"\n")
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from None


class Audits:
    """Several audits as one, in their order."""

    def __init__(self, *audits: Audit) -> None:
        self._audits = audits

    async def begin(self, intent: Intent) -> None:
        """Tell each of them."""
        for audit in self._audits:
            await audit.begin(intent)

    async def end(self, outcome: Outcome) -> None:
        """Tell each of them, whatever became of the others; raise StoreError for what failed."""
        failed = []
        for audit in self._audits:
            try:
                await audit.end(outcome)
            except StoreError as error:
                failed.append(str(error))
        if failed:
            raise StoreError("; ".join(failed))


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # One write: lines of two processes do not mix.
        if os.write(file, line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file)
    finally:
        os.close(file)


def detail_of(outcome: Outcome) -> str:
    """Return what there is to say of an outcome, in a bounded text."""
    return "; ".join(
        f"{tag.reference.tag or outcome.digest}: {tag.end}: {tag.detail}"
        for tag in outcome.tags
        if tag.detail
    )[:MAX_DETAIL]
