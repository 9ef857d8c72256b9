"""Take the pictures of the pages anew: `python -m docs.pictures` writes docs/pictures/*.png.

The pages are those of the tests' store, so that the same pages give the same pictures.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from tests.browser import launched
from tests.web.conftest import make_database, served
from tests.web.filled_store import fill

FOLDER = Path(__file__).parent / "pictures"
PICTURES: dict[str, tuple[str, Any, int, int]] = {
    "overview": ("/", "light", 1100, 800),
    "repository": ("/r/internal/shop/checkout", "light", 1100, 620),
    "tag": ("/t/internal/shop/checkout:latest", "light", 1040, 800),
    "matrix": ("/matrix?platform=linux/arm64&registry=internal", "dark", 1100, 720),
    "phone": ("/", "dark", 390, 844),
}


async def main() -> None:
    """Fill a store, serve it, and take each picture."""
    with tempfile.TemporaryDirectory() as folder:
        url = await asyncio.to_thread(make_database, Path(folder) / "filled.db", fill)
        async with served(url) as client, launched() as browser:
            for name, (path, scheme, width, height) in PICTURES.items():
                page = await browser.new_page(
                    color_scheme=scheme,
                    viewport={"width": width, "height": height},
                    java_script_enabled=False,
                )
                await page.goto(str(client.make_url(path)))
                await page.screenshot(path=FOLDER / f"{name}.png")


if __name__ == "__main__":
    asyncio.run(main())
