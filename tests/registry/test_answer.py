from collections.abc import Mapping

import msgspec
import pytest
import yarl
from multidict import CIMultiDict, CIMultiDictProxy

from mfl_lint.core.errors import Denied, NotFound, RateLimited, RegistryError, Unreachable
from mfl_lint.registry.answer import (
    Answer,
    error_document,
    error_of,
    place,
    plain,
    retry_after_s,
)

NOW = 1_780_000_000.0
DAY = 86400.0


def wall() -> float:
    return NOW


def headers(fields: Mapping[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(fields))


def answer(status: int, body: bytes = b"", **fields: str) -> Answer:
    url = yarl.URL("https://me:secret@a.example/v2/app/manifests/v1?sig=secret", encoded=True)
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return Answer("GET", url, status, headers(named), body)


def said(code: str, message: str = "because") -> bytes:
    return msgspec.json.encode({"errors": [{"code": code, "message": message, "detail": [1]}]})


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, b"", Denied),
        (403, b"<html>", Denied),
        (404, said("MANIFEST_UNKNOWN"), NotFound),
        (404, said("NAME_UNKNOWN"), NotFound),
        (404, said("DENIED"), Denied),
        (404, said("UNAUTHORIZED"), Denied),
        (404, said("TOOMANYREQUESTS"), RateLimited),
        (404, b"", Unreachable),
        (404, b"<html>not found</html>", Unreachable),
        (404, b'{"message": "no route"}', Unreachable),
        (404, b'{"errors": []}', Unreachable),
        (404, b'{"errors": [{"message": "x"}]}', Unreachable),
        (404, b'{"errors": [{"code": 404}]}', Unreachable),
        (404, b'{"errors": {"code": "MANIFEST_UNKNOWN"}}', Unreachable),
        (404, b"[" * 60_000, Unreachable),
        (410, said("MANIFEST_UNKNOWN"), Unreachable),
        (418, b"", Unreachable),
        (429, b"", RateLimited),
        (500, said("UNKNOWN"), Unreachable),
    ],
)
def test_a_status_and_its_body_stand_for_an_error(
    status: int, body: bytes, expected: type[RegistryError]
) -> None:
    assert expected is type(error_of(answer(status, body), wall))


def test_the_text_of_an_error_is_one_line_without_secrets() -> None:
    body = said("MANIFEST_UNKNOWN", "no\r\n\x1b[31mtag\u202e for hunter2 " + "x" * 1000)
    text = str(error_of(answer(404, body), wall, ["hunter2", ""]))
    assert text.startswith(
        "GET a.example/v2/app/manifests/v1: 404 MANIFEST_UNKNOWN: "
        r"no\r\n\x1b[31mtag\u202e for [redacted] xxx"
    )
    assert len(text) < 300
    assert "secret" not in text


def test_the_first_message_and_all_codes_are_kept() -> None:
    body = b'{"errors":[{"code":"A"},"x",{"code":"B","message":"second"}]}'
    document = error_document(body)
    assert document is not None
    assert (("A", "B"), "second") == (document.codes, document.message)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": " 120 "}, 120.0),
        ({"Retry-After": "31536000"}, DAY),
        ({"Retry-After": "9" * 18}, DAY),
        ({"Retry-After": "9" * 5000}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "١٢"}, None),
        ({"Retry-After": "Thu, 28 May 2026 20:27:20 GMT"}, 40.0),
        ({"Retry-After": "Thu, 28 May 2020 20:27:20 GMT"}, 0.0),
        ({"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}, DAY),
        ({"Retry-After": "Fri, 99 Dec 2026 23:59:59 GMT"}, None),
        (
            {
                "Retry-After": "Thu, 01 Jan 2015 00:00:30 GMT",
                "Date": "Thu, 01 Jan 2015 00:00:00 GMT",
            },
            30.0,
        ),
    ],
)
def test_retry_after_is_bounded_and_junk_says_nothing(
    fields: dict[str, str], expected: float | None
) -> None:
    assert expected == retry_after_s(headers(fields), wall)


def test_the_media_type_has_no_parameters() -> None:
    served = " Application/VND.oci.image.index.v1+JSON ; charset=utf-8"
    given = answer(200, Content_Type=served)
    assert "application/vnd.oci.image.index.v1+json" == given.served_type
    assert "" == answer(200).served_type


def test_places_show_neither_users_nor_queries() -> None:
    assert "a.example:5000/v2/" == place(yarl.URL("https://u:p@a.example:5000/v2/?token=x#y"))


def test_long_text_is_cut_with_a_mark() -> None:
    assert "aaa…" == plain("a" * 9, 3)
    assert "aaa" == plain("aaa", 3)
