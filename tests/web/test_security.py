"""The service answers only to its own names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mfl_lint.config_file import parse_config
from mfl_lint.web.security import is_own_host
from tests.web.conftest import Client


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8080", "127.0.0.1", "127.1.2.3:80", "[::1]:8080", "lint.example:1"],
)
def test_loopback_and_the_configured_host_are_ours(host: str) -> None:
    assert True is is_own_host(host, "lint.example")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "[::2]",
        ":80",
        "[",
        "0x7f.1",
    ],
)
def test_every_other_host_is_not(host: str) -> None:
    assert False is is_own_host(host, "lint.example")


def test_the_host_that_the_documented_proxy_sends_is_ours() -> None:
    text = (Path(__file__).parents[2] / "docs" / "how-to.md").read_text(encoding="utf-8")
    (name,) = re.findall(r"server_name (\S+);", text)
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    settings = [block for block in blocks if "hosts = " in block and "[serve]" in block]

    assert ["$host"] == re.findall(r"proxy_set_header +Host (\S+);", text)
    for example in settings:
        serve = parse_config(example).serve
        assert True is is_own_host(name, serve.host, *serve.hosts)
    assert 5 == len(settings)


@pytest.mark.parametrize("path", ["/", "/api/v1/findings", "/healthz", "/static/app.css"])
async def test_a_foreign_host_is_refused_everywhere(client: Client, path: str) -> None:
    response = await client.get(path, headers={"Host": "evil.example:8080"})

    assert 403 == response.status
    assert "Content-Security-Policy" in response.headers
