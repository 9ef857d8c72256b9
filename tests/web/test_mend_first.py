"""What mends a finding at once stands before what other tools can do about it."""

from __future__ import annotations

from typing import Final

from mfl_lint.core.mendable import MENDABLE, mend_command
from tests.web.conftest import Client

_PAGE: Final = "/t/internal/shop/checkout:latest"


async def test_our_own_command_stands_before_those_of_other_tools(client: Client) -> None:
    found = (await (await client.get(f"/api/v1{_PAGE}")).json())["findings"]
    one = next(item for item in found if item["rule"] in MENDABLE)
    text = await (await client.get(_PAGE)).text()
    ours = text.index(f"{mend_command(one['rule'], one['reference'])}</pre>")
    assert ours < text.index("<summary>With other tools, or where it needs a build</summary>")
