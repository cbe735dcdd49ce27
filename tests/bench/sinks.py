"""A mail server and a webhook receiver that take everything at once and keep nothing, in a process of their own.

python -m tests.bench.sinks   (prints their ports as one JSON line; ends with its standard input)
"""

import asyncio
import json
import sys
from typing import cast

import uvloop


class SmtpSink(asyncio.Protocol):
    """Pipelining (RFC 2920) included: it answers what it has, line by line."""

    def __init__(self) -> None:
        self._buffer = b""
        self._content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers = b""
        while True:
            ends = b"\r\n.\r\n" if self._content else b"\r\n"
            line, found, rest = self._buffer.partition(ends)
            if not found:
                break
            self._buffer = rest
            answers += self._answer(line)
        if answers:
            self._transport.write(answers)

    def _answer(self, line: bytes) -> bytes:
        if self._content:
            self._content = False
            return b"250 2.0.0 taken\r\n"
        match line[:4].upper():
            case b"EHLO":
                return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
            case b"DATA":
                self._content = True
                return b"354 go on\r\n"
            case b"QUIT":
                return b"221 2.0.0 bye\r\n"
            case _:
                return b"250 2.0.0 ok\r\n"


class WebhookSink(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(sink, "127.0.0.1", 0) for sink in (SmtpSink, WebhookSink)]
    smtp, http = (server.sockets[0].getsockname()[1] for server in servers)
    print(json.dumps({"smtp": smtp, "http": http}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
