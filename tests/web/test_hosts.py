"""What engines take, as the page of a tag shows it."""

from __future__ import annotations

import msgspec

from mfl_lint.core.observation import Node
from mfl_lint.web.hosts import host_items
from mfl_lint.web.items import Cell
from mfl_lint.web.tag_items import Taken
from tests.builders import image, index, observation

CELLS = {
    "linux/amd64": Cell("ok", "nothing found"),
    "linux/arm64": Cell("error", "MFL101 it is amd64"),
}


def root_of() -> Node:
    built = index(image("linux", "amd64"), image("linux", "arm64"))
    root = observation(built).root
    assert root is not None
    return root


def by_host(root: Node) -> dict[str, dict[str, Taken]]:
    items = host_items(root, CELLS)
    return {host: {one.engine: one for one in item.taken} for item in items for host in item.hosts}


def test_a_host_gets_its_own_entry_coloured_as_that_entry_is() -> None:
    taken = by_host(root_of())
    assert (
        Taken("docker", "0", "linux/amd64", "ok", "nothing found") == taken["linux/amd64"]["docker"]
    )
    assert ("1", "error") == (
        taken["linux/arm64"]["podman"].path,
        taken["linux/arm64"]["podman"].state,
    )


def test_hosts_that_get_nothing_stand_together_at_the_end() -> None:
    last = host_items(root_of(), CELLS)[-1]
    assert {"none"} == {one.state for one in last.taken}
    assert {"linux/386", "linux/s390x"} <= set(last.hosts)


def test_hosts_on_which_the_same_is_taken_share_a_row() -> None:
    first = host_items(root_of(), CELLS)[0]
    assert ("linux/amd64", "linux/amd64/v2", "linux/amd64/v3", "linux/amd64/v4") == first.hosts


def test_a_lone_image_and_a_list_that_was_not_read_have_no_table() -> None:
    unread = msgspec.structs.replace(root_of(), document=None)
    assert () == host_items(observation(image("linux", "amd64")).root, CELLS)
    assert () == host_items(unread, CELLS)
    assert () == host_items(None, CELLS)
