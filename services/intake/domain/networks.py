"""Whence a request came, so that one sender's flood is seen as one: as a name that says nothing of the network."""

import hashlib
import hmac
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from shared.service.addresses import reachable

_SITE: Final = {4: 24, 6: 48}
"""Bits of an address that one sender has, whatever of the rest it changes."""


def network_of(host: str | None) -> str | None:
    """None where it tells nothing: a private address is a proxy's that does not say for whom."""
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
    """By a hash that only who has the key can make: there are few networks, and all could be tried."""
    return hmac.digest(key, network.encode(), hashlib.sha256).hex() if network and key else None
