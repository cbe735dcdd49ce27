"""No connection holds up a service: not by headers or an address without end, by saying nothing, by a body that goes on
behind its answer, by taking no answer, nor by how many there are of it."""

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from deploy.local.stack import Stack
from shared.contracts.access import SERVICES
from shared.service.bounded_protocol import LINGER_BYTES, LINGER_SECONDS
from shared.service.connection_bounds import Bounds
from shared.service.http import configured
from shared.service.settings import ServiceSettings
from tests.support.stacks import LastingStack

pytestmark = pytest.mark.xdist_group("hostile connections")  # one stack for the whole file
PATIENCE = 60.0
HUGE = 200_000_000
OF_PEER = 20
IN_ALL = 60
SECONDS = 2
ALL = {
    "HTTP_CONNECTIONS": IN_ALL,
    "HTTP_CONNECTIONS_OF_PEER": OF_PEER,
    "HTTP_IDLE_SECONDS": SECONDS,
    "HTTP_HEAD_SECONDS": SECONDS,
}
HEAD = b"GET /health/live HTTP/1.1\r\nHost: here\r\n"
PEER, ANOTHER = "127.0.0.2", "127.0.0.3"
"""No trusted proxy, as 127.0.0.1 is."""


@pytest.fixture(scope="module")
async def stack(lasting_stack: LastingStack) -> AsyncIterator[Stack]:
    environment = {
        f"FIRSTBUY_{service.upper()}_{name}": str(value) for service in SERVICES for name, value in ALL.items()
    }
    async with lasting_stack(SERVICES, environment=environment) as started:
        yield started


@dataclass
class Peer:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    sent: int = 0

    async def send(self, pieces: Iterator[bytes], pause: float = 0) -> None:
        """Until there are no more, or nobody takes them."""
        try:
            for piece in pieces:
                self.writer.write(piece)
                await self.writer.drain()
                self.sent += len(piece)
                await asyncio.sleep(pause)
        except ConnectionError:
            pass

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            return int(line.split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))

    async def problem(self) -> tuple[int, str]:
        """Status and code; of a connection that is closed then."""
        status, headers, body = await self.answer()
        assert (headers["content-type"], headers["connection"]) == ("application/problem+json", "close")
        assert await self.closed() < LINGER_SECONDS + 3
        return status, json.loads(body)["type"].removeprefix("urn:firstbuy:problem:")

    async def closed(self) -> float:
        """How many seconds until it was."""
        began = time.monotonic()
        async with asyncio.timeout(PATIENCE):
            try:
                while await self.reader.read(65_536):
                    pass
            except ConnectionError:
                pass
        return time.monotonic() - began


@asynccontextmanager
async def connected(address: str, source: str = "127.0.0.1") -> AsyncIterator[Peer]:
    host, _, port = urlsplit(address).netloc.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port), local_addr=(source, 0))
    try:
        yield Peer(reader, writer)
    finally:
        writer.transport.abort()


def most_memory(stack: Stack, service: str) -> int:
    """Bytes that its process ever held at once."""
    status = Path(f"/proc/{stack.pid(service)}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def endless(first: bytes, piece: bytes) -> Iterator[bytes]:
    yield first
    for _ in range(HUGE // len(piece)):
        yield piece


HEADS = {
    "headers": (HEAD, b"X-Many: " + b"a" * 60_000 + b"\r\n", (431, "too-long-headers")),
    "one header": (HEAD + b"X-Long: ", b"a" * 60_000, (431, "too-long-headers")),
    "small headers": (HEAD, b"a:b\r\n" * 10_000, (431, "too-long-headers")),
    "address": (b"GET /", b"a" * 60_000, (414, "too-long-address")),
    "empty lines": (b"\r\n", b"\r\n" * 30_000, (431, "too-long-headers")),
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", HEADS)
async def test_a_head_without_end_is_answered_and_not_held(stack: Stack, service: str, kind: str) -> None:
    first, piece, expected = HEADS[kind]
    before = most_memory(stack, service)
    async with connected(stack.url(service)) as peer:
        sending = asyncio.create_task(peer.send(endless(first, piece)))
        assert await peer.problem() == expected
        await sending
    assert peer.sent < 3 * LINGER_BYTES
    assert most_memory(stack, service) - before < 10_000_000


@pytest.mark.parametrize(("target", "header", "status"), [(8_000, 20_000, 404), (8_300, 10, 414), (10, 32_800, 431)])
async def test_a_whole_head_is_held_to_the_same(stack: Stack, target: int, header: int, status: int) -> None:
    async with connected(stack.url("notify")) as peer:
        long = b"GET /%s HTTP/1.1\r\nHost: here\r\nX-Long: %s\r\n\r\n" % (b"a" * target, b"b" * header)
        await peer.send(iter([long]))
        assert (await peer.answer())[0] == status


@pytest.mark.parametrize("service", SERVICES)
async def test_a_silent_connection_is_closed(stack: Stack, service: str) -> None:
    async with connected(stack.url(service)) as peer, connected(stack.url(service)) as after_an_answer:
        await after_an_answer.send(iter([HEAD + b"\r\n"]))
        assert (await after_an_answer.answer())[0] == 200
        assert SECONDS / 2 < await peer.closed() < 3 * SECONDS
        assert await after_an_answer.closed() < 3 * SECONDS


@pytest.mark.parametrize("service", SERVICES)
async def test_headers_that_dribble_are_given_up(stack: Stack, service: str) -> None:
    async with connected(stack.url(service)) as peer:
        dribbling = asyncio.create_task(peer.send((bytes([byte]) for byte in HEAD + b"X: " + b"a" * 1_000), 0.1))
        assert await peer.problem() == (408, "too-slow")
        dribbling.cancel()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("size", "pause"), [(60_000, 0.0), (1, 0.1)], ids=["fast", "slow"])
async def test_a_body_that_goes_on_behind_its_answer_is_not_read_for_ever(
    stack: Stack, service: str, size: int, pause: float
) -> None:
    async with connected(stack.url(service)) as peer:
        head = HEAD.replace(b"GET", b"POST") + b"Transfer-Encoding: chunked\r\n\r\n"
        sending = asyncio.create_task(peer.send(endless(head, b"%x\r\n%s\r\n" % (size, b"a" * size)), pause))
        assert (await peer.answer())[0] == 405
        assert await peer.closed() < LINGER_SECONDS + 3
        await sending
    assert peer.sent < 3 * LINGER_BYTES


async def test_a_body_that_ends_soon_behind_its_answer_costs_no_connection(stack: Stack) -> None:
    async with connected(stack.url("selection")) as peer:
        await peer.send(iter([HEAD.replace(b"GET", b"POST") + b"Content-Length: 4\r\n\r\n"]))
        assert (await peer.answer())[0] == 405
        await peer.send(iter([b"{", b"}\r\n" + HEAD + b"\r\n"]), 0.2)
        assert (await peer.answer())[0] == 200


@pytest.mark.parametrize("service", SERVICES)
async def test_connections_of_one_client_are_bounded_and_no_other_s(stack: Stack, service: str) -> None:
    address = stack.url(service)
    for source, allowed in ((PEER, True), ("127.0.0.1", False)):
        held = [connected(address, source) for _ in range(OF_PEER + 5)]
        peers = [await each.__aenter__() for each in held]
        refused = [each for each in peers if await ended(each)]
        assert len(refused) == (5 if allowed else 0)
        assert {await each.problem() for each in refused} <= {(503, "too-many-connections-of-one")}
        assert await status(address, ANOTHER) == 200, "while one has too many"
        for each in held:
            await each.__aexit__(None, None, None)
    await asyncio.sleep(0.5)
    assert await status(address, PEER) == 200, "once they are closed"


@pytest.mark.parametrize("service", SERVICES)
async def test_connections_are_bounded_in_all(stack: Stack, service: str) -> None:
    address = stack.url(service)
    held = [connected(address) for _ in range(IN_ALL + 5)]
    peers = [await each.__aenter__() for each in held]
    refused = [each for each in peers if await ended(each)]
    assert len(refused) >= 5
    assert {await each.problem() for each in refused} == {(503, "too-many-connections")}
    for each in held:
        await each.__aexit__(None, None, None)
    await asyncio.sleep(0.5)
    assert await status(address) == 200


async def ended(peer: Peer) -> bool:
    """Whether it was told anything without asking."""
    try:
        async with asyncio.timeout(0.01):
            while not peer.reader._buffer:  # type: ignore[attr-defined]
                await asyncio.sleep(0.002)
    except TimeoutError:
        return False
    return True


async def status(address: str, source: str = "127.0.0.1") -> int:
    async with connected(address, source) as peer:
        await peer.send(iter([HEAD + b"\r\n"]))
        return (await peer.answer())[0]


async def test_no_more_requests_are_held_than_are_answered_soon(stack: Stack) -> None:
    async with connected(stack.url("eligibility")) as peer:
        await peer.send(iter([(HEAD + b"\r\n") * 100_000]))
        assert await peer.closed() < PATIENCE


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    ("version", "hosts", "expected"),
    [
        ("1.1", [b"a.example"], 200),
        ("1.1", [b"a.example:8000"], 200),
        ("1.1", [b"[2001:db8::1]:80"], 200),
        ("1.0", [], 200),
        ("1.1", [], 400),
        ("1.1", [b""], 400),
        ("1.1", [b"a.example", b"b.example"], 400),
        ("1.1", [b"a.example", b"a.example"], 400),
        ("1.0", [b"a.example", b"b.example"], 400),
        ("1.1", [b"a.example/path"], 400),
        ("1.1", [b"user@a.example"], 400),
        ("1.1", [b"a b"], 400),
        ("1.1", [b"a.example:port"], 400),
        ("1.1", [b"[::1"], 400),
        ("1.1", [b'a"b'], 400),
        ("1.1", [b"\xc3\xa9"], 400),
    ],
)
async def test_a_request_names_one_host(
    stack: Stack, service: str, version: str, hosts: list[bytes], expected: int
) -> None:
    """RFC 9112 §3.2."""
    async with connected(stack.url(service)) as peer:
        lines = [f"GET /health/live HTTP/{version}".encode(), *(b"Host: " + host for host in hosts), b"", b""]
        await peer.send(iter([b"\r\n".join(lines)]))
        assert (await peer.answer())[0] == expected


@asynccontextmanager
async def served(bounds: Bounds) -> AsyncIterator[str]:
    """An app with answers that are longer than any buffer, and one that says where it was asked from."""

    async def long(request: Request) -> Response:
        return StreamingResponse(b"a" * 1_000_000 for _ in range(200))

    async def whole(request: Request) -> Response:
        return Response(b"a" * 30_000_000)

    async def client(request: Request) -> Response:
        return Response(request.client.host if request.client else "")

    app = Starlette(routes=[Route("/long", long), Route("/whole", whole), Route("/client", client)])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(configured(app, bounds, lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.mark.parametrize("path", ["long", "whole"])
@pytest.mark.parametrize("connection", [b"", b"Connection: close\r\n"], ids=["kept", "last"])
async def test_an_answer_that_nobody_takes_is_given_up(path: str, connection: bytes) -> None:
    async with served(Bounds(answer_seconds=0.3, idle_seconds=0.5)) as address:
        host, _, port = urlsplit(address).netloc.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1_000)
        writer.write(b"GET /%s HTTP/1.1\r\nHost: here\r\n%s\r\n" % (path.encode(), connection))
        await asyncio.sleep(2)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(30_000_000)
        writer.transport.abort()


@pytest.mark.parametrize("connection", [b"", b"Connection: close\r\n"], ids=["kept", "last"])
async def test_an_answer_that_is_taken_slowly_is_said_to_its_end(connection: bytes) -> None:
    """For longer than any of its bounds."""
    async with served(Bounds(answer_seconds=0.6, idle_seconds=0.4)) as address:
        host, _, port = urlsplit(address).netloc.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1_000)
        writer.write(b"GET /whole HTTP/1.1\r\nHost: here\r\n%s\r\n" % connection)
        await reader.readuntil(b"\r\n\r\n")
        for _ in range(30):
            await reader.readexactly(1_000_000)
            await asyncio.sleep(0.1)
        writer.transport.abort()


@pytest.mark.parametrize(("trusted", "told"), [("127.0.0.1", "192.0.2.7"), ("10.0.0.0/8", "127.0.0.1")])
async def test_who_a_proxy_forwards_for_is_believed_of_a_trusted_one_alone(trusted: str, told: str) -> None:
    settings = ServiceSettings(
        database_url="postgresql://localhost/none",
        http_port=1,
        http_trusted_proxies=trusted,
    )
    async with served(Bounds.of(settings)) as address, connected(address) as peer:
        await peer.send(iter([b"GET /client HTTP/1.1\r\nHost: here\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"]))
        assert (await peer.answer())[2].decode() == told


@pytest.mark.parametrize("proxies", ["*", "proxy.example", "10.0.0.1/8", "127.0.0.1, nobody"])
def test_a_proxy_is_named_by_its_address(proxies: str) -> None:
    with pytest.raises(ValueError, match="http_trusted_proxies"):
        ServiceSettings(
            database_url="postgresql://localhost/none",
            http_port=1,
            http_trusted_proxies=proxies,
        )
