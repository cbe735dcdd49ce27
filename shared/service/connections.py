"""Counts the connections of a process, in total and per client, and ends those that wait too long."""

import asyncio
from collections import Counter
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Protocol

from shared.service.connection_bounds import LINGERING_AT_ONCE, Bounds

_SWEEP_SECONDS: Final = 0.25


class Refusal(Exception):  # noqa: N818 -- an answer, as a Problem is
    """A refusal of a request that no route has seen yet."""

    def __init__(self, status: int, code: str, title: str) -> None:
        super().__init__(title)
        self.status, self.code, self.title = status, code, title


class Bounded(Protocol):
    """A connection as `Connections` knows it."""

    loop: asyncio.AbstractEventLoop

    def due(self, now: float) -> bool:
        """True if it has waited longer than it may."""

    def expired(self, now: float) -> None:
        """Acts on that: refuses, closes or aborts."""


class Connections:
    """Counts the connections of a process, per client too."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._open: dict[Bounded, str | None] = {}
        self._of_peer: Counter[str] = Counter()
        self._too_many = 0
        self._sweeping = False

    def entered(self, connection: Bounded, address: str | None) -> Refusal | None:
        """Counts a new connection; returns a refusal if it is one too many."""
        peer = self._peer(address)
        if not self._sweeping:
            self._sweeping = True
            connection.loop.call_later(_SWEEP_SECONDS, self._sweep, connection.loop)
        self._open[connection] = peer
        if peer is not None:
            self._of_peer[peer] += 1
        if len(self._open) > self.bounds.connections + self._too_many:
            return Refusal(503, "too-many-connections", "There are too many connections: try again in a moment.")
        if peer is not None and self._of_peer[peer] > self.bounds.of_peer:
            title = f"Your address has {self.bounds.of_peer} connections already: close some, and use them again."
            return Refusal(503, "too-many-connections-of-one", title)
        return None

    def may_linger(self) -> bool:
        """True if a refused connection may get its answer before it is closed."""
        if self._too_many >= LINGERING_AT_ONCE:
            return False
        self._too_many += 1
        return True

    def left(self, connection: Bounded, *, lingered: bool) -> None:
        """Stops counting a connection."""
        peer = self._open.pop(connection, None)
        self._too_many -= lingered
        if peer is not None:
            self._of_peer[peer] -= 1
            if not self._of_peer[peer]:
                del self._of_peer[peer]

    def _peer(self, address: str | None) -> str | None:
        """The key by which a client is counted: its IPv4 address or IPv6 /64; None for our own proxies."""
        if address is None:
            return None
        parsed = ip_address(address.partition("%")[0])
        if isinstance(parsed, IPv6Address):
            parsed = parsed.ipv4_mapped or parsed
        if any(parsed in network for network in self.bounds.trusted):
            return None
        return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all connections, instead of timers per request."""
        now = loop.time()
        for connection in [each for each in self._open if each.due(now)]:
            connection.expired(now)
        self._sweeping = bool(self._open)
        if self._sweeping:
            loop.call_later(_SWEEP_SECONDS, self._sweep, loop)
