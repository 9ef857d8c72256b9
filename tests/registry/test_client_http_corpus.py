"""What other clients' tests assert of headers, tokens, errors, realms and credentials.

The table and its sources: tests/corpus/client_http.json. Every row about something that we do
is run; rows that we answer differently on purpose stand in DIFFERENT and must really differ;
rows about another library's own habits are counted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yarl
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from mfl_lint.config import RegistryConfig, Scheme
from mfl_lint.core.errors import BodyInvalid, ConfigInvalid, Denied, NotFound
from mfl_lint.registry.answer import Answer, content_length, error_of, warning_text
from mfl_lint.registry.auth import check_realm, parse_token
from mfl_lint.registry.challenge import (
    challenges,
    clean_actions,
    clean_scopes,
    repository_scope,
)
from mfl_lint.registry.client import RegistryClient
from mfl_lint.registry.dockerconfig import Credentials, DockerConfig, entry_credentials
from mfl_lint.registry.link import links, next_page
from mfl_lint.registry.origin import Origin, candidates
from mfl_lint.registry.route import Request, Route
from tests.stub_server import serving, transport

CORPUS: Final = json.loads((Path(__file__).parents[1] / "corpus" / "client_http.json").read_text())
Row = dict[str, Any]

_STRICT_HOST: Final = "an address of ours is `host`, `host:port` or `[v6]:port`, and nothing else"
_BY_HOST: Final = "as in the docker command, credentials belong to a host, not to a repository"
_LENIENT: Final = "what could be read of a challenge is used, as oras-go does"
_MALFORMED: Final = "a header that is malformed anywhere before the link is an error"

DIFFERENT: Final[dict[tuple[str, int], str]] = {
    **{("www_authenticate_regclient.cases", row): _LENIENT for row in (8, 9, 10)},
    ("descriptor_size_limit_oras.cases", 5): "our default limit is 8 MiB: indexes may be large",
    **{("link_regclient.get", row): _MALFORMED for row in (2, 3, 4)},
    ("manifest_unknown_responses.cases", 2): "a 404 without an error document may be anybody's",
    **{("canonical_address_ggcr.cases", row): _STRICT_HOST for row in (4, 5, 6, 7, 10, 11, 12)},
    **{
        ("head_missing_headers_ggcr.cases", row): "what HEAD does not say, GET finds out"
        for row in (0, 1, 2)
    },
    ("docker_config_lookup_ggcr.cases", 6): _BY_HOST,
    **{
        ("docker_auth_lookup_containers_image.cases", row): _BY_HOST
        for row in (12, 13, 15, 16, 17, 18)
    },
}
HABITS: Final[dict[tuple[str, int], str]] = {
    ("errors_ggcr.temporary", row): "judges an error value that has no status" for row in range(5)
}
NOT_COPIED: Final = {
    "artifact_type_ggcr": "its descriptor type has the field filled in; ours keeps what is there",
    "matches_platform_ggcr": "its matching of platforms; ours follows containerd",
    "referrers_url_oras": "referrers are not asked for",
}


def rows(table: str) -> Iterator[Any]:
    """Yield a table's rows to be run as parameters."""
    name, _, part = table.partition(".")
    for number, row in enumerate(CORPUS[name][part]):
        if (table, number) not in HABITS:
            yield pytest.param(row, (table, number) not in DIFFERENT, id=f"{table}-{number}")


def table(name: str) -> pytest.MarkDecorator:
    """Run a test for each row; `same` says whether our answer is the row's."""
    return pytest.mark.parametrize(("row", "same"), list(rows(name)))


def fails(act: Callable[[], object], *errors: type[Exception]) -> bool:
    """Say whether the act raises one of the errors."""
    try:
        act()
    except errors:
        return True
    return False


def headers(fields: Row) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(fields))


@table("www_authenticate_oras.cases")
def test_one_challenge(row: Row, same: bool) -> None:
    found = challenges(row["header"])
    scheme = found[0].scheme if found and found[0].scheme in ("basic", "bearer") else "unknown"
    parameters = (found[0].parameters or None) if scheme == "bearer" else None
    assert same == ((row["scheme"], row["params"]) == (scheme, parameters))


@table("www_authenticate_regclient.cases")
def test_several_challenges(row: Row, same: bool) -> None:
    found = [{"authType": c.scheme, "params": c.parameters} for c in challenges(row["header"])]
    assert same == (row["challenges"] == found)


@table("www_authenticate_ggcr.cases")
def test_a_challenge_with_escapes(row: Row, same: bool) -> None:
    (found,) = challenges(row["header"])
    assert same == ((row["scheme"], row["params"]) == (found.scheme, found.parameters))


@table("scopes.repository_scope")
def test_the_scope_of_a_repository(row: Row, same: bool) -> None:
    found = repository_scope(row.get("repository", ""), row.get("actions") or [])
    assert same == (row.get("want", "") == found)


@table("scopes.clean_scopes")
def test_scopes_united(row: Row, same: bool) -> None:
    assert same == (tuple(row.get("want") or ()) == clean_scopes(row.get("scopes") or []))


@table("scopes.clean_actions")
def test_actions_united(row: Row, same: bool) -> None:
    assert same == (tuple(row.get("want") or ()) == clean_actions(row.get("actions") or []))


@table("link_next_oras.cases")
def test_the_next_link(row: Row, same: bool) -> None:
    page = yarl.URL(row["url"], encoded=True)
    if row.get("wantErr"):
        assert same == fails(lambda: next_page([row["header"]], page), BodyInvalid)
    else:
        assert same == (row["want"] == str(next_page([row["header"]], page)))


PAGE: Final = yarl.URL("https://registry.example/v2/myrepo/tags/list")


def _leads_on(header: str) -> bool:
    try:
        return next_page([header], PAGE) is not None
    except BodyInvalid:
        return False


@table("link_next_ggcr.bad_headers")
def test_a_bad_link_leads_nowhere(row: str, same: bool) -> None:
    assert same == (not _leads_on(row))


@table("link_next_ggcr.cross_host_rejected")
def test_a_link_off_the_host_leads_nowhere(row: str, same: bool) -> None:
    assert same == (not _leads_on(row))


def test_a_link_without_rel_leads_on() -> None:
    assert _leads_on(CORPUS["link_next_ggcr"]["good_header"])


@table("link_regclient.malformed")
def test_a_malformed_link_is_an_error(row: Row, same: bool) -> None:
    assert same == fails(lambda: list(links(row["headers"])), BodyInvalid)


@table("link_regclient.get")
def test_a_link_found_by_a_parameter(row: Row, same: bool) -> None:
    try:
        found = next(
            (one for one in links(row["headers"]) if one.parameters.get(row["parm"]) == row["val"]),
            None,
        )
        assert same == (row.get("expectURI") == (found and found.target))
    except BodyInvalid:
        assert not same


@table("warning_header_oras.cases")
def test_a_warning_as_oras_reads_it(row: Row, same: bool) -> None:
    assert same == (row["want"].get("Text", "") == warning_text(row["header"]))


@table("warning_header_containers_image.cases")
def test_a_warning_as_containers_image_reads_it(row: Row, same: bool) -> None:
    assert same == (row["expected"] == warning_text(row["header"]))


@table("content_length_containers_image.cases")
def test_a_content_length(row: Row, same: bool) -> None:
    found = content_length(row["headers"])
    assert same == (row["expected"] == (-1 if found is None else found))


@table("token_response.cases")
def test_a_token_response(row: Row, same: bool) -> None:
    body, expected = row["input"].encode(), row["expected"]
    if expected is None:
        assert same == fails(lambda: parse_token(body), BodyInvalid)
    else:
        life = expected["expirationTime"]["lifetime_seconds"]
        assert same == ((expected["token"], life) == parse_token(body))


@table("manifest_unknown_responses.cases")
def test_a_manifest_that_is_unknown(row: Row, same: bool) -> None:
    head, _, body = row["response"].partition("\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    answer = Answer("GET", PAGE, 404, headers(fields), body.encode())
    assert same == isinstance(error_of(answer, lambda: 0.0), NotFound)


@table("errors_ggcr.temporary")
async def test_what_is_tried_again(row: Row, same: bool) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(row["error"], status=row["error"]["StatusCode"])

    async with serving(answer) as stub, transport() as http:
        await http.fetch(Request("GET", stub.url("/"), stub.route))
        assert same == (row["retry"] == (len(stub.requests) > 1))


def _told(status: int, body: str, method: str = "GET", url: str = "") -> str:
    answer = Answer(method, yarl.URL(url) if url else PAGE, status, headers({}), body.encode())
    return str(error_of(answer, lambda: 0.0))


@table("errors_ggcr.not_json")
def test_an_error_that_is_not_json_tells_the_same_in_other_words(row: Row, same: bool) -> None:
    method = row.get("request", {}).get("Method", "GET")
    secret = "https://example.com/somepath?access_token=hunter2&scope=foo"
    text = _told(row["code"], row["body"], method, secret)
    told = text.startswith(f"{method} example.com/somepath: {row['code']}")
    assert same == (told and "hunter2" not in text)


@table("errors_ggcr.json_errors")
def test_an_error_document_tells_the_same_in_other_words(row: Row, same: bool) -> None:
    text = _told(row["code"], row["errorBody"])
    codes = [error["code"] for error in json.loads(row["errorBody"]).get("errors", [])]
    assert same == all(part in text for part in [str(row["code"]), *codes])


@table("realm_checks_ggcr.no_registry")
def test_a_realm(row: Row, same: bool) -> None:
    route = Route(Origin.parse("https", "another.example.org"))
    refused = fails(lambda: check_realm(row["realm"], route), Denied)
    assert same == (row["wantErr"] == refused)


@table("realm_checks_ggcr.with_registry")
def test_a_realm_of_a_registry(row: Row, same: bool) -> None:
    scheme = "http" if row.get("insecure") else "https"
    route = Route(Origin.parse(scheme, row["registryHost"]))
    refused = fails(lambda: check_realm(row["realm"], route), Denied)
    assert same == (bool(row.get("wantErr")) == refused)


@table("canonical_address_ggcr.cases")
def test_an_address(row: Row, same: bool) -> None:
    try:
        origin = Origin.parse(row["scheme"], row["address"])
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        assert same == (row["want"] == f"{host}:{origin.port}")
    except ConfigInvalid:
        assert not same


@table("http_fallback_ggcr.cases")
def test_the_schemes_that_are_tried(row: Row, same: bool) -> None:
    host, _, remark = row["reg"].partition(" ")
    found = candidates(RegistryConfig("r", host), lambda _: bool(remark))
    expected = row["wantCount"] or len(row["contains"])
    assert same == (expected == len(found))
    assert same == all(
        any(url.startswith(f"{one.scheme}://") for one in found) for url in row.get("contains", [])
    )


@table("head_missing_headers_ggcr.cases")
async def test_a_head_without_a_header(row: str, same: bool) -> None:
    sent = {
        "missing-type": b"Content-Type: application/json\r\n",
        "missing-length": b"Content-Length: 10\r\n",
        "missing-digest": b"Docker-Content-Digest: sha256:" + b"a" * 64 + b"\r\n",
    }
    fields = b"".join(line for name, line in sent.items() if name != row)

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + fields + b"\r\n")
        request.transport.close()
        return web.Response()

    async with serving(answer) as stub, transport() as http:
        client = RegistryClient(RegistryConfig("r", stub.host, scheme=Scheme.HTTP), http)
        head = await client.head("myrepo", "latest")
    assert not same
    missing = {"missing-type": head.media_type, "missing-length": head.size_bytes}
    assert missing.get(row, head.digest) in ("", None)


@table("descriptor_size_limit_oras.cases")
async def test_a_limit(row: Row, same: bool) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(row["desc"]["Size"]))

    async with serving(answer) as stub, transport() as http:
        limit = {"limit": row["n"]} if row["n"] else {}
        refused = False
        try:
            await http.fetch(Request("GET", stub.url("/"), stub.route, **limit))
        except BodyInvalid:
            refused = True
    assert same == (bool(row["wantErr"]) == refused)


@table("docker_auth_entry_ggcr.cases")
def test_an_entry_of_auths(row: Row, same: bool) -> None:
    entry, want = json.loads(row["json"]), row.get("want")
    if want is None:
        assert same == fails(lambda: entry_credentials(entry, "host"), ConfigInvalid)
        return
    fields = ("Username", "Password", "IdentityToken", "RegistryToken")
    expected = Credentials(*(want.get(field, "") for field in fields))
    assert same == (expected == entry_credentials(entry, "host"))


async def _look_up(home: Path, config: str | None, key: str) -> Credentials | None:
    """Return what Docker's configuration holds for the host of a key."""
    (home / ".docker").mkdir()
    if config is not None:
        (home / ".docker" / "config.json").write_text(config)
    docker = DockerConfig.load({"HOME": str(home)}, daemon_files=[])
    return await docker.credentials(key.partition("/")[0])


@table("docker_config_lookup_ggcr.cases")
async def test_a_look_up_as_ggcr_does_it(row: Row, same: bool, tmp_path: Path) -> None:
    try:
        found = await _look_up(tmp_path, row["config"], row["target"])
    except ConfigInvalid:
        assert same == row["error"]
        return
    anonymous = row.get("anonymous", False)
    expected = None if anonymous else Credentials(row["username"], row["password"])
    assert same == (expected == found)


@table("docker_auth_lookup_containers_image.cases")
async def test_a_look_up_as_containers_does_it(row: Row, same: bool, tmp_path: Path) -> None:
    found = await _look_up(tmp_path, row["config"], row["key"]) or Credentials()
    expected = Credentials(row["username"], row["password"], row["identity_token"])
    assert same == (expected == found)


def test_every_row_is_run_or_accounted_for() -> None:
    listed = {
        f"{name}.{part}": len(value)
        for name, content in CORPUS.items()
        if name not in ("commits", "not_copied") and isinstance(content, dict)
        for part, value in content.items()
        if isinstance(value, list)
    }
    run = [mark for mark in _tables() if mark in listed]
    assert sorted(listed) == sorted(run)
    total = sum(listed.values())
    print(f"{total} rows: {total - len(HABITS)} run, {len(DIFFERENT)} of them answered differently")
    print(f"{len(HABITS)} habits not run, {sum(CORPUS['not_copied'].values())} not copied")
    assert (228, 25, 5) == (total, len(DIFFERENT), len(HABITS))
    assert {name: CORPUS["not_copied"][name] for name in NOT_COPIED} == CORPUS["not_copied"]
    assert 21 == sum(CORPUS["not_copied"].values())


def _tables() -> list[str]:
    """Return the tables that the tests of this module run."""
    marks = [
        mark
        for name, test in globals().items()
        if name.startswith("test_")
        for mark in getattr(test, "pytestmark", [])
    ]
    return [str(mark.args[1][0].id).rpartition("-")[0] for mark in marks]
