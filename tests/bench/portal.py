"""What a page of the portal costs its process: from memory, rendered each time, and 304, of a real round.

python -m tests.bench.portal [--requests N]

Ratios of processor time without sockets, so that neither a client nor other processes count: what a body costs on its
way, and a 304 saves, is not in them.
"""

import argparse
import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass, field

import httpx2
from fastapi import FastAPI
from pydantic import PostgresDsn, SecretStr
from starlette.types import ASGIApp, Message

from deploy.local.stack import Stack
from deploy.local.state import State
from services.portal.adapters.pages import Made, Pages
from services.portal.app import create_app
from services.portal.settings import PortalSettings
from shared.service.logs import configure_logs
from tests.support.rounds import Office, clock_map

ROUND = "bench"
NONE = PostgresDsn("postgresql://127.0.0.1:1/none")
"""Public pages need no database."""


async def asked(app: ASGIApp, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str]]:
    """One request, without a client or a socket: status and headers of the answer."""
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    given = [(name.lower().encode(), value.encode()) for name, value in {"host": "bench", **headers}.items()]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode()}
    scope |= {"query_string": b"", "headers": given, "scheme": "http", "server": ("bench", 80), "client": ("::1", 1)}
    await app({**scope, "app": app, "state": {}, "root_path": ""}, receive, send)
    return told[0]["status"], {name.decode(): value.decode() for name, value in told[0]["headers"]}


async def cost(requests: int, ask: Callable[[], Awaitable[int]], status: int) -> float:
    """Milliseconds of processor for one request, the least of five runs. A page shows the minute, so one or two of a
    run may be answered anew."""
    runs = []
    for _ in range(5):
        gc.collect()
        began = time.process_time()
        others = [got for _ in range(requests) if (got := await ask()) != status]
        runs.append((time.process_time() - began) / requests * 1000)
        assert len(others) <= 2, others
    return min(runs)


async def measured(intake: str, requests: int) -> None:
    settings = PortalSettings(intake_url=intake, database_url=NONE, sealing_key=SecretStr("b" * 32))
    app = create_app(settings)
    language = {"accept-language": "ko"}
    async with app.router.lifespan_context(app):
        for path in ("/", f"/rounds/{ROUND}"):
            while (await asked(app, path, language))[0] != 200:
                await asyncio.sleep(0.1)
            reader = Reader(app, path, language)
            memory = await cost(requests, reader.read, 200)
            known = await cost(requests, reader.read_again, 304)
            anew = await cost(requests // 4, reader.read_rendered, 200)
            print(f"{path}: from memory {memory:.3f} ms, rendered {anew:.3f} ms, 304 {known:.3f} ms of processor")
            print(f"  from memory over rendering: {anew / memory:.1f} times (wanted: 1.5)")
            print(f"  304 over the body:          {memory / known:.2f} times (wanted: 1.2)")


class Anew(Pages):
    """Renders each time, and packs nothing: the yardstick."""

    def from_memory(self, key: Hashable, make: Callable[[], bytes]) -> Made:
        return Made(make(), b"", "")


@dataclass
class Reader:
    """Somebody who reads one page again and again."""

    app: FastAPI
    path: str
    headers: Mapping[str, str]
    etag: str = ""
    anew: Pages = field(default_factory=Anew)

    async def read(self) -> int:
        return (await asked(self.app, self.path, self.headers))[0]

    async def read_again(self) -> int:
        """With the ETag of the page that was read last."""
        status, told = await asked(self.app, self.path, {**self.headers, "if-none-match": self.etag})
        self.etag = told["etag"]
        return status

    async def read_rendered(self) -> int:
        kept, self.app.state.pages = self.app.state.pages, self.anew
        try:
            return await self.read()
        finally:
            self.app.state.pages = kept


async def main(requests: int) -> None:
    with State.temporary() as state:
        async with Stack.started(state=state, services=("intake",), fresh=True, registries=False) as stack:
            async with httpx2.AsyncClient(base_url=stack.url("intake"), timeout=30) as client:
                office = await Office.of(stack, client)
                await office.announce(ROUND, rehearsal=clock_map(3600))
                await office.status(ROUND, "open")
            await measured(stack.url("intake"), requests)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=2000)
    configure_logs("portal", "bench", "CRITICAL")
    asyncio.run(main(parser.parse_args().requests))
