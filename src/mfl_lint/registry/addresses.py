"""Which addresses a request may reach, and the socket that refuses the others.

A registry's own host was named by the administrator and may be anywhere. A host that only an
answer named (a token server, the target of a redirect) must not lead into the network that
the program runs in.
Source: IANA special-purpose address registries (RFC 6890), RFC 6052 (NAT64), RFC 6761.
"""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REFUSED: Final = "the address is not one that this request may reach"

_METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192")
) | {ipaddress.ip_address("fd00:ec2::254")}
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = ipaddress.IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")
_ENDS_IN_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")


class Reach(StrEnum):
    """How far a request may go: anywhere; our own networks too; public addresses only."""

    ANY = "any"
    INSIDE = "inside"
    PUBLIC = "public"


def literal(host: str) -> Address | None:
    """Return the address that the host spells out, None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def is_loopback_name(host: str) -> bool:
    """Say whether the host is this machine by its very name or address."""
    address = literal(host)
    if address is not None:
        return _unwrapped(address).is_loopback
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def _unwrapped(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address only carries to, else the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 0xFFFF):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (address,))[-1]


def allows(reach: Reach, address: Address) -> bool:
    """Say whether a request of this reach may connect to the address."""
    if reach is Reach.ANY:
        return True
    inner = _unwrapped(address)
    if {address, inner} & _METADATA or inner.is_multicast or inner.is_unspecified:
        return False
    if isinstance(inner, ipaddress.IPv6Address) and (inner in _NAT64_LOCAL or inner.is_site_local):
        return False
    if reach is Reach.INSIDE:
        return not inner.is_link_local
    return inner.is_global


def allows_host(reach: Reach, host: str) -> bool:
    """Say whether the host may be asked, as far as its spelling tells.

    A name passes and is judged again when it was resolved. Numbers that only old resolvers
    read as an address (`2130706433`, `127.1`, `0x7f.1`) never pass.
    """
    if reach is Reach.ANY:
        return True
    address = literal(host)
    if address is not None:
        return allows(reach, address)
    if _ENDS_IN_NUMBER.fullmatch(host):
        return False
    return reach is Reach.INSIDE or not is_loopback_name(host)


def guarded_socket(reach: Reach) -> Callable[[Any], socket.socket]:
    """Return a socket factory for connectors that refuses addresses out of reach.

    It sees what a name was resolved to, so that neither rebinding nor a literal gets past it.
    """

    def create(info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, destination = info
        address = literal(str(destination[0]))
        if address is None or not allows(reach, address):
            raise OSError(errno.EACCES, REFUSED)
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return create
