"""Answers of registries, and the error that each bad one stands for.

Source: distribution-spec 1.1 "Error Codes"; RFC 9110 (Retry-After, Content-Length, dates).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec
import yarl
from multidict import CIMultiDictProxy

from mfl_lint.core.errors import (
    Denied,
    NotFound,
    RateLimited,
    RegistryError,
    Unreachable,
)
from mfl_lint.core.queries import without_queries
from mfl_lint.registry.politeness import LONGEST_DEFERRAL_S

MAX_ERROR_BYTES: Final = 64 * 1024
_MAX_TEXT: Final = 160
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_REDACTED: Final = "[redacted]"
_UPLOADS: Final = "/blobs/uploads/"
_OPEN_PARAMETERS: Final = frozenset(
    {"digest", "mount", "from", "n", "last", "ns", "scope", "service", "artifactType"}
)
_WARNING: Final = re.compile(r'299 - "((?:[^"\\\x00-\x1f\x7f]|\\[^\x00-\x1f\x7f])+)"')


class Answer(msgspec.Struct, frozen=True, gc=False):
    """A whole answer. `framed` says that the body's end was announced, not just reached."""

    method: str
    url: yarl.URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes = b""
    framed: bool = True

    @property
    def served_type(self) -> str:
        """Return the Content-Type without parameters, in lower case, "" if there is none."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()[:255]


class ErrorDocument(msgspec.Struct, frozen=True):
    """A registry's own error document: the codes, and the first message."""

    codes: tuple[str, ...]
    message: str = ""


def plain(text: str, limit: int = _MAX_TEXT) -> str:
    """Return the text as one bounded line; what a terminal could act on is escaped."""
    short = text[: limit + 1]
    line = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in short
    )
    return line if len(line) <= limit else line[:limit] + "…"


def place(url: yarl.URL) -> str:
    """Return host and path for people: no scheme, no user, no query (it may hold secrets).

    Where an upload goes on is a registry's own affair, and lets others go on with it.
    """
    path, mark, rest = url.raw_path.partition(_UPLOADS)
    shown = f"{path}{mark}{'…' if rest else ''}"
    return plain(f"{url.raw_authority.rpartition('@')[2]}{shown}", 400)


def error_document(body: bytes) -> ErrorDocument | None:
    """Return the registry's error document, None where the body is anything else."""
    try:
        parsed: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    errors = parsed.get("errors") if isinstance(parsed, dict) else None
    if not isinstance(errors, list):
        return None
    listed = [error for error in errors[:20] if isinstance(error, dict)]
    codes = tuple(error["code"] for error in listed if isinstance(error.get("code"), str))
    messages = [error["message"] for error in listed if isinstance(error.get("message"), str)]
    return ErrorDocument(codes, messages[0] if messages else "") if codes else None


def error_of(
    answer: Answer, wall: Callable[[], float], secrets: Iterable[str] = ()
) -> RegistryError:
    """Return the error that an answer above 299 stands for.

    404 is NotFound only with the registry's own document; where that document says that we
    were refused, the status does not matter. `secrets` never appear in the text.
    """
    document = error_document(answer.body)
    codes = set(document.codes) if document else set()
    text = _describe(answer, document, secrets)
    if answer.status == 429 or "TOOMANYREQUESTS" in codes:
        return RateLimited(text, retry_after_s(answer.headers, wall))
    if answer.status in (401, 403) or codes & {"DENIED", "UNAUTHORIZED"}:
        return Denied(text)
    if answer.status == 404 and document:
        return NotFound(text)
    return Unreachable(text)


def _describe(answer: Answer, document: ErrorDocument | None, secrets: Iterable[str]) -> str:
    """Return method, place, status and what the registry says, in one line."""
    said = ""
    if document:
        said = f" {', '.join(document.codes[:3])}"
        said += f": {document.message}" if document.message else ""
    elif answer.status == 404 and answer.method != "HEAD":
        said = " without a registry's error document"
    for secret in (*secrets, *_hidden_in(answer.url)):
        if len(secret) >= 4:
            said = said.replace(secret, _REDACTED)
    said = without_queries(said, _REDACTED)
    return f"{answer.method} {place(answer.url)}: {answer.status}{plain(said)}"


def _hidden_in(url: yarl.URL) -> Iterator[str]:
    """Yield what a URL is signed by, and the state of an upload, as they stand in it and plain."""
    yield url.raw_path.partition(_UPLOADS)[2]
    for pair in url.raw_query_string.split("&"):
        name, _, value = pair.partition("=")
        if name not in _OPEN_PARAMETERS:
            yield value
    for name, value in url.query.items():
        if name not in _OPEN_PARAMETERS:
            yield value


def retry_after_s(headers: CIMultiDictProxy[str], wall: Callable[[], float]) -> float | None:
    """Return the seconds that Retry-After asks for, a day at most, None if it says nothing.

    A date is counted from the answer's own Date, so that a wrong clock on either side does
    no harm; without one from `wall` (seconds since the epoch).
    """
    value = headers.get("Retry-After", "").strip()
    if _DIGITS.fullmatch(value):
        return min(float(value), LONGEST_DEFERRAL_S)
    until = _seconds(value)
    if until is None:
        return None
    now = _seconds(headers.get("Date", ""))
    return min(max(until - (wall() if now is None else now), 0.0), LONGEST_DEFERRAL_S)


def _seconds(date: str) -> float | None:
    """Return an HTTP date as seconds since the epoch, None if it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def content_length(values: Sequence[str]) -> int | None:
    """Return the one Content-Length in bytes, None where it is absent, several or no number."""
    if len(values) != 1 or not _DIGITS.fullmatch(values[0]):
        return None
    return int(values[0])


def warning_text(header: str) -> str:
    """Return what a Warning header of the specification's form says, "" for any other."""
    found = _WARNING.fullmatch(header)
    return plain(re.sub(r"\\(.)", r"\1", found[1])) if found else ""
