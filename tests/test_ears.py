"""Ears hear, and connects are noted: else their silence would show nothing."""

from __future__ import annotations

import asyncio

import pytest

from tests.ears import Connects, listening


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
async def test_an_ear_hears_who_calls_and_what_is_said(host: str, connects: Connects) -> None:
    async with listening(host) as ear:
        assert (0, b"") == (ear.calls, ear.heard)
        reader, writer = await asyncio.open_connection(host, int(ear.port))
        writer.write(b"hello")
        assert b"" == await reader.read()
        writer.close()
        assert (1, b"hello") == (ear.calls, ear.heard)
        assert (host, int(ear.port)) in connects.tried
