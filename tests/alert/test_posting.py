"""HTTP to receivers: bounded, without redirects; and what answers mean."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from mfl_lint.alert.posting import Poster, check_status
from mfl_lint.alert.webhook import key_of, signature
from mfl_lint.core.errors import NotDelivered
from tests.receiver import Receiver
from tests.servers import self_signed
from tests.stub_server import serving


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    key = key_of("whsec_plJ3nmyCDGBKInavdOK15jsl")
    body = b'{"event_type":"ping","data":{"success":true}}'
    made = signature(key, "msg_loFOjxBNrRLzqYUf", "1731705121", body)
    assert "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=" == made


@pytest.mark.parametrize("secret", ["x", "whsec_", "whsec_????", "whsec_c2hvcnQ="])
def test_a_secret_that_is_none_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(NotDelivered) as refused:
        key_of(secret)
    assert secret in ("x", "whsec_") or secret not in str(refused.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_message_is_taken_where_the_answer_says_so(status: int) -> None:
    check_status(status, "")


@pytest.mark.parametrize(
    ("status", "again"),
    [
        *((status, True) for status in (408, 425, 429, 500, 502, 503, 504, 599)),
        *((status, False) for status in (301, 302, 307, 400, 401, 403, 404, 410, 413, 422)),
    ],
)
def test_a_message_is_sent_again_where_it_may_be_taken_later(status: int, again: bool) -> None:
    with pytest.raises(NotDelivered, match=str(status)) as refused:
        check_status(status, "")
    assert (again, None) == (refused.value.again, refused.value.after_s)


NOW = datetime(2026, 3, 2, 12, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "after_s"),
    [
        ("120", 120.0),
        ("Mon, 02 Mar 2026 12:01:00 GMT", 60.0),
        ("Mon, 02 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_a_receiver_that_asks_for_patience_is_understood(text: str, after_s: float | None) -> None:
    with pytest.raises(NotDelivered) as refused:
        check_status(429, text, NOW)
    assert after_s == refused.value.after_s


async def test_a_redirect_is_not_followed() -> None:
    async with Receiver(lambda _: 307) as receiver, Poster() as poster:
        receiver.headers = {"Location": f"{receiver.url}/elsewhere"}
        with pytest.raises(NotDelivered, match="redirects are not followed"):
            await poster.post(f"{receiver.url}/hook", b"{}", {}, 5.0)
        assert 1 == receiver.asked


async def test_a_receiver_that_never_answers_is_left_after_its_time() -> None:
    async with Receiver(lambda _: None) as receiver, Poster() as poster:
        with pytest.raises(NotDelivered, match=r"no answer within 0\.2 s") as refused:
            await poster.post(receiver.url, b"{}", {}, 0.2)
    assert refused.value.again


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:1/secret", "could not connect to 127.0.0.1:1: connection refused"),
        ("http://nowhere.invalid/secret", "could not find the host nowhere.invalid"),
    ],
)
async def test_a_receiver_that_is_not_there_is_said_in_words_and_asked_again(
    url: str, why: str
) -> None:
    async with Poster() as poster:
        with pytest.raises(NotDelivered) as refused:
            await poster.post(url, b"{}", {}, 5.0)
    assert (why, True) == (str(refused.value), refused.value.again)


async def test_a_receiver_whose_certificate_nobody_trusts_is_asked_again(tmp_path: Path) -> None:
    async def take(_: web.Request) -> web.Response:
        return web.Response(status=204)

    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with serving(take, context) as stub, Poster() as poster:
        with pytest.raises(NotDelivered) as refused:
            await poster.post(f"https://{stub.host}/secret", b"{}", {}, 5.0)
    why = f"the certificate of {stub.host} is not trusted"
    assert (why, True) == (str(refused.value), refused.value.again)


async def test_a_receiver_that_hangs_up_is_asked_again() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server, Poster() as poster:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NotDelivered, match="closed the connection without") as refused:
            await poster.post(f"http://127.0.0.1:{port}/", b"{}", {}, 5.0)
    assert refused.value.again


async def test_an_address_with_a_user_and_a_token_is_said_without_either() -> None:
    bearer = {"Authorization": "Bearer secret"}
    async with Poster() as poster:
        with pytest.raises(NotDelivered, match="names a user, and a token is set") as refused:
            await poster.post("http://me:secret@127.0.0.1:9/", b"", bearer, 1.0)
    assert (False, False) == (refused.value.again, "secret" in str(refused.value))


async def test_an_address_that_is_none_is_a_dead_letter() -> None:
    async with Poster() as poster:
        with pytest.raises(NotDelivered, match="no URL") as refused:
            await poster.post("nonsense", b"{}", {}, 5.0)
    assert not refused.value.again
