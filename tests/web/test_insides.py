"""What is kept of layers, on the page of a tag: which file decides what an image runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mfl_lint.core.digest import digest_of
from mfl_lint.core.executable import Executable, Format
from mfl_lint.core.layer import LayerSummary, Member, MemberKind
from mfl_lint.core.observation import Node
from mfl_lint.store.engine import Store, open_store
from mfl_lint.store.layers import write_layers
from mfl_lint.web.insides import insides_of
from tests.builders import image, index, observation
from tests.web.filled_store import NOW

BOTTOM, TOP = digest_of(b"bottom"), digest_of(b"top")


def root_of(command: str = "/run.sh") -> Node:
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    layers = [{"mediaType": kind, "digest": one, "size": 7} for one in (BOTTOM, TOP)]
    config = {"config": {"Entrypoint": [command]}}
    built = index(image("linux", "arm64", manifest={"layers": layers}, config=config))
    root = observation(built).root
    assert root is not None
    return root


def program(path: str, machine: str) -> Member:
    header = Executable(Format.ELF, machine, 64)
    return Member(path, MemberKind.FILE, is_executable=True, executable=header)


@pytest.fixture
async def store(empty_url: str) -> AsyncIterator[Store]:
    async with open_store(empty_url) as store:
        yield store


async def test_nothing_is_shown_where_no_layer_was_read(store: Store) -> None:
    lone = observation(image("linux", "amd64", manifest={"layers": []})).root
    assert () == await insides_of(store, lone)
    assert () == await insides_of(store, None)


async def test_the_file_that_proves_the_wrong_machine_is_named_with_its_layer(store: Store) -> None:
    script = Member("run.sh", MemberKind.FILE, is_executable=True, shebang="/bin/app")
    await write_layers(
        store,
        [LayerSummary(BOTTOM, (program("bin/app", "amd64"),)), LayerSummary(TOP, (script,))],
        NOW,
    )
    (item,) = await insides_of(store, root_of())
    (proof,) = item.programs

    assert ("/run.sh", "/bin/app") == item.chain
    assert ("/bin/app", str(BOTTOM), "no") == (proof.path, proof.layer, proof.runs)
    assert "ELF for amd64" == proof.what
    assert [1, 1] == [layer.files for layer in item.layers]
    assert ("0", "linux/arm64") == (item.path, item.platform)


async def test_what_could_not_be_read_is_said(store: Store) -> None:
    await write_layers(store, [LayerSummary(TOP, problem="it is damaged")], NOW)
    (item,) = await insides_of(store, root_of("/other"))

    assert "it is damaged" in item.unknown
    assert "it is damaged" in {layer.problem for layer in item.layers}
    assert () == item.programs
