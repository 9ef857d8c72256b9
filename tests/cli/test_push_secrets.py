"""What a push says, writes down and shows with --debug holds nothing that opens a door."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from tests.builders import image, index
from tests.cli.conftest import QUICK, Command
from tests.cli.manifest_world import LIST, World
from tests.fault_registry import AT_CHILD, AT_INDEX, Behaviour, Exchange, FaultRegistry, Match

SECRETS = ("hunter2secret", "bWU6aHVudGVyMnNlY3JldA", "f00dsignature", "c0ffeestate", "c0ffee-id")
SIGNED = "https://storage.test/blob?X-Amz-Credential=me&X-Amz-Signature=f00dsignature"


@pytest.fixture
def world(served: FaultRegistry, command: Command) -> World:
    """Return a user with a registry."""
    return World(served, command)


async def tells_all(exchange: Exchange) -> web.StreamResponse:
    """Answer with all that was sent, and with where the registry keeps its blobs."""
    said = f"{exchange.request.raw_path} {dict(exchange.request.headers)} Get {SIGNED!r}: refused"
    return web.json_response({"errors": [{"code": "UNKNOWN", "message": said[-900:]}]}, status=500)


async def signs(_: Exchange) -> web.StreamResponse:
    """Lead to storage that does not answer."""
    where = SIGNED.replace("https://storage.test", "http://127.0.0.1:1")
    return web.Response(status=307, headers={"Location": where})


async def begins(exchange: Exchange) -> web.StreamResponse:
    """Begin an upload that only its state leads to."""
    where = "/v2/multi/blobs/uploads/c0ffee-id?_state=c0ffeestate"
    return web.Response(status=202, headers={"Location": where})


FAULTS: dict[str, list[tuple[Match, Behaviour]]] = {
    "the tag": [(("PUT", AT_INDEX[1]), tells_all)],
    "a child": [(("PUT", AT_CHILD[1]), tells_all)],
    "an upload": [(("POST", "/uploads/"), begins), (("PUT|PATCH|GET", "c0ffee"), tells_all)],
    "a redirect": [(("GET", "/app-amd64/blobs/"), signs)],
}


@pytest.mark.parametrize("where", FAULTS)
def test_no_secret_is_shown_or_written_down(
    where: str, world: World, process: Command, tmp_path: Path
) -> None:
    settings = tmp_path / "s.toml"
    settings.write_text(
        f'{QUICK}[[registry]]\nname = "lab"\nhost = "{world.host}"\n'
        '[registry.credentials]\nusername = "me"\npassword_env = "LAB_PASSWORD"\n'
    )
    world.place(LIST, index(image("linux", "s390x")))
    world.made()
    for match, then in FAULTS[where]:
        world.registry.fault(match, then)
    ran = process(
        *("manifest", "push", f"{world.host}/{LIST}", "--config", str(settings), "--debug"),
        LAB_PASSWORD="hunter2secret",
    )
    written = (world.state / "pushes.jsonl").read_text()
    told = ran.out + ran.err + written
    assert [] == [secret for secret in SECRETS if secret in told]
    assert ": 500 UNKNOWN: " in ran.err or "127.0.0.1:1/blob: connection refused" in ran.err
