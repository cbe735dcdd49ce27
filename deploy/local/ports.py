"""Free ports, and asking whether something answers on one."""

import asyncio
import random
import socket
import struct

LOOPBACK = "127.0.0.1"
_taken: set[int] = set()
_below_ephemeral = range(20_000, 32_000)
"""Linux gives outgoing connections 32768 and above: a port from there may be gone between the look and the use."""
_mine = _below_ephemeral


def keep_to(part: int, parts: int) -> None:
    """Looks for free ports in one of so many equal parts alone, for processes that each look for some at once: a port
    is taken some time after it was found free."""
    global _mine  # noqa: PLW0603 -- a process has one set of ports
    size = len(_below_ephemeral) // parts
    _mine = _below_ephemeral[part * size : (part + 1) * size]


def free_port(preferred: int | None = None) -> int:
    """Free now, and not handed out before by this process."""
    chance = random.SystemRandom()
    candidates = [*([preferred] if preferred else []), *chance.sample(_mine, min(200, len(_mine)))]
    for port in candidates:
        if port not in _taken and _bindable(port):
            _taken.add(port)
            return port
    raise OSError(f"no free port on {LOOPBACK} between {_mine.start} and {_mine.stop}")


def release_port(port: int) -> None:
    _taken.discard(port)


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


async def speaks_kafka(address: str, timeout: float = 5.0) -> bool:
    """Whether a broker answers an ApiVersions request there: KRaft brokers answer only once they are unfenced."""
    host, _, port = address.rpartition(":")
    client = b"firstbuy"
    request = struct.pack(">hhih", 18, 0, 1, len(client)) + client
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            try:
                writer.write(struct.pack(">i", len(request)) + request)
                length = struct.unpack(">i", await reader.readexactly(4))[0]
                correlation, error = struct.unpack(">ih", await reader.readexactly(6))
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
        return False
    return length > 0 and (correlation, error) == (1, 0)


async def accepts(address: str, timeout: float = 5.0) -> bool:
    """Whether a TCP connection is accepted there: all that can be asked of a broker behind TLS or SASL."""
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()
    except (OSError, ValueError, TimeoutError):
        return False
    return True


async def greets(port: int, timeout: float = 5.0) -> bool:
    """Whether a mail server says 220 there; one that only accepts connections is of no use."""
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                return (await reader.readline()).startswith(b"220")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def says_ready(port: int, timeout: float = 5.0) -> bool:
    """Whether GET /health/ready is answered with 200."""
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(b"GET /health/ready HTTP/1.0\r\nHost: localhost\r\n\r\n")
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return line.split()[1:2] == [b"200"]
