"""Every repository and tag has one address of its own."""

from __future__ import annotations

from mfl_lint.web import links
from tests.web.conftest import Client


def test_names_that_look_like_paths_stay_apart() -> None:
    assert "/r/hub/a/tags/b" == links.repository("hub", "a/tags/b")
    assert "/t/hub/a/tags:b" == links.tag("hub", "a/tags", "b")
    assert "/r/hub/a" == links.subject("hub", "a", "")
    assert "/t/hub/a:b" == links.subject("hub", "a", "b")


def test_what_is_no_name_is_quoted() -> None:
    assert "/registries/%3Ca%2F%3E" == links.registry("<a/>")
    assert "/t/h/%3Cr%3E:t%2F%3F%23" == links.tag("h", "<r>", "t/?#")
    assert "/findings?registry=a%26b" == links.findings(registry="a&b")


async def test_a_percent_encoded_address_is_the_same_page(client: Client) -> None:
    for path in ("/t/internal/shop/checkout%3Alatest", "/t/internal/shop%2Fcheckout:latest"):
        assert 200 == (await client.get(path)).status
