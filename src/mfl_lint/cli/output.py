"""Where a report goes: the standard output, or a file that is whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from mfl_lint.core.errors import ConfigInvalid, MflLintError


class OutputFailed(ConfigInvalid):
    """The report cannot be written where it was asked for."""


def check_output(path: Path | None, option: str = "-o ") -> None:
    """Raise OutputFailed for a file that cannot be written, before anything is looked at.

    `option` is how the user named the file, for the message.
    """
    if path is None:
        return
    if path.is_dir():
        raise OutputFailed(f"{option}{path}: it is a directory")
    if not path.parent.is_dir():
        raise OutputFailed(f"{option}{path}: the directory {path.parent} does not exist")
    try:
        if not _is_special(path):
            _probe(Path(os.path.realpath(path)))
    except OSError as error:
        raise OutputFailed(f"{option}{path}: {error.strerror}") from None


def write_report(text: str, path: Path | None, option: str = "-o ") -> None:
    """Write the report. A regular file is replaced at once or not at all; OutputFailed."""
    if path is None:
        with _printing():
            sys.stdout.write(text)
        return
    raw = text.encode("utf-8", "backslashreplace")
    try:
        if _is_special(path):
            with path.open("wb") as file:
                file.write(raw)
        else:
            _replace(Path(os.path.realpath(path)), raw)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"{option}{path}: {error.strerror}") from None


def print_bytes(raw: bytes) -> None:
    """Write bytes to the standard output as they are; OutputFailed."""
    with _printing():
        sys.stdout.flush()
        sys.stdout.buffer.write(raw)


def print_document(raw: bytes, option: str) -> None:
    """Write a document as it is; a terminal gets it only where it would not act on it.

    `option` is what asked for it, for the message; MflLintError.
    """
    plain = raw.decode("utf-8", "replace").replace("\n", "").replace("\t", "").isprintable()
    if sys.stdout.isatty() and not plain:
        raise MflLintError(f"{option}: a terminal would act on what it holds; write it to a file")
    print_bytes(raw)


@contextlib.contextmanager
def _printing() -> Iterator[None]:
    """Raise OutputFailed where the standard output takes no more; a closed pipe is passed on."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"the standard output: {error.strerror}") from None


def _is_special(path: Path) -> bool:
    """Say whether the path is a device, a pipe or a socket: there is nothing to replace."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _probe(path: Path) -> None:
    """Make a file beside the path as the report will, and take it away again."""
    beside, descriptor = _beside(path)
    os.close(descriptor)
    beside.unlink()


def _beside(path: Path) -> tuple[Path, int]:
    """Return the path and the descriptor of a new file in the same directory."""
    beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}.tmp")
    return beside, os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)


def _replace(path: Path, raw: bytes) -> None:
    """Write a file beside the path and put it in its place."""
    beside, descriptor = _beside(path)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            beside.chmod(stat.S_IMODE(path.stat().st_mode))
        beside.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise


def is_colorful() -> bool:
    """Say whether the standard output is a terminal whose user has nothing against colour."""
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def is_unicode(path: Path | None) -> bool:
    """Say whether signs beyond ASCII can be written there."""
    encoding = "utf-8" if path is not None else (sys.stdout.encoding or "ascii")
    return encoding.lower().replace("-", "") in ("utf8", "utf16", "utf32")


def width() -> int:
    """Return the terminal's width in columns, 100 where there is none."""
    import shutil

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
