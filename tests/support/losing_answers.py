"""A network before a real service that loses the first answer to each request: it was carried out, and nobody hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Losing:
    """`passed`: by a request's head without its length, how often such came; the first answer to each is lost."""

    service_port: int
    port: int = 0
    passed: dict[bytes, int] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await _message(reader)
                to_service = await asyncio.open_connection("127.0.0.1", self.service_port)
                to_service[1].write(asked)
                answer = await _message(to_service[0])
                to_service[1].close()
                lines = asked.partition(b"\r\n\r\n")[0].split(b"\r\n")
                head = b"\n".join(line for line in lines if not line.lower().startswith(b"content-length:"))
                self.passed[head] = self.passed.get(head, 0) + 1
                if self.passed[head] == 1:
                    return
                writer.write(answer)
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer, whose length its head says."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0]) if lengths else 0)


@asynccontextmanager
async def losing_answers(service_port: int) -> AsyncIterator[Losing]:
    losing = Losing(service_port)
    server = await asyncio.start_server(losing.serve, "127.0.0.1", 0)
    losing.port = server.sockets[0].getsockname()[1]
    try:
        yield losing
    finally:
        server.close()
