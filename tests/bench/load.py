"""A lean HTTP/1.1 load: prepared requests over keep-alive connections, one under way on each.

python -m tests.bench.load HOST PORT CONNECTIONS FILE   (FILE: requests, each behind its length as 4 bytes)
Prints one JSON line: seconds, and how often each status came.
"""

import asyncio
import json
import struct
import sys
import time
from collections import Counter
from pathlib import Path
from typing import cast

import uvloop


class Connection(asyncio.Protocol):
    """Sends the next request when the answer to the one before is whole."""

    def __init__(self, requests: "list[bytes]", statuses: "Counter[int]", done: "asyncio.Future[None]") -> None:
        self._requests = requests
        self._statuses = statuses
        self._done = done
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._statuses[int(head[9:12])] += 1
        self._buffer = self._buffer[end + 4 + length :]
        self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        if self._requests:
            self._transport.write(self._requests.pop())
        elif not self._done.done():
            self._done.set_result(None)
            self._transport.close()


async def run(host: str, port: int, connections: int, requests: list[bytes]) -> tuple[float, "Counter[int]"]:
    """Seconds from the first request to the last answer, and the statuses."""
    loop = asyncio.get_running_loop()
    statuses: Counter[int] = Counter()
    started = time.perf_counter()
    futures: list[asyncio.Future[None]] = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        futures.append(done)
        await loop.create_connection(lambda done=done: Connection(requests, statuses, done), host, port)  # type: ignore[misc]
    await asyncio.gather(*futures)
    return time.perf_counter() - started, statuses


def read_requests(path: Path) -> list[bytes]:
    data, at, requests = path.read_bytes(), 0, []
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        requests.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return requests


def write_requests(path: Path, requests: list[bytes]) -> None:
    path.write_bytes(b"".join(struct.pack(">I", len(request)) + request for request in requests))


if __name__ == "__main__":
    seconds, counted = uvloop.run(
        run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), read_requests(Path(sys.argv[4])))
    )
    print(json.dumps({"seconds": seconds, "statuses": counted}))
