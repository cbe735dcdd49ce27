"""Whether an address is the internet's, by IANA's registries of special-purpose addresses (RFC 6890)."""

from ipaddress import IPv4Network, IPv6Address, IPv6Network

import pytest

from shared.service.addresses import reachable

# https://www.iana.org/assignments/iana-ipv4-special-registry, and multicast.
IPV4 = [
    "0.0.0.0/8",
    "0.0.0.0/32",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.0/29",
    "192.0.0.8/32",
    "192.0.0.9/32",
    "192.0.0.10/32",
    "192.0.0.170/32",
    "192.0.0.171/32",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "224.0.0.0/4",
]
# https://www.iana.org/assignments/iana-ipv6-special-registry, what is deprecated or given to nobody, and multicast.
IPV6 = [
    "::1/128",
    "::/128",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:1::3/128",
    "2001:2::/48",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:30::/28",
    "2001:db8::/32",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "::/96",
    "::ffff:0:0:0/96",
    "fec0::/10",
    "ff00::/8",
    "200::/7",
    "4000::/3",
    "6000::/3",
    "8000::/3",
    "a000::/3",
    "c000::/3",
    "e000::/4",
]
PUBLIC = (
    "8.8.8.8",
    "1.1.1.1",
    "192.0.1.1",
    "100.128.0.1",
    "172.32.0.1",
    "198.20.0.1",
    "223.255.255.254",
    "203.253.0.1",
)


def ends(network: IPv4Network | IPv6Network) -> tuple[str, str]:
    return str(network[0]), str(network[-1])


def written_as_ipv6(address: str) -> list[str]:
    """Mapped, translated (NAT64), and as the router of 6to4."""
    number = int.from_bytes(bytes(map(int, address.split("."))), "big")
    bases = (int(IPv6Address("::ffff:0:0")), int(IPv6Address("64:ff9b::")))
    return [
        *(str(IPv6Address(base | number)) for base in bases),
        str(IPv6Address((0x2002 << 112) | (number << 80) | 1)),
    ]


@pytest.mark.parametrize("network", IPV4)
def test_no_special_ipv4_address_is_public_however_it_is_written(network: str) -> None:
    for address in ends(IPv4Network(network)):
        assert not reachable(address)
        assert not any(map(reachable, written_as_ipv6(address))), address


@pytest.mark.parametrize("network", IPV6)
def test_no_special_ipv6_address_is_public(network: str) -> None:
    assert not any(map(reachable, ends(IPv6Network(network))))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public_however_it_is_written(address: str) -> None:
    assert reachable(address)
    assert all(map(reachable, written_as_ipv6(address)))


@pytest.mark.parametrize("address", ["2606:4700::1111", "2001:200::1", "2400::1", "2a00:1450::1", "3ffe::1"])
def test_what_is_given_out_of_ipv6_is_public(address: str) -> None:
    assert reachable(address)


@pytest.mark.parametrize("address", ["2001:0:808:808::1", "2001:0:a00:1::f5ff:fffe", "::8.8.8.8", "fe80::1%eth0"])
def test_what_is_no_way_into_the_internet_is_none(address: str) -> None:
    """Teredo, deprecated as it is, and IPv4-compatible addresses, even of a public one."""
    assert not reachable(address)
