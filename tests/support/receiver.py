"""A webhook receiver as institutions run them, and as they fail: a real HTTP server with a path for each mood."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Receiver:
    """What came in, in order. `moods`: answers to give first at a path, before it says 204."""

    port: int = 0
    got: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    moods: dict[str, list[web.Response]] = field(default_factory=dict)
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def taken(self, path: str) -> list[tuple[Mapping[str, str], bytes]]:
        return [(headers, body) for where, headers, body in self.got if where == path]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.got.append((request.path, dict(request.headers), body))
        waiting = self.moods.get(request.path)
        if waiting:
            return waiting.pop(0)
        match request.path:
            case "/silent":
                await self.held.wait()
            case "/slow-body":
                answer = web.StreamResponse(status=200)
                await answer.prepare(request)
                await answer.write(b"x")
                await self.held.wait()
                return answer
            case "/hang-up":
                assert request.transport is not None
                request.transport.abort()
            case "/endless":
                answer = web.StreamResponse(status=200)
                await answer.prepare(request)
                while not self.held.is_set():
                    await answer.write(b"x" * 65536)
                    await asyncio.sleep(0)
                return answer
            case path if path.startswith("/status/"):
                return web.Response(status=int(path.rpartition("/")[2]))
            case "/redirect":
                return web.Response(status=307, headers={"Location": self.url("/ok")})
            case _:
                pass
        return web.Response(status=204)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = web.Server(receiver.answer)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    receiver.port = listening.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.held.set()
        listening.close()
        await server.shutdown(1)
