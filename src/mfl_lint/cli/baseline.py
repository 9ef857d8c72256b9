"""The baseline of a scan: `--baseline`, `--write-baseline`, and `scan.baseline` of the settings."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mfl_lint.cli.failures import say
from mfl_lint.cli.looking import Looked
from mfl_lint.cli.output import check_output, write_report
from mfl_lint.config import Config
from mfl_lint.core.baseline import (
    MAX_BYTES,
    Baseline,
    baseline_of,
    mended,
    parse_baseline,
    was_seen,
    without_known,
)
from mfl_lint.core.errors import ConfigInvalid
from mfl_lint.report.json_v1 import to_json

_WRITTEN = "--write-baseline "


class Baselines:
    """What is known before a scan, and where what is known after it goes."""

    def __init__(self, given: Path | None, write: Path | None, config: Config) -> None:
        """Read the baseline; raise ConfigInvalid for one that cannot be read or written."""
        self._disabled = config.policy.disabled
        self._write = write
        self._path = given
        if given is None and config.scan.baseline:
            beside = config.path.parent if config.path is not None else Path()
            self._path = beside / config.scan.baseline
        if write is not None:
            check_output(write, _WRITTEN)
            self._path = None
        self._known = None if self._path is None else read_baseline(self._path)

    def apply(self, looked: Looked) -> Looked:
        """Return what was looked at without what is known; notes say how much that is.

        With --write-baseline all that is found becomes known, if everything was seen.
        """
        known, path = self._known, self._path
        if self._write is not None:
            if not was_seen(looked.scan):
                say("the baseline was not written: not everything could be looked at")
                return looked
            known, path = baseline_of(looked.scan), self._write
            write_report(to_json(msgspec.to_builtins(known)), self._write, _WRITTEN)
        if known is None or path is None:
            return looked
        scan = without_known(looked.scan, known)
        notes = list(scan.notes)
        if scan.known:
            notes.append(f"{len(scan.known)} known from the baseline {path}")
        gone = mended(scan, known, self._disabled, looked.hidden)
        if gone:
            are = "is" if len(gone) == 1 else "are"
            notes.append(f"{len(gone)} of the baseline {path} {are} mended: write it anew")
        return msgspec.structs.replace(
            looked, scan=msgspec.structs.replace(scan, notes=tuple(notes))
        )


def read_baseline(path: Path) -> Baseline:
    """Return what the file holds; raise ConfigInvalid that names it."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigInvalid(f"--baseline {path}: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigInvalid(f"--baseline {path}: more than 64 MiB is no baseline")
    try:
        return parse_baseline(raw)
    except ConfigInvalid as error:
        raise ConfigInvalid(f"--baseline {path}: {error}") from None
