"""What mends a finding at once stands before what other tools can do about it."""

from __future__ import annotations

from typing import Final

import pytest

from mfl_lint.core.mendable import MENDABLE, mend_command
from tests.web.conftest import Client

_PAGE: Final = "/t/internal/shop/checkout:latest"


async def test_our_own_command_stands_before_those_of_other_tools(client: Client) -> None:
    found = (await (await client.get(f"/api/v1{_PAGE}")).json())["findings"]
    one = next(item for item in found if item["rule"] in MENDABLE)
    text = await (await client.get(_PAGE)).text()
    ours = text.index(f"{mend_command(one['rule'], one['reference'], one['fix'])}</pre>")
    assert ours < text.index("<summary>With other tools, or where it needs a build</summary>")


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("acme/runner:v3-arm64", "mfl-lint fix docker.io/acme/runner:v3-arm64"),
        ("acme/agent-arm64:latest", ""),
    ],
)
async def test_a_plan_says_which_command_makes_one_list_of_names(
    client: Client, place: str, command: str
) -> None:
    """A plan is of one list alone. Of the second name nobody knows whether it is one of several."""
    found = await (await client.get(f"/api/v1/plans/hub/{place}")).json()
    assert [command] == [one["command"] for one in found["named"]]
    assert [] == found["plan"]["left"]
    page = await (await client.get(f"/plans/hub/{place}")).text()
    assert found["named"][0]["message"] in page.replace("&#39;", "'")
    assert bool(command) == ("One list of all names like it" in page)
    assert command in page
