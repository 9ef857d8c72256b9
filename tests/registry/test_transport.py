import asyncio
import gzip
import ssl
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from mfl_lint.config import HttpConfig
from mfl_lint.core.errors import BodyInvalid, RateLimited, RegistryError, Unreachable
from mfl_lint.registry.addresses import Reach
from mfl_lint.registry.origin import Origin
from mfl_lint.registry.politeness import Limits
from mfl_lint.registry.route import Request, Route
from tests.servers import free_port, self_signed
from tests.stub_server import FakeTime, Handler, Stub, serving, transport


def always(status: int = 200, body: bytes = b"", **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=named)

    return answer


def in_turn(*answers: Handler) -> Handler:
    """Give each answer once, the last one for ever."""
    left = list(answers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def ask(stub: Stub, path: str = "/x", **more: Any) -> Request:
    return Request("GET", stub.url(path), stub.route, **more)


async def raw(data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(data)
    await writer.drain()
    writer.close()


async def test_an_answer_is_whole_and_counted() -> None:
    async with (
        serving(always(200, b"hello", Warning='299 - "soon over"')) as stub,
        transport() as http,
    ):
        answer = await http.fetch(ask(stub))
        assert (200, b"hello", True) == (answer.status, answer.body, answer.framed)
        traffic = http.stats.of(stub.host)
        assert ({("GET", "ok"): 1}, 5) == (traffic.requests, traffic.received_bytes)
        assert ["soon over"] == list(traffic.warnings)


async def test_requests_say_who_asks_and_want_no_encoding_and_no_cookies() -> None:
    async with serving(always(Set_Cookie="a=b")) as stub, transport() as http:
        await http.fetch(ask(stub, accept="application/json", authorization="Bearer t"))
        await http.fetch(ask(stub))
        first, second = (request.headers for request in stub.requests)
        assert first["User-Agent"].startswith("mfl-lint/")
        assert ("identity", "application/json") == (first["Accept-Encoding"], first["Accept"])
        assert "Bearer t" == first["Authorization"]
        assert "Cookie" not in second
        assert "Authorization" not in second


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_failing_server_is_asked_five_times_with_growing_pauses(status: int) -> None:
    time = FakeTime()
    async with serving(always(status)) as stub, transport(time) as http:
        assert status == (await http.fetch(ask(stub))).status
        assert 5 == len(stub.requests)
    assert 4 == len(time.slept)
    assert all(0 <= slept <= 0.5 * 2**n for n, slept in enumerate(time.slept))
    assert len(set(time.slept)) == 4


async def test_pauses_never_exceed_their_ceiling() -> None:
    time = FakeTime()
    settings = HttpConfig(retries=20, backoff_max_s=2.0)
    async with serving(always(500)) as stub, transport(time, settings) as http:
        await http.fetch(ask(stub))
    assert 20 == len(time.slept)
    assert max(time.slept) <= 2.0


async def test_what_recovers_is_answered() -> None:
    async with serving(in_turn(always(503), always(500), always(200, b"ok"))) as stub:
        async with transport() as http:
            assert b"ok" == (await http.fetch(ask(stub))).body
        assert 3 == len(stub.requests)


@pytest.mark.parametrize("status", [400, 401, 404, 405, 410, 501])
async def test_other_refusals_are_not_asked_again(status: int) -> None:
    async with serving(always(status)) as stub, transport() as http:
        assert status == (await http.fetch(ask(stub))).status
        assert 1 == len(stub.requests)


@pytest.mark.parametrize("after", ["60", "31536000", "Fri, 31 Dec 2999 23:59:59 GMT"])
@pytest.mark.parametrize("status", [429, 503])
async def test_who_asks_for_a_long_pause_is_left_in_peace_by_all(status: int, after: str) -> None:
    time = FakeTime()
    async with serving(always(status, Retry_After=after)) as stub, transport(time) as http:
        assert status == (await http.fetch(ask(stub))).status
        for _ in range(20):
            with pytest.raises(RateLimited) as refused:
                await http.fetch(ask(stub, "/y"))
            assert refused.value.retry_after_s is not None
            assert 59 < refused.value.retry_after_s <= 86400
        assert 1 == len(stub.requests)
    assert [] == time.slept


@pytest.mark.parametrize(("after", "slept"), [("2", [2.0]), ("0", [])])
async def test_a_short_pause_is_waited_for(after: str, slept: list[float]) -> None:
    time = FakeTime()
    handler = in_turn(always(429, Retry_After=after), always(200))
    async with serving(handler) as stub, transport(time) as http:
        assert 200 == (await http.fetch(ask(stub))).status
    assert slept == time.slept


@pytest.mark.parametrize("after", ["junk", ""])
async def test_a_refusal_that_says_nothing_is_backed_off_from_and_ends(after: str) -> None:
    time = FakeTime()
    async with serving(always(429, Retry_After=after)) as stub, transport(time) as http:
        assert 429 == (await http.fetch(ask(stub))).status
        assert 5 == len(stub.requests)
    assert sum(time.slept) < 0.5 + 1 + 2 + 4


async def test_a_refused_connection_is_tried_five_times_and_then_the_circuit_opens() -> None:
    time, port = FakeTime(), free_port()
    route = Route(Origin.parse("http", f"127.0.0.1:{port}"), Limits(16, 0.0))
    request = Request("GET", route.origin.url("/v2/"), route)
    async with transport(time) as http:
        for _ in range(2):
            with pytest.raises(Unreachable, match="connection refused"):
                await http.fetch(request)
        assert 8 == len(time.slept)
        with pytest.raises(Unreachable, match="failures in a row"):
            await http.fetch(request)
        assert 8 == len(time.slept)
        assert {("GET", "failed"): 10} == http.stats.of(f"127.0.0.1:{port}").requests


async def test_a_name_that_is_not_there_is_asked_for_once() -> None:
    time = FakeTime()
    route = Route(Origin.parse("http", "no-such-host.invalid"))
    async with transport(time) as http:
        with pytest.raises(Unreachable, match="name was not found"):
            await http.fetch(Request("GET", route.origin.url("/"), route))
        assert http.stats.requests <= 5


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", BodyInvalid),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", BodyInvalid),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", RegistryError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", Unreachable),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Unreachable),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n", Unreachable),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", Unreachable),
        (b"", Unreachable),
    ],
)
async def test_a_broken_answer_is_tried_five_times_and_never_taken(
    data: bytes, expected: type[RegistryError]
) -> None:
    tries = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        await raw(data, reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host = "{}:{}".format(*server.sockets[0].getsockname())
    route = Route(Origin.parse("http", host), Limits(16, 0.0))
    async with server, transport() as http:
        with pytest.raises(expected):
            await http.fetch(Request("GET", route.origin.url("/x"), route))
    assert 5 == tries


async def test_long_headers_are_read_up_to_a_bound() -> None:
    async with serving(always(200, b"ok", Link="x" * 40_000)) as stub, transport() as http:
        assert 40_000 == len((await http.fetch(ask(stub))).headers["Link"])


async def test_a_body_at_the_end_of_file_is_not_proven_to_be_whole() -> None:
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nmaybe"
    server = await asyncio.start_server(lambda r, w: raw(data, r, w), "127.0.0.1", 0)
    host = "{}:{}".format(*server.sockets[0].getsockname())
    route = Route(Origin.parse("http", host))
    async with server, transport() as http:
        answer = await http.fetch(Request("GET", route.origin.url("/x"), route))
    assert (b"maybe", False) == (answer.body, answer.framed)


async def test_a_silent_server_is_given_up_at_the_total_timeout() -> None:
    release = asyncio.Event()

    async def silent(_: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    async with serving(silent) as stub:
        async with transport(http=HttpConfig(timeout_s=0.05, retries=1)) as http:
            with pytest.raises(Unreachable, match=r"no whole answer within 0\.05 s"):
                await http.fetch(ask(stub))
        release.set()
        assert 2 == len(stub.requests)


def chunked(body: bytes) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(body)
        return response

    return answer


@pytest.mark.parametrize("handler", [always(200, b"x" * 101), chunked(b"x" * 101)])
async def test_a_body_above_the_limit_is_refused(handler: Handler) -> None:
    async with serving(handler) as stub, transport() as http:
        with pytest.raises(BodyInvalid, match="more than 100 bytes"):
            await http.fetch(ask(stub, limit=100))
        assert 101 == len((await http.fetch(ask(stub, limit=101))).body)
        assert 2 == len(stub.requests)


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        (gzip.compress(b"hello", mtime=0), "gzip", b"hello"),
        (gzip.compress(b"hello", mtime=0), "X-GZIP", b"hello"),
        (b"hello", "identity", b"hello"),
        (gzip.compress(bytes(10_000_000), mtime=0), "gzip", None),
        (gzip.compress(gzip.compress(bytes(10_000_000), mtime=0), mtime=0), "gzip, gzip", None),
        (gzip.compress(b"hello", mtime=0)[:-4], "gzip", None),
        (gzip.compress(b"hello", mtime=0) * 2, "gzip", None),
        (b"hello", "gzip", None),
        (b"hello", "br", None),
        (b"hello", "zstd", None),
        (b"hello", "deflate", None),
    ],
)
async def test_bytes_count_after_decompression_and_other_encodings_are_refused(
    body: bytes, encoding: str, expected: bytes | None
) -> None:
    async with serving(always(200, body, Content_Encoding=encoding)) as stub, transport() as http:
        if expected is None:
            with pytest.raises(BodyInvalid):
                await http.fetch(ask(stub, limit=1_000_000))
        else:
            assert expected == (await http.fetch(ask(stub, limit=1_000_000))).body


async def test_the_body_of_an_error_is_cut_and_not_an_error_itself() -> None:
    async with serving(always(404, b"x" * 1_000_000)) as stub, transport() as http:
        assert 64 * 1024 == len((await http.fetch(ask(stub))).body)
    async with serving(always(404, b"x", Content_Encoding="br")) as stub, transport() as http:
        assert b"" == (await http.fetch(ask(stub))).body


def own(stub: Stub, **changes: Any) -> Route:
    return msgspec.structs.replace(stub.route, foreign_reach=Reach.INSIDE, **changes)


async def test_a_redirect_to_another_host_is_followed_without_credentials() -> None:
    async with serving(always(200, b"blob")) as cdn:
        there = always(307, Location=f"http://{cdn.host}/b?sig=%2F%20secret")
        async with serving(there) as stub, transport() as http:
            request = Request("GET", stub.url("/x"), own(stub), authorization="Bearer t")
            answer = await http.fetch(request)
            assert b"blob" == answer.body
            assert ["GET /b?sig=%2F%20secret"] == [
                f"{one.method} {one.raw_path}" for one in cdn.requests
            ]
            assert "Bearer t" == stub.requests[0].headers["Authorization"]
            assert "Authorization" not in cdn.requests[0].headers


async def test_a_redirect_on_the_same_host_keeps_the_credentials() -> None:
    async with serving(in_turn(always(302, Location="/y"), always(200))) as stub:
        async with transport() as http:
            await http.fetch(ask(stub, authorization="Bearer t"))
        assert ["GET /x", "GET /y"] == stub.paths
        assert "Bearer t" == stub.requests[1].headers["Authorization"]


async def test_redirects_stop_at_five() -> None:
    async with serving(always(307, Location="/x")) as stub, transport() as http:
        with pytest.raises(Unreachable, match="redirected more than 5 times"):
            await http.fetch(ask(stub))
        assert 6 == len(stub.requests)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://user:secret@127.0.0.1/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "http://a:99999/",
    ],
)
async def test_a_redirect_that_leads_astray_is_not_followed(location: str) -> None:
    async with serving(always(307, Location=location)) as stub, transport() as http:
        with pytest.raises(Unreachable) as refused:
            await http.fetch(Request("GET", stub.url("/x"), own(stub)))
        assert 1 == http.stats.requests
        assert "secret" not in str(refused.value)


async def test_a_redirect_without_a_location_leads_nowhere() -> None:
    async with serving(always(301)) as stub, transport() as http:
        with pytest.raises(Unreachable, match="nowhere"):
            await http.fetch(ask(stub))


async def test_a_public_registry_leads_to_no_private_address_unless_it_is_a_friend() -> None:
    async with serving(always(200, b"inner")) as inner, transport() as http:
        public = Route(Origin.parse("http", "registry.example"))
        origin = Origin.parse("http", inner.host)
        request = Request("GET", inner.url("/"), public, origin=origin)
        with pytest.raises(Unreachable, match="realm_hosts"):
            await http.fetch(request)
        assert [] == inner.requests
        for friend in (inner.host, "127.0.0.1"):
            route = msgspec.structs.replace(public, friends=frozenset({friend}))
            answer = await http.fetch(msgspec.structs.replace(request, route=route))
            assert b"inner" == answer.body


def tls(folder: Path) -> tuple[ssl.SSLContext, str]:
    certificate, key = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, str(certificate)


async def test_certificates_are_verified_unless_told_otherwise(tmp_path: Path) -> None:
    context, ca_file = tls(tmp_path)
    time = FakeTime()
    async with serving(always(200, b"ok"), context) as stub, transport(time) as http:
        with pytest.raises(Unreachable, match="certificate is not valid"):
            await http.fetch(ask(stub))
        assert [] == time.slept
        for trusted in (False, await http.trust(ca_file)):
            route = msgspec.structs.replace(stub.route, tls=trusted)
            assert b"ok" == (await http.fetch(Request("GET", stub.url("/"), route))).body
        assert await http.trust("") is True


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    async with transport() as http:
        with pytest.raises(Unreachable, match=r"ca_file: .*ca\.pem"):
            await http.trust(str(file))


async def test_https_is_never_left_for_http(tmp_path: Path) -> None:
    context, _ = tls(tmp_path)
    async with serving(always(200)) as plain_stub:
        there = always(307, Location=f"http://{plain_stub.host}/")
        async with serving(there, context) as stub, transport() as http:
            request = Request("GET", stub.url("/"), own(stub, tls=False))
            with pytest.raises(Unreachable, match="from https to http"):
                await http.fetch(request)
        assert [] == plain_stub.requests


async def test_a_server_without_tls_is_said_to_have_none() -> None:
    async with serving(always(200)) as stub, transport() as http:
        route = msgspec.structs.replace(stub.route, origin=Origin.parse("https", stub.host))
        with pytest.raises(Unreachable, match="no TLS"):
            await http.fetch(Request("GET", route.origin.url("/"), route))


async def test_requests_go_through_the_environments_proxy() -> None:
    async with serving(always(200, b"by proxy")) as proxy:
        environment = {"HTTP_PROXY": f"http://me:secret@{proxy.host}"}
        route = Route(Origin.parse("http", "registry.example"), Limits(16, 0.0))
        async with transport(environment=environment) as http:
            answer = await http.fetch(Request("GET", route.origin.url("/v2/"), route))
        assert b"by proxy" == answer.body
        (request,) = proxy.requests
        assert "http://registry.example/v2/" == str(request.url)
        assert request.headers["Proxy-Authorization"].startswith("Basic ")


class Stuck:
    """A handler that answers nobody until released; `full` is set when so many are waiting."""

    def __init__(self, many: int) -> None:
        self.full = asyncio.Event()
        self.release = asyncio.Event()
        self._left = many

    async def __call__(self, _: web.Request) -> web.StreamResponse:
        self._left -= 1
        if self._left == 0:
            self.full.set()
        await self.release.wait()
        return web.Response()


async def test_a_dead_host_takes_no_turn_of_another_hosts_requests() -> None:
    stuck = Stuck(16)
    async with serving(stuck) as dead, serving(always(200)) as alive, transport() as http:
        waiting = [asyncio.create_task(http.fetch(ask(dead, f"/{n}"))) for n in range(200)]
        await stuck.full.wait()
        answers = await asyncio.gather(*(http.fetch(ask(alive, f"/{n}")) for n in range(100)))
        assert {200} == {answer.status for answer in answers}
        assert 16 == len(dead.requests)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        stuck.release.set()


async def test_a_cancelled_request_gives_its_turn_back() -> None:
    stuck = Stuck(1)
    async with serving(stuck) as stub, transport() as http:
        one = msgspec.structs.replace(stub.route, limits=Limits(1, 0.0))
        task = asyncio.create_task(http.fetch(Request("GET", stub.url("/a"), one)))
        await stuck.full.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        stuck.release.set()
        assert 200 == (await http.fetch(Request("GET", stub.url("/b"), one))).status
