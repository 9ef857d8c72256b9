from mfl_lint.core.selection.engines import ENGINES
from mfl_lint.report.hosts import HostV1, grouped, hosts_by_position
from tests.builders import attestation, image, index, node

AMD64, ARM = image("linux", "amd64"), image("linux", "arm", "v7")


def test_each_entry_has_the_hosts_that_take_it() -> None:
    found = hosts_by_position(node(index(AMD64, ARM, attestation(AMD64))))
    assert {0, 1} == found.keys()
    assert tuple(map(str, ENGINES)) == found[0][0].engines
    assert {"linux/arm/v7", "linux/arm64"} <= {item.host for item in found[1]}


def test_a_second_entry_of_a_platform_is_nobodys() -> None:
    assert {0} == hosts_by_position(node(index(AMD64, image(name="b")))).keys()


def test_engines_are_named_where_they_disagree() -> None:
    every = tuple(map(str, ENGINES))
    hosts = (HostV1("a", ("docker",)), HostV1("b", every), HostV1("c", ("docker",)))
    assert "b; a, c with docker alone" == grouped(hosts)


def test_an_image_alone_has_no_entries() -> None:
    assert {} == hosts_by_position(node(AMD64))
