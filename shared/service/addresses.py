"""Tells public internet addresses from all others: where users name an address to call, it must not be in our network.

It uses IANA's registries of special-purpose addresses beside `is_global`, whose knowledge depends on the Python
version, and which treats unassigned IPv6 addresses as public.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

SPECIAL_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private use
            "100.64.0.0/10",  # carriers' shared space
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link local, and clouds' metadata
            "172.16.0.0/12",  # private use
            "192.0.0.0/24",  # protocol assignments, the anycast ones too: no receiver is there
            "192.0.2.0/24",  # documentation
            "192.31.196.0/24",  # AS112
            "192.52.193.0/24",  # AMT
            "192.88.99.0/24",  # relays of 6to4, deprecated
            "192.168.0.0/16",  # private use
            "192.175.48.0/24",  # AS112
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
SPECIAL_6: Final = tuple(
    map(
        IPv6Network,
        (
            "::/128",  # unspecified
            "::1/128",  # loopback
            "::/96",  # IPv4-compatible, deprecated
            "64:ff9b:1::/48",  # translation within a network
            "100::/64",  # discard
            "100:0:0:1::/64",  # dummy
            "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID, anycast
            "2001:db8::/32",  # documentation
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",  # documentation
            "5f00::/16",  # segment routing
            "fc00::/7",  # unique local
            "fe80::/10",  # link local
            "fec0::/10",  # site local, deprecated
            "ff00::/8",  # multicast
        ),
    )
)
_UNICAST: Final = IPv6Network("2000::/3")
"""All IPv6 addresses that are assigned to anybody."""
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_6TO4: Final = IPv6Network("2002::/16")


def reachable(address: str) -> bool:
    """True for a public address; IPv4 addresses embedded in IPv6 are checked as IPv4."""
    parsed = ip_address(address.partition("%")[0])
    return _public_4(parsed) if isinstance(parsed, IPv4Address) else _public_6(parsed)


def _public_4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in special for special in SPECIAL_4)


def _public_6(address: IPv6Address) -> bool:
    if address in _MAPPED or address in _NAT64:
        return _public_4(IPv4Address(address.packed[-4:]))
    if address in _6TO4:
        return _public_4(IPv4Address(address.packed[2:6]))
    return address in _UNICAST and address.is_global and not any(address in special for special in SPECIAL_6)
