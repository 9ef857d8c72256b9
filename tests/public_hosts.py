"""Hosts that nobody may be led to ask on a stranger's behalf, in every way to spell them."""

from __future__ import annotations

from typing import Final

LITERAL: Final = (
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.9.9.9",
    "169.254.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::]",
    "[::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
)
METADATA: Final = (
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "[fd00:ec2::254]",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
)
MAPPED: Final = (
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2002:a00:1::]",
)
NAT64: Final = ("[64:ff9b::7f00:1]", "[64:ff9b::a00:1]", "[64:ff9b:1::a00:1]")
DECIMAL: Final = (
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.1",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "10.1",
)
NAMES: Final = ("localhost", "LOCALHOST", "a.localhost", "registry.localhost")
SPELLED: Final = LITERAL + METADATA + MAPPED + NAT64 + DECIMAL + NAMES
# What a name says at one time and another.
REBOUND: Final = ("rebinding.example", "internal.example", "metadata.example")
