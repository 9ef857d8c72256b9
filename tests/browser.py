"""Debian's Chromium for tests and pictures, and what is wrong with a page that it shows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Final, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, Route, async_playwright

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_RULESETS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_AXE_OPTIONS: Final = {"runOnly": _RULESETS, "resultTypes": ["violations"]}
_FOCUS: Final = "document.activeElement === document.body ? '' : document.activeElement.outerHTML"
_RING: Final = "getComputedStyle(document.activeElement).outlineStyle"

# The words of fewer than 32 letters that stand on two lines.
_BROKEN_WORDS: Final = """() => {
  const short = /(?<!\\p{L}|\\p{N})[\\p{L}\\p{N}]{2,31}(?!\\p{L}|\\p{N})/gu;
  const found = new Set(), range = document.createRange();
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (!text.parentElement.checkVisibility()) continue;
    for (const word of text.data.matchAll(short)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
      if (lines.size > 1) found.add(word[0]);
    }
  }
  return [...found];
}"""

# Boxes of which another block is less than seven pixels away, above or below.
_CROWDED: Final = """() => {
  const found = [];
  for (const box of document.querySelectorAll("main :is(.panel, .empty, .notice, .findings)")) {
    const before = box.previousElementSibling, after = box.nextElementSibling;
    for (const [upper, lower] of [[before, box], [box, after]]) {
      if (!upper?.offsetHeight || !lower?.offsetHeight) continue;
      const [above, below] = [upper, lower].map((it) => it.getBoundingClientRect());
      const apart = Math.abs(below.left - above.left) > 100 || below.top - above.bottom > 6;
      if (!apart) found.push(`${upper.outerHTML.slice(0, 80)} touches what follows it`);
    }
  }
  return found;
}"""

Mode = tuple[Literal["light", "dark"], int]
MODES: Final[tuple[Mode, ...]] = (("light", 1366), ("dark", 390))
NARROW: Final[tuple[Mode, ...]] = (("light", 390),)
# Keeps in `noted` what the page of a crawl says of its progress, from now on.
NOTE_PROGRESS: Final = """() => {
  window.noted = [];
  new MutationObserver(() => {
    const done = document.querySelector(".progress-line strong").textContent;
    if (noted.at(-1) !== done) noted.push(done);
  }).observe(document.body, { childList: true, subtree: true });
}"""


@asynccontextmanager
async def launched(chromium: str = "/usr/bin/chromium") -> AsyncIterator[Browser]:
    """Yield a browser that asks nobody but who it is told to ask."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


@contextmanager
def heard(page: Page) -> Iterator[list[str]]:
    """Yield what the console, scripts and dialogs say meanwhile."""
    found: list[str] = []
    hear = {
        "console": lambda message: found.append(f"console: {message.text}"),
        "pageerror": lambda error: found.append(f"script: {error}"),
        "dialog": lambda dialog: found.append(f"dialog: {dialog.message}"),
    }
    for name, handler in hear.items():
        page.on(name, handler)  # type: ignore[call-overload]  # literal names only
    try:
        yield found
    finally:
        for name, handler in hear.items():
            page.remove_listener(name, handler)


async def violations_of(page: Page) -> list[str]:
    """Return what axe, which is in the page, says of it as it is now."""
    found = await page.evaluate(f"axe.run({json.dumps(_AXE_OPTIONS)})")
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]


async def overflow_of(page: Page) -> list[str]:
    """Return that the page scrolls sideways, where it does."""
    root = "document.documentElement"
    width = await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
    return [f"scrolls sideways by {width} pixels"] if width > 0 else []


async def crowded_of(page: Page) -> list[str]:
    """Return which boxes of the page touch what stands above or below them."""
    found: list[str] = await page.evaluate(_CROWDED)
    return found


async def broken_words_of(page: Page) -> list[str]:
    """Return the words that are broken into two lines, and that tables hide a part of theirs."""
    wide = "[...document.querySelectorAll('.flush')].some((it) => it.scrollWidth > it.clientWidth)"
    words: list[str] = await page.evaluate(_BROKEN_WORDS)
    return [*words, *(["a table does not fit"] if await page.evaluate(wide) else [])]


async def shown_problems(page: Page, modes: Sequence[Mode] = MODES) -> list[str]:
    """Return what is wrong with the page as it is shown, folds open, in each mode."""
    await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    await page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for scheme, width in modes:
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size({"width": width, "height": 844})
        shape = [*await overflow_of(page), *await crowded_of(page)]
        problems = [*shape, *await violations_of(page)]
        found += [f"{page.url} {scheme} {width}: {problem}" for problem in problems]
    return found


async def problems_of(page: Page, urls: Iterable[str], modes: Sequence[Mode] = MODES) -> list[str]:
    """Return what is wrong with pages, each opened once, and what the console says of them."""
    found: list[str] = []
    with heard(page) as said:
        for url in urls:
            await page.goto(url)
            found += await shown_problems(page, modes)
    return found + said


async def reach(page: Page, text: str) -> None:
    """Press Tab until the focus is on what holds the text; it must be seen there."""
    for _ in range(120):
        await page.keyboard.press("Tab")
        if text in await page.evaluate(_FOCUS):
            assert "none" != await page.evaluate(_RING)
            return
    raise AssertionError(f"the keyboard does not reach {text!r}")


async def without_polling(route: Route) -> None:
    """Send a page whose script then asks for nothing unless an event says so."""
    answer = await route.fetch()
    text = (await answer.text()).replace('data-every="5"', 'data-every="9999"')
    await route.fulfill(response=answer, body=text)
