"""Take the pictures of the pages anew: `python -m docs.pictures` writes docs/pictures/*.png.

They show what the service says after real crawls of a docker-registry, and while one runs.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, expect

from tests.browser import launched
from tests.e2e.company import Company, grown, opened, sign_in
from tests.servers import DockerRegistry

FOLDER: Final = Path(__file__).parent / "pictures"
LARGEST: Final = 150_000
Scheme = Literal["light", "dark"]
PICTURES: Final[dict[str, tuple[str, Scheme, int, int]]] = {
    "overview": ("/", "light", 1040, 640),
    "wall": ("/", "dark", 1600, 520),
    "repository": ("/r/company/shop/checkout", "light", 1100, 560),
    "tag": ("/t/company/shop/checkout:latest", "light", 1040, 640),
    "matrix": ("/matrix?platform=linux/arm64&registry=company", "dark", 1040, 660),
    "phone": ("/", "dark", 390, 844),
    "phone-tag": ("/t/company/shop/checkout:3.9", "light", 390, 844),
}


async def picture(
    browser: Browser, company: Company, name: str, path: str, scheme: Scheme, *size: int
) -> None:
    """Take one picture, as an admin."""
    width, height = size
    page = await browser.new_page(color_scheme=scheme, viewport={"width": width, "height": height})
    await sign_in(page, company, "admin", path)
    if name == "live":
        await expect(page.locator(".progress-line strong")).not_to_have_text("0")
    data = await page.screenshot(path=FOLDER / f"{name}.png")
    if len(data) > LARGEST:
        raise SystemExit(f"{name}.png has {len(data)} bytes, more than {LARGEST}")
    await page.close()


async def main() -> None:
    """Fill a registry, crawl it, serve what was found, and take each picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with DockerRegistry(folder) as registry:
            company = await grown(folder / "user", registry)
            async with launched() as browser:
                async with company.served():
                    for name, (path, scheme, *size) in PICTURES.items():
                        await picture(browser, company, name, path, scheme, *size)
                new = opened(folder / "new", registry, 'rate = 10.0\ninterval = "1h"')
                await new.hire("admin")
                async with new.served():
                    await picture(browser, new, "live", "/crawls/1", "light", 1100, 330)


if __name__ == "__main__":
    asyncio.run(main())
