"""The network a request came from, under a keyed hash: a flood from one sender is visible, the network is not."""

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from shared.service.addresses import reachable

_SITE: Final = {4: 24, 6: 48}
"""Prefix length by IP version within which addresses belong to one sender."""


def network_of(host: str | None) -> str | None:
    """The network of an address. None for one that can't be read, and for a private one, which is that of a proxy."""
    try:
        if host is None or not reachable(host):
            return None
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(ip_network((address, _SITE[address.version]), strict=False))


def named(network: str | None, key: bytes | None) -> str | None:
    """The network's keyed hash. Without the key all networks could be tried, since there are few."""
    return hmac.digest(key, network.encode(), hashlib.sha256).hex() if network and key else None
