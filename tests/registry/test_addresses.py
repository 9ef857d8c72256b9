import ipaddress
import socket

import pytest

from mfl_lint.registry.addresses import Reach, allows, allows_host, guarded_socket, is_loopback_name

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.9.9.9",
    "172.16.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "fc00::1",
    "fd12:3456::1",
    "fec0::1",
]
NEVER_FOREIGN = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.1.1",
    "100.100.100.200",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "224.0.0.1",
    "ff02::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE + NEVER_FOREIGN)
def test_a_public_request_reaches_no_address_of_special_purpose(address: str) -> None:
    assert not allows_host(Reach.PUBLIC, address)


@pytest.mark.parametrize("address", NEVER_FOREIGN)
def test_a_request_inside_reaches_no_metadata_or_link_local_address(address: str) -> None:
    assert not allows_host(Reach.INSIDE, address)


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "192.168.1.1", "fd12::1"])
def test_a_request_inside_reaches_our_own_networks(address: str) -> None:
    assert allows_host(Reach.INSIDE, address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached_by_all(address: str) -> None:
    assert all(allows_host(reach, address) for reach in Reach)


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1", "0x7f000001", "017700000001"])
def test_numbers_that_old_resolvers_read_as_an_address_do_not_pass(host: str) -> None:
    assert not allows_host(Reach.PUBLIC, host)
    assert not allows_host(Reach.INSIDE, host)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback_name(host)
    assert not allows_host(Reach.PUBLIC, host)


@pytest.mark.parametrize("host", ["localhost.example", "example.org", "128.0.0.1"])
def test_other_hosts_are_not_this_machine(host: str) -> None:
    assert not is_loopback_name(host)
    assert allows_host(Reach.PUBLIC, host)


def test_the_own_registry_may_be_anywhere() -> None:
    assert allows(Reach.ANY, ipaddress.ip_address("169.254.169.254"))


def test_the_socket_refuses_what_a_name_was_resolved_to() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))
    with pytest.raises(OSError, match="may reach"):
        guarded_socket(Reach.PUBLIC)(info)
    with guarded_socket(Reach.INSIDE)(info) as made:
        assert not made.getblocking()
