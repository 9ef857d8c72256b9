import asyncio

import aiohttp
import pytest
import yarl
from aiohttp import web

from mfl_lint.config import HttpConfig
from mfl_lint.core.errors import RegistryError, Unreachable
from mfl_lint.registry.addresses import Reach
from mfl_lint.registry.exchange import BodyCut, Fleeting, Sessions, failure_of
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.route import Request, Route
from tests.stub_server import serving, transport

URL = yarl.URL("https://me:hunter2@a.example/v2/x?sig=hunter2")


async def fine(_: web.Request) -> web.StreamResponse:
    return web.Response()


async def test_a_name_that_resolves_to_a_private_address_is_not_connected_to() -> None:
    async with serving(fine) as stub:
        sessions = Sessions(HttpConfig())
        url = f"http://localhost:{stub.host.partition(':')[2]}/"
        with pytest.raises(aiohttp.ClientConnectorError, match="may reach"):
            await sessions.get(Reach.PUBLIC).get(url)
        assert [] == stub.requests
        async with sessions.get(Reach.INSIDE).get(url) as response:
            assert 200 == response.status
        await sessions.close()


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (TimeoutError(), Fleeting, "no whole answer within 30 s"),
        (aiohttp.ServerTimeoutError("hunter2"), Fleeting, "no whole answer within 30 s"),
        (aiohttp.ServerDisconnectedError("hunter2"), Fleeting, "closed without an answer"),
        (ConnectionResetError("hunter2"), Fleeting, "closed without an answer"),
        (aiohttp.ClientPayloadError("hunter2"), BodyCut, "cut off"),
        (aiohttp.InvalidURL("http://hunter2"), Unreachable, "cannot be asked for"),
        (ValueError("hunter2"), Unreachable, "cannot be asked for"),
    ],
)
def test_a_failure_is_named_without_what_the_library_says(
    error: Exception, expected: type[RegistryError], said: str
) -> None:
    failure = failure_of(error, "GET", URL, 30.0)
    assert expected is type(failure)
    assert str(failure).startswith("GET a.example/v2/x: ")
    assert said in str(failure)
    assert "hunter2" not in str(failure)


async def test_bytes_behind_the_announced_end_belong_to_no_answer() -> None:
    answers = [b"helloHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"world"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline():
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + answers.pop(0))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host = "{}:{}".format(*server.sockets[0].getsockname())
    route = Route(Origin.parse("http", host))
    async with server, transport() as http:
        for expected in (b"hello", b"world"):
            answer = await http.fetch(Request("GET", route.origin.url("/x"), route))
            assert expected == answer.body
