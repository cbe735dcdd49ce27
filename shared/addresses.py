"""Whether an address is the internet's: where what somebody names is called, it must be nobody's own network."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

_NAT64: Final = IPv6Network("64:ff9b::/96")


def reachable(address: str) -> bool:
    """Whether the internet has this address, itself and as what it stands for: an IPv4 one written as IPv6."""
    found = ip_address(address.partition("%")[0])
    return all(one.is_global and not one.is_multicast for one in (found, *_stands_for(found)))


def _stands_for(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    if isinstance(address, IPv4Address):
        return []
    meant = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        meant.append(IPv4Address(address.packed[-4:]))
    return [one for one in meant if one is not None]
