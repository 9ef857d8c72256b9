"""Values as people read them, and hostile text made visible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mfl_lint.web import wording

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ümlaut 漢字", "plain ümlaut 漢字"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\x00\x1b[31m\x7f", "\\x00\\x1b[31m\\x7f"),
        ("lone \ud800", "lone \\ud800"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_hides_is_written_out(text: str, shown: str) -> None:
    assert shown == wording.visible(text)


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "ftp://example.com",
        "https://",
        "https://[::1",
        "http://a b",
        "http://a\u202e.example",
        "https://example.com/" + "a" * 2000,
    ],
)
def test_nothing_but_web_addresses_become_links(text: str) -> None:
    assert None is wording.safe_url(text)
    assert "<a" not in wording.linked(text)


def test_a_link_is_escaped_and_follows_nobody() -> None:
    expected = (
        '<a href="https://example.com/?a=1&amp;b=&#34;" rel="noopener noreferrer nofollow">'
        "https://example.com/?a=1&amp;b=&#34;</a>"
    )
    assert expected == wording.linked('https://example.com/?a=1&b="')


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(seconds=59), "59 seconds ago"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=59), "59 days ago"),
        (timedelta(days=90), "3 months ago"),
        (timedelta(days=900), "2023-09-14"),
        (-timedelta(minutes=35), "in 35 minutes"),
    ],
)
def test_a_time_is_told_from_now(gap: timedelta, words: str) -> None:
    assert words == wording.relative(NOW - gap, NOW)


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (timedelta(minutes=35), "in 35 minutes"),
        (timedelta(seconds=10), "in 10 seconds"),
        (timedelta(seconds=9), "now"),
        (timedelta(0), "now"),
        (-timedelta(hours=3), "now"),
    ],
)
def test_a_time_that_is_to_come_was_never_just_now(gap: timedelta, words: str) -> None:
    assert words == wording.relative(NOW + gap, NOW, coming=True)
    assert f">{words}<" in wording.time_element(NOW + gap, NOW, coming=True)


def test_a_time_shows_the_exact_one_on_hover() -> None:
    expected = (
        '<time datetime="2026-03-02T11:00:00Z" title="2026-03-02 11:00:00 UTC">1 hour ago</time>'
    )
    assert expected == wording.time_element(NOW - timedelta(hours=1), NOW)
    assert "never" == wording.time_element(None, NOW)


def test_times_of_year_one_can_be_shown() -> None:
    assert "0001-01-01" in wording.time_element(datetime(1, 1, 1, tzinfo=UTC), NOW)


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (None, "–"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_940, "99.9 kB"),
        (99_960, "100 kB"),
        (999_600, "1.0 MB"),
        (44_139_741, "44.1 MB"),
        (10**18, "1000000 TB"),
    ],
)
def test_sizes_are_rounded(size_bytes: int | None, words: str) -> None:
    assert words == wording.size(size_bytes)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.84, "0.8 s"), (42, "42 s"), (185, "3 min 5 s"), (7440, "2 h 4 min")]
)
def test_spans_are_rounded(seconds: float, words: str) -> None:
    assert words == wording.duration(seconds)


def test_numbers_and_their_nouns() -> None:
    assert "1 tag" == wording.counted(1, "tag")
    assert "12\u202f345 repositories" == wording.counted(12345, "repository", "repositories")


def test_documentation_becomes_paragraphs_code_and_blocks() -> None:
    text = "Run `docker\npush` <now>.\n\n    docker push\n      x\n\nSee https://example.com/a."
    expected = (
        "<p>Run <code>docker\npush</code> &lt;now&gt;.</p>\n"
        "<pre>docker push\n  x</pre>\n"
        '<p>See <a href="https://example.com/a" rel="noopener noreferrer nofollow">'
        "https://example.com/a</a>.</p>"
    )
    assert expected == wording.prose(text)


def test_names_break_after_their_separators() -> None:
    assert "team/<wbr>a-<wbr>b:<wbr>1&lt;" == wording.breakable("team/a-b:1<")


def test_only_long_words_may_break_inside() -> None:
    digest = "0123456789abcdef" * 4
    cut = "<wbr>".join(["01234567", "89abcdef"] * 4)
    assert f"sha256:<wbr>{cut} telecommunications" == wording.breakable(
        f"sha256:{digest} telecommunications"
    )


@pytest.mark.parametrize(
    "gap_s", [0, 9.9, 10, 59, 60, 3599, 3600, 86_399, 86_400, 60 * 86_400, 729 * 86_400, 10**8]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_time_is_called_the_same_until_it_is_said_to_be(gap_s: float, sign: int) -> None:
    at = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    now = at + sign * timedelta(seconds=gap_s)
    said, until = wording.relative(at, now), wording.relative_until(at, now)
    last = min(until, now + timedelta(days=400)) - timedelta(microseconds=1)
    for part in range(11):
        if last >= now:
            assert said == wording.relative(at, now + (last - now) * part / 10)
