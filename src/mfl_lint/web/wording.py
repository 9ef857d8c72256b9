"""Values as people read them. What registries say is hostile: it becomes inert, visible text."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup, escape

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_MAX_LINK: Final = 2000
_STEPS: Final = (
    (timedelta(minutes=1), timedelta(seconds=1), "second"),
    (timedelta(hours=1), timedelta(minutes=1), "minute"),
    (timedelta(days=1), timedelta(hours=1), "hour"),
    (timedelta(days=60), timedelta(days=1), "day"),
    (timedelta(days=730), timedelta(days=30), "month"),
)
_JUST_NOW: Final = timedelta(seconds=10)
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)
_SEPARATOR: Final = re.compile("[/:@._-]")
_LONG_WORD: Final = re.compile(r"[^\s\0]{32,}")
_EIGHT: Final = re.compile(".{8}(?!$)")
_CODE: Final = re.compile(r"`([^`]+)`")
_LINK: Final = re.compile(r"https?://[^\s<>\"'`)\]]*[^\s<>\"'`)\].,;:]")


def visible(text: str) -> str:
    """Return `text` with every character that hides or reorders others written out.

    Controls (but for newline and tab), bidirectional marks, zero-width characters, lone
    surrogates and unassigned characters become like `\\u202e`.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    hidden = unicodedata.category(character) in _HIDDEN
    return ascii(character)[1:-1] if hidden and character not in "\n\t" else character


def safe_url(text: str) -> str | None:
    """Return `text` if it is an http(s) address that may become a link, else None."""
    if len(text) > _MAX_LINK or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and host else None


def linked(text: str) -> Markup:
    """Return `text` as a link where it is an http(s) address, else as text."""
    shown, url = visible(text), safe_url(text)
    if url is None:
        return escape(shown)
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(url, shown)


def relative(at: datetime, now: datetime, *, coming: bool = False) -> str:
    """Return a time as it is seen from `now`: `3 hours ago`, `in 5 minutes`, or the date.

    One that is `coming` is `now` when it is here, and after that.
    """
    if coming and at - now < _JUST_NOW:
        return "now"
    gap = abs(now - at)
    if gap < _JUST_NOW:
        return "just now"
    for below, unit, name in _STEPS:
        if gap < below:
            count = gap // unit
            words = f"{count} {name}{'' if count == 1 else 's'}"
            return f"in {words}" if at > now else f"{words} ago"
    return at.date().isoformat()


def relative_until(at: datetime, now: datetime) -> datetime:
    """Return until when, at least, `relative` says of `at` what it says of it `now`."""
    gap = abs(now - at)
    if gap < _JUST_NOW:
        return at + _JUST_NOW if at <= now else now
    for below, unit, _ in _STEPS:
        if gap < below:
            count = gap // unit
            return at - count * unit if at > now else at + min((count + 1) * unit, below)
    return _FOREVER if at <= now else now


def time_element(
    at: datetime | None, now: datetime, missing: str = "never", *, coming: bool = False
) -> Markup:
    """Return a time as `<time>`: relative to read, exact (UTC) on hover."""
    if at is None:
        return escape(missing)
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        utc.strftime("%Y-%m-%d %H:%M:%S UTC"),
        relative(at, now, coming=coming),
    )


def duration(seconds: float) -> str:
    """Return a span as people say it: `0.8 s`, `42 s`, `3 min 5 s`, `2 h 4 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(size_bytes: int | None) -> str:
    """Return a size as people say it, in decimal units as registries' own pages do."""
    if size_bytes is None:
        return "–"
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if amount < 999.5 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if amount >= 99.95 or unit == "B" else f"{amount:.1f} {unit}"


def number(value: int) -> str:
    """Return a number with its thousands apart: `12 345`, with a space that does not break."""
    return f"{value:,}".replace(",", "\u202f")


def counted(value: int, singular: str, plural: str = "") -> str:
    """Return `1 tag`, `3 tags`."""
    return f"{number(value)} {singular if value == 1 else plural or singular + 's'}"


def digest_element(digest: str | None) -> Markup:
    """Return a digest, short to read and whole on hover."""
    if digest is None:
        return Markup('<span class="quiet">none</span>')
    _, _, encoded = digest.partition(":")
    return Markup('<code class="digest" title="{}">{}</code>').format(
        visible(digest), visible(encoded[:12] or digest[:12])
    )


def breakable(text: str) -> Markup:
    """Return a text that may break its line after its separators, and within long words.

    A digest has no separators and fits into no column: it breaks after every eighth character.
    """
    parts = _SEPARATOR.sub("\\g<0>\0", visible(text))
    pieces = _LONG_WORD.sub(lambda word: _EIGHT.sub("\\g<0>\0", word[0]), parts)
    return Markup("<wbr>").join(pieces.split("\0"))


def prose(text: str) -> Markup:
    """Return a rule's documentation: paragraphs, `code`, indented blocks, http(s) links."""
    blocks = re.split(r"\n\s*\n", visible(text).strip("\n"))
    return Markup("\n").join(_block(block) for block in blocks if block.strip())


def inline(text: str) -> Markup:
    """Return one paragraph's text with its `code` and http(s) links."""
    pieces = []
    for place, piece in enumerate(_CODE.split(visible(text))):
        if place % 2:
            pieces.append(Markup("<code>{}</code>").format(piece))
        else:
            pieces.append(_with_links(piece))
    return Markup("").join(pieces)


def first_sentence(text: str) -> str:
    """Return what a text says first."""
    return re.split(r"(?<=[.;])\s", " ".join(text.split()), maxsplit=1)[0].rstrip(".;")


def _block(block: str) -> Markup:
    lines = block.split("\n")
    if all(line.startswith("    ") for line in lines if line.strip()):
        return Markup("<pre>{}</pre>").format("\n".join(line[4:] for line in lines))
    return Markup("<p>{}</p>").format(inline(block))


def _with_links(text: str) -> Markup:
    pieces, end = [], 0
    for match in _LINK.finditer(text):
        pieces += [escape(text[end : match.start()]), linked(match.group())]
        end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])
